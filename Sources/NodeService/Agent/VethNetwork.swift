import Glibc
import Linux
import NetTypes

/// Joins pods to their node as Calico does: a namespace and a veth pair per pod, no bridge.
///
///     pod: eth0 10.53.1.2/32 ── default via 169.254.1.1, a neighbour that is always known
///       │
///     node: cali… ee:ee:ee:ee:ee:ee ── route 10.53.1.2/32
///
/// The pod's gateway needs no ARP and so no proxy ARP: its hardware address is the same everywhere.
@Loop package final class VethNetwork: PodNetwork {
  static let gateway = IPAddress.v4(IPv4Address(169, 254, 1, 1))
  static let gatewayHardwareAddress = [UInt8](repeating: 0xEE, count: 6)

  private let directory: String

  /// - Parameter directory: Where the pods' namespaces are bound, by uid.
  package init(directory: String) throws {
    self.directory = directory
    try Files.makeDirectory(directory)
  }

  private func path(_ uid: String) -> String { "\(directory)/\(uid)" }

  package func existing() -> Set<String> {
    Set(Files.names(in: directory).filter { NetworkNamespace.exists(path: path($0)) })
  }

  package func namespace(podUID: String) -> String? {
    NetworkNamespace.exists(path: path(podUID)) ? path(podUID) : nil
  }

  /// `cali` and 11 hexadecimal digits of the uid's hash (FNV-1a).
  package nonisolated static func interfaceName(podUID: String) -> String {
    let digits = String(hash(podUID), radix: 16)
    return "cali" + (String(repeating: "0", count: 16 - digits.count) + digits).suffix(11)
  }

  /// The pod's own hardware address, locally administered.
  nonisolated static func hardwareAddress(podUID: String) -> [UInt8] {
    let value = hash(podUID)
    return [0x02] + (0..<5).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }

  private nonisolated static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
  }

  package func setUp(_ pod: PodSpecification, addresses: [IPAddress]) async throws -> String {
    let path = path(pod.uid)
    if !NetworkNamespace.exists(path: path) {
      unlink(path)
      try NetworkNamespace.create(path: path)
    }
    let namespace = try NetworkNamespace.open(path: path)
    let netlink = try Netlink()
    let name = Self.interfaceName(podUID: pod.uid)
    let hardwareAddress = Self.hardwareAddress(podUID: pod.uid)
    if try netlink.link(named: name) == nil {
      try netlink.addVeth(
        name, peer: "eth0", in: namespace, hardwareAddress: Self.gatewayHardwareAddress,
        peerHardwareAddress: hardwareAddress)
    }
    try netlink.setUp(name)
    try namespace.with {
      let inside = try Netlink()
      try inside.setUp("lo")
      try inside.setUp("eth0")
      for address in addresses where address.isIPv4 {
        try inside.addAddress(InterfaceAddress(address, length: address.bitWidth), to: "eth0")
      }
      try inside.setNeighbour(
        Self.gateway, hardwareAddress: Self.gatewayHardwareAddress, on: "eth0")
      try inside.replaceRoute(Route(destination: IPPrefix(host: Self.gateway), interface: "eth0"))
      var out = Route(
        destination: .defaultIPv4, hops: [.init(gateway: Self.gateway, interface: "eth0")])
      out.isOnLink = true
      try inside.replaceRoute(out)
    }
    for address in addresses where address.isIPv4 {
      try netlink.replaceRoute(Route(destination: IPPrefix(host: address), interface: name))
      try netlink.setNeighbour(address, hardwareAddress: hardwareAddress, on: name)
    }
    return path
  }

  package func tearDown(podUID: String) async {
    // A uid comes from the API or from our own folder; it names one file below it.
    guard !podUID.isEmpty, !podUID.contains("/"), podUID != "..", podUID != "." else { return }
    if let netlink = try? Netlink() {
      try? netlink.deleteLink(Self.interfaceName(podUID: podUID))
    }
    try? NetworkNamespace.delete(path: path(podUID))
  }
}
