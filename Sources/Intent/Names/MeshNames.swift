import DNS
import Kubernetes
import NetTypes

/// What a name service of a mesh is told of the others: JSON of `kind: MeshNames`, which `atoll up`
/// writes.
package struct MeshNames: Equatable, Sendable {
  package struct Voter: Equatable, Sendable {
    package var name: String
    package var address: SocketAddress
    package var certificateName: String
  }

  package struct Unit: Equatable, Sendable {
    package var name: String
    package var dns: IPAddress
    /// The control socket of the unit's edge; nil of other units.
    package var edgeSocket: String?
  }

  /// The zone that wide IPs of the mesh are in.
  package var domain: DomainName
  /// Who reads this.
  package var voter: String
  /// Paths of PEM files.
  package var authority: String
  package var certificate: String
  package var key: String
  /// This one among them.
  package var voters: [Voter]
  package var units: [Unit]

  /// - Throws: what is missing, with its place.
  package init(json: JSON, file: String) throws(FileProblem) {
    func wrong(_ field: String, _ expected: String) -> FileProblem {
      FileProblem(file: file, message: "\(field): expected \(expected)")
    }
    guard json["kind"].string == "MeshNames" else { throw wrong("kind", "MeshNames") }
    let spec = json["spec"]
    guard let domain = spec["domain"].string.flatMap({ DomainName($0) }) else {
      throw wrong("spec.domain", "a domain name")
    }
    func text(_ value: JSON, _ field: String) throws(FileProblem) -> String {
      guard let text = value.string, !text.isEmpty else { throw wrong(field, "a text") }
      return text
    }
    self.domain = domain
    voter = try text(spec["voter"], "spec.voter")
    authority = try text(spec["tls"]["authority"], "spec.tls.authority")
    certificate = try text(spec["tls"]["certificate"], "spec.tls.certificate")
    key = try text(spec["tls"]["key"], "spec.tls.key")
    voters = []
    for (index, item) in spec["voters"].elements.enumerated() {
      let place = "spec.voters[\(index)]"
      guard let address = item["address"].string.flatMap({ SocketAddress($0) }) else {
        throw wrong("\(place).address", "ADDRESS:PORT")
      }
      let name = try text(item["name"], "\(place).name")
      voters.append(
        Voter(
          name: name, address: address,
          certificateName: item["certificateName"].string ?? name))
    }
    units = []
    for (index, item) in spec["units"].elements.enumerated() {
      let place = "spec.units[\(index)]"
      guard let dns = item["dns"].string.flatMap({ IPAddress($0) }) else {
        throw wrong("\(place).dns", "an address")
      }
      units.append(
        Unit(
          name: try text(item["name"], "\(place).name"), dns: dns,
          edgeSocket: item["edgeSocket"].string))
    }
    let own = voter
    guard voters.contains(where: { $0.name == own }) else {
      throw wrong("spec.voter", "one of spec.voters, found \"\(own)\"")
    }
  }

  package var own: Voter? { voters.first { $0.name == voter } }

  /// The mesh's zone: its name servers, and what is given beside them.
  package func zone(_ records: [ResourceRecord], serial: SerialNumber) -> Zone {
    var zone = Zone(origin: domain)
    let servers = units.compactMap { unit in
      domain.prepending("ns-\(unit.name)").map { ($0, unit.dns) }
    }
    guard let primary = servers.first?.0, let mailbox = domain.prepending("hostmaster") else {
      return zone
    }
    // Resolvers remember a *no* no longer than it takes to fail over.
    let start = StartOfAuthority(
      primary: primary, mailbox: mailbox, serial: serial, refresh: 60, retry: 10, expire: 86_400,
      minimum: 5)
    zone.records.append(ResourceRecord(domain, .soa, ttl: 60, .soa(start)))
    for (name, address) in servers {
      zone.records.append(ResourceRecord(domain, .ns, ttl: 60, .ns(name)))
      switch address {
      case .v4(let v4): zone.records.append(ResourceRecord(name, .a, ttl: 60, .a(v4)))
      case .v6(let v6): zone.records.append(ResourceRecord(name, .aaaa, ttl: 60, .aaaa(v6)))
      }
    }
    zone.records += records.filter { $0.name.isSubdomain(of: domain) && $0.name != domain }
    return zone
  }
}
