import BGP
import NetTypes

/// What the two ends of one cell of the matrix are to do: both configurations come from this.
struct Exchange: Sendable {
  var ourAS: UInt32 = 64512
  var theirAS: UInt32 = 64512
  /// Of the session's addresses.
  var overIPv6 = false
  var families: [AddressFamily] = [.ipv4]
  /// RFC 2385.
  var password: String?
  var gracefulRestart = false
  /// RFC 7911, both ways.
  var addPath = false
  /// RFC 5881, both ways, every 50 ms.
  var bfd = false
  /// The peer's routes carry `tags`.
  var isTagged = false
  /// Nothing is announced before the peer's program was told to.
  var theirRoutes = ["10.92.0.0/24"]
  /// The peer is the one that opens the connection; otherwise both ends do.
  var peerConnects = false

  var isExternal: Bool { ourAS != theirAS }
  var ourAddress: String { overIPv6 ? Cable.ourAddress6 : Cable.ourAddress }
  var theirAddress: String { overIPv6 ? Cable.theirAddress6 : Cable.theirAddress }

  /// A next hop of theirs for `route`.
  func theirNextHop(_ route: String) -> String {
    route.contains(":") ? Cable.theirAddress6 : Cable.theirAddress
  }

  static let ipv6Route = "2001:db8:92::/48"

  /// One community of each kind: RFC 1997, 4360 (a route target), 8092.
  struct Tags: Sendable {
    var community = "64512:100"
    var target = "64512:300"
    var large = "64512:1:2"
  }
  static let tags = Tags()

  /// Our end.
  func configuration() -> RouterConfiguration {
    var configuration = RouterConfiguration(
      localAS: ASNumber(ourAS), routerID: IPv4Address(Cable.ourAddress))
    configuration.timers.connectRetry = .seconds(1)
    configuration.gracefulRestart.isEnabled = gracefulRestart
    configuration.networks = families.map { $0 == .ipv4 ? ourRoute : ourRoute6 }
    var neighbor = Neighbor(address: address(theirAddress), remoteAS: ASNumber(theirAS))
    neighbor.settings.password = password
    neighbor.settings.passive = peerConnects
    neighbor.settings.nextHopSelf = true
    for family in AddressFamily.allCases {
      neighbor.settings.activations[family] = families.contains(family)
    }
    if bfd {
      var bfd = BFDSettings()
      (bfd.transmitInterval, bfd.receiveInterval) = (.milliseconds(50), .milliseconds(50))
      neighbor.settings.bfd = bfd
    }
    if addPath {
      var addPath = AddPath()
      addPath.sending = .all
      neighbor.settings.addPath = addPath
    }
    configuration.neighbors = [neighbor]
    return configuration
  }
}

let ourRoute = prefix("10.91.0.0/26")
let ourRoute6 = prefix("2001:db8:91::/64")
let theirRoute = prefix("10.92.0.0/24")
