import BGP
import Glibc
import Linux
import NetTypes
import RouterService

let isRoot = geteuid() == 0

func prefix(_ text: String) -> IPPrefix { IPPrefix(text)! }
func address(_ text: String) -> IPAddress { IPAddress(text)! }

/// Two network namespaces and the cable between them: our router in one, a peer's program in the
/// other. They go with this object.
final class Cable: Sendable {
  let ours: String
  let theirs: String

  static let ourAddress = "10.90.0.1"
  static let theirAddress = "10.90.0.2"
  static let ourAddress6 = "2001:db8:90::1"
  static let theirAddress6 = "2001:db8:90::2"
  /// Further addresses at the peer's end, for scripted peers.
  static let scripted = ["10.90.0.3", "10.90.0.4"]
  /// On the peer's loopback: what packets through its routes are sent to.
  static let destination = "10.92.0.1"

  init() throws {
    let id = "atollinterop-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    ours = id + "-a"
    theirs = id + "-b"
    try NetworkNamespace.create(named: ours)
    try NetworkNamespace.create(named: theirs)
    try NetworkNamespace.open(named: theirs).with { try Self.skipDuplicateDetection() }
    let other = try NetworkNamespace.open(named: theirs)
    try NetworkNamespace.open(named: ours).with {
      try Self.skipDuplicateDetection()
      try Netlink().addVeth("eth0", peer: "eth0", in: other)
      try Self.setUp(["eth0": ["\(Self.ourAddress)/24", "\(Self.ourAddress6)/64"]])
    }
    try other.with {
      let further = Self.scripted.map { "\($0)/24" }
      try Self.setUp([
        "eth0": ["\(Self.theirAddress)/24", "\(Self.theirAddress6)/64"] + further,
        "lo": ["\(Self.destination)/32"],
      ])
    }
  }

  deinit {
    try? NetworkNamespace.delete(named: ours)
    try? NetworkNamespace.delete(named: theirs)
  }

  /// Addresses of IPv6 are usable at once.
  private static func skipDuplicateDetection() throws {
    try Sysctl.set("net.ipv6.conf.all.accept_dad", "0")
    try Sysctl.set("net.ipv6.conf.default.accept_dad", "0")
  }

  private static func setUp(_ addresses: [String: [String]]) throws {
    let netlink = try Netlink()
    try netlink.setUp("lo")
    for (interface, own) in addresses {
      for text in own { try netlink.addAddress(InterfaceAddress(text)!, to: interface) }
    }
    try netlink.setUp("eth0")
  }

  /// Nothing passes from or to the peer's namespace, while its links stay up.
  func cut() async throws { try await NetworkNamespace.cut(theirs) }
  func mend() async throws { try await NetworkNamespace.mend(theirs) }

  func path(_ name: String) -> String { "\(NetworkNamespace.folder)/\(name)" }

  /// The routes that our router made in the kernel's table.
  func installedRoutes() throws -> [IPPrefix: Route] {
    try NetworkNamespace.open(named: ours).with {
      let routes = try Netlink().routes().filter { $0.routingProtocol == 167 }
      return Dictionary(routes.map { ($0.destination, $0) }) { $1 }
    }
  }
}

extension NetworkNamespace {
  /// Nothing passes from or to a namespace, while its links stay up.
  static func cut(_ name: String) async throws {
    try await NFTables.apply(
      """
      table inet cut {
        chain in { type filter hook input priority 0; drop; };
        chain out { type filter hook output priority 0; drop; };
      }
      """, inNamespace: name)
  }

  static func mend(_ name: String) async throws {
    try await NFTables.apply("delete table inet cut", inNamespace: name)
  }
}

/// Asks again until it holds, for half a minute.
@Loop func eventually(_ condition: () async throws -> Bool) async -> Bool {
  let limit = Loop.now.advanced(by: .seconds(30))
  while Loop.now < limit {
    if (try? await condition()) ?? false { return true }
    try? await Loop.sleep(.milliseconds(10))
  }
  return false
}
