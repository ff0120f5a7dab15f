import BGP
import Glibc
import Linux
import NetTypes
import RouterService

let isRoot = geteuid() == 0

func prefix(_ text: String) -> IPPrefix { IPPrefix(text)! }
func address(_ text: String) -> IPAddress { IPAddress(text)! }

/// Two network namespaces, `left` and `right`, joined by a cable: 10.90.0.1 and 10.90.0.2.
final class TwoNamespaces: Sendable {
  let left: String
  let right: String

  init() throws {
    let id = "atolltest-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    left = id + "-l"
    right = id + "-r"
    try NetworkNamespace.create(named: left)
    try NetworkNamespace.create(named: right)
    let other = try NetworkNamespace.open(named: right)
    try NetworkNamespace.open(named: left).with {
      let netlink = try Netlink()
      try netlink.addVeth("eth0", peer: "eth0", in: other)
      try netlink.addAddress(InterfaceAddress("10.90.0.1/24")!, to: "eth0")
      try netlink.setUp("lo")
      try netlink.setUp("eth0")
    }
    try other.with {
      let netlink = try Netlink()
      try netlink.addAddress(InterfaceAddress("10.90.0.2/24")!, to: "eth0")
      try netlink.setUp("lo")
      try netlink.setUp("eth0")
    }
  }

  deinit {
    try? NetworkNamespace.delete(named: left)
    try? NetworkNamespace.delete(named: right)
  }

  func path(_ name: String) -> String { "\(NetworkNamespace.folder)/\(name)" }

  /// The routes that a router of ours made in `name`.
  func routes(in name: String) throws -> [IPPrefix: Route] {
    try NetworkNamespace.open(named: name).with {
      let routes = try Netlink().routes().filter { $0.routingProtocol == 167 }
      return Dictionary(routes.map { ($0.destination, $0) }) { $1 }
    }
  }

  func with(_ name: String, _ body: (Netlink) throws -> Void) throws {
    try NetworkNamespace.open(named: name).with { try body(Netlink()) }
  }

  @Loop func router(
    _ name: String, peer: String, _ change: (inout RouterConfiguration) -> Void = { _ in }
  ) -> Router {
    var configuration = RouterConfiguration(localAS: ASNumber(64512))
    configuration.timers.connectRetry = .seconds(1)
    configuration.neighbors = [Neighbor(address: address(peer), remoteAS: ASNumber(64512))]
    change(&configuration)
    var options = Router.Options()
    options.namespace = path(name)
    return Router(configuration: configuration, options: options)
  }
}

/// Waits until `condition` holds; false after 15 s.
@Loop func eventually(_ condition: () throws -> Bool) async -> Bool {
  for _ in 0..<1500 {
    if (try? condition()) ?? false { return true }
    try? await Loop.sleep(.milliseconds(10))
  }
  return false
}
