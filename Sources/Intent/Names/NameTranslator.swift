import DNS
import Delivery
import GSLB
import Kubernetes
import NetTypes

/// Where an application of the unit answers for a host.
struct NameSite {
  var address: IPAddress
  var port: UInt16
  var services: Set<ResourceName>
  /// HTTP by an Ingress, else a connection alone.
  var host: String?
  var isSecure = false
}

/// Turns objects into announcements one by one; who asks first for a name and type has it.
struct NameTranslator {
  let objects: NameObjects
  let unit: String
  var result = NameTranslation()
  /// The object that asked first for each name and type.
  private var owners: [String: String] = [:]

  init(objects: NameObjects, unit: String) {
    self.objects = objects
    self.unit = unit
  }

  /// How long a site that returns takes to its whole share: caches are cold, pods still start.
  static let rampedReturn = Duration.seconds(10)

  mutating func add(
    _ host: String, _ terms: Announcement.Name, _ sites: [NameSite], ratio: Int, order: UInt16,
    monitor: Monitor?, _ subject: inout NameTranslation.Subject
  ) {
    guard let name = DomainName(host) else {
      subject.problem = "host: found \"\(host)\", expected a domain name"
      return
    }
    let title = "\(subject.object.kind) \(subject.object.resourceName)"
    let key = "\(name.lowercased) \(terms.type)"
    guard owners[key] == nil else {
      subject.problem = "\(host): \(owners[key] ?? "another") asked for it first"
      return
    }
    owners[key] = title
    subject.names.append(name)
    let fitting = sites.filter { $0.address.isIPv4 == (terms.type == .a) }
    var announced = terms
    announced.name = name
    var seen: Set<IPAddress> = []
    for site in fitting where seen.insert(site.address).inserted {
      let member = "\(host):\(site.port)@\(site.address)"
      var announcedMember = Announcement.Member(
        member, address: site.address, port: max(site.port, 1),
        monitor: monitor ?? Self.monitor(site))
      announcedMember.ratio = max(1, ratio)
      announcedMember.order = order
      if !subject.addresses.contains(site.address) { subject.addresses.append(site.address) }
      subject.services.formUnion(site.services)
      // A unit of weight nought serves nobody.
      if ratio > 0 { announced.members.append(announcedMember) }
      result.backings.append(
        NameTranslation.Backing(
          member: member, address: site.address, services: site.services, names: [name]))
    }
    result.announcement.names.append(announced)
    if fitting.isEmpty, subject.problem == nil {
      subject.problem = "\(host): nothing in this unit answers for it yet"
    }
  }

  /// A request through the whole path. An application that has no page there still lives; one that
  /// fails does not.
  private static func monitor(_ site: NameSite) -> Monitor {
    guard let host = site.host else { return .pathProbe }
    var monitor = Monitor.pathProbe
    monitor.kind = site.isSecure ? .https : .http
    monitor.host = host
    monitor.serverName = site.isSecure ? host : nil
    monitor.expectedStatus = 100...499
    return monitor
  }

  func sites(of ingresses: [Ingress], host: String) -> [NameSite] {
    ingresses.flatMap { ingress -> [NameSite] in
      let backends = ingress.rules.filter { $0.host == host }.flatMap(\.paths).map(\.backend)
      let services = backends.compactMap(\.serviceName).map {
        ResourceName(namespace: ingress.namespace, name: $0)
      }
      let isSecure = ingress.tls.contains { $0.hosts.contains(host) }
      return ingress.loadBalancerAddresses.compactMap { IPAddress($0) }.map { address in
        NameSite(
          address: address, port: isSecure ? 443 : 80, services: Set(services), host: host,
          isSecure: isSecure)
      }
    }
  }
}
