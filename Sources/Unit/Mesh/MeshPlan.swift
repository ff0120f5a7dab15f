import Intent
import NetTypes

/// A mesh worked out from its configuration, as values.
///
/// ```
///  client eth0 ──[client]── client ┐       ┌ east ──[east]── eth2 edge of unit east
///     172.30.0.10     172.30.0.9   ├─ wan ─┤
///                                  ┘       └ west ──[west]── eth2 edge of unit west
/// ```
/// A line is a /30. In its middle, in brackets, is a bridge in namespace `atoll-MESH-links`: a fault
/// takes the line apart there, so that both ends keep their carrier, as on a long way.
package struct MeshPlan: Equatable, Sendable {
  package let configuration: MeshConfiguration
  package let units: [UnitPlan]
  package let lines: [Line]

  /// - Parameter configuration: With its networks chosen.
  package init(_ configuration: MeshConfiguration) throws(UnitError) {
    try UnitPlan.checkName(configuration.name)
    let sites = configuration.units.map(\.configuration.name) + configuration.clients
    let links = configuration.linkCIDR
    guard links.isIPv4, links.length <= 30, links.count / 4 >= sites.count else {
      throw UnitError("linkCIDR: found \(links), expected room for \(sites.count) lines of a /30")
    }
    lines = sites.enumerated().map { index, site in
      Line(site: site, mesh: configuration.name, network: links, index: index)
    }
    var configuration = configuration
    var units: [UnitPlan] = []
    for index in configuration.units.indices {
      let line = lines[index]
      configuration.units[index].configuration.mesh = MeshLink(
        mesh: configuration.name, address: line.siteAddress, router: line.routerAddress.address,
        routerAS: configuration.routerAS)
      let plan = try UnitPlan(configuration.units[index].configuration)
      try plan.checkAgainst(
        units.map { UnitRecord(configuration: $0.configuration, publishes: []) })
      for (field, prefix) in plan.configuration.networks where prefix.overlaps(links) {
        throw UnitError(
          "\(field) \(prefix) of unit \(plan.configuration.name) overlaps linkCIDR \(links)")
      }
      units.append(plan)
    }
    self.configuration = configuration
    self.units = units
  }

  package var name: String { configuration.name }
  package var directory: UnitDirectory { UnitDirectory(unit: name) }
  /// Where the lines' bridges live.
  package var linksNamespace: String { "atoll-\(name)-links" }
  package var routerNamespace: String { "atoll-\(name)-wan" }
  package func namespace(ofClient client: String) -> String { "atoll-\(name)-\(client)" }
  package var namespaces: [String] {
    [linksNamespace, routerNamespace] + configuration.clients.map(namespace(ofClient:))
  }

  package func line(of site: String) -> Line? { lines.first { $0.site == site } }

  /// The name services that a client asks, in order.
  package var nameservers: [IPAddress] { units.map(\.dnsAddress) }

  /// A site's line to the router.
  package struct Line: Equatable, Sendable {
    package let site: String
    let mesh: String
    private var network = IPPrefix.defaultIPv4
    private var index = 0

    init(site: String, mesh: String) {
      self.site = site
      self.mesh = mesh
    }

    init(site: String, mesh: String, network: IPPrefix, index: Int) {
      self.init(site: site, mesh: mesh)
      self.network = network
      self.index = index
    }

    package var routerAddress: InterfaceAddress {
      InterfaceAddress(network[index * 4 + 1], length: 30)
    }
    package var siteAddress: InterfaceAddress {
      InterfaceAddress(network[index * 4 + 2], length: 30)
    }
    /// Both ends of the bridge, in namespace `links`; within the kernel's 15 bytes.
    package var sitePort: String { "\(site)-site" }
    package var routerPort: String { "\(site)-wan" }

    func siteCable(namespace: String, interface: String, address: InterfaceAddress) -> Cable {
      Cable(
        namespace: namespace, interface: interface, address: address,
        switchNamespace: "atoll-\(mesh)-links", port: sitePort, bridge: site)
    }

    var routerCable: Cable {
      Cable(
        namespace: "atoll-\(mesh)-wan", interface: site, address: routerAddress,
        switchNamespace: "atoll-\(mesh)-links", port: routerPort, bridge: site)
    }
  }
}
