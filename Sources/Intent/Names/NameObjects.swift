import DNS
import Delivery
import GSLB
import Kubernetes
import NetTypes

/// The objects of a unit's cluster that ask for global names.
///
/// | Object | Asks for |
/// |---|---|
/// | `k8gb.io/v1beta1` Gslb | the hosts of an Ingress, its own or one that it selects |
/// | `cis.f5.com/v1` ExternalDNS | a domain name, served by Ingresses and LoadBalancer Services of that host |
/// | `externaldns.k8s.io/v1alpha1` DNSEndpoint | records as they are written |
///
/// What a unit's Ingresses and Services answer at becomes its members of the name; the members of
/// other units come from what those announce.
package struct NameObjects: Equatable, Sendable {
  package var gslbs: [KubernetesObject] = []
  package var externalNames: [KubernetesObject] = []
  package var endpoints: [KubernetesObject] = []
  package var ingresses: [Ingress] = []
  package var services: [Service] = []

  package init() {}

  package static let gslb = (group: "k8gb.io", version: "v1beta1", plural: "gslbs")
  package static let externalName = (group: "cis.f5.com", version: "v1", plural: "externaldnses")
  package static let endpoint = (
    group: "externaldns.k8s.io", version: "v1alpha1", plural: "dnsendpoints"
  )
}

/// What a unit's objects come to.
package struct NameTranslation: Equatable, Sendable {
  /// A member that the unit announces, and what stands behind it.
  package struct Backing: Equatable, Sendable {
    /// Of the member, within the unit.
    package var member: String
    package var address: IPAddress
    package var services: Set<ResourceName>
    /// The wide IPs that it belongs to.
    package var names: Set<DomainName>
  }

  /// An object, the names it asked for, and what is wrong with it.
  package struct Subject: Equatable, Sendable {
    package var object: KubernetesObject
    package var names: [DomainName] = []
    package var addresses: [IPAddress] = []
    package var services: Set<ResourceName> = []
    package var problem: String?
  }

  package var announcement = Announcement()
  package var backings: [Backing] = []
  /// Of DNSEndpoints, of types that are not steered.
  package var records: [ResourceRecord] = []
  package var subjects: [Subject] = []
  /// Ingresses that Gslbs bring with them and that are not there yet.
  package var wantedIngresses: [Ingress] = []

  /// - Parameter unit: The unit's name: k8gb's geo tag.
  package init(_ objects: NameObjects, unit: String) {
    var translator = Translator(objects: objects, unit: unit)
    for object in objects.gslbs { translator.addGSLB(object) }
    for object in objects.externalNames { translator.addExternalName(object) }
    for object in objects.endpoints { translator.addEndpoint(object) }
    self = translator.result
  }

  fileprivate init() {}
}

/// Where an application of the unit answers for a host.
private struct Site {
  var address: IPAddress
  var port: UInt16
  var services: Set<ResourceName>
  /// HTTP by an Ingress, else a connection alone.
  var host: String?
  var isSecure = false
}

private struct Translator {
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
  private static let rampedReturn = Duration.seconds(10)

  // MARK: Gslb

  mutating func addGSLB(_ object: KubernetesObject) {
    var subject = NameTranslation.Subject(object: object)
    defer { result.subjects.append(subject) }
    let strategy = object.spec["strategy"]
    var terms = Announcement.Name(.root)
    terms.ttl = UInt32(clamping: strategy["dnsTtlSeconds"].int ?? 30)
    terms.maxAnswers = 16
    terms.rampedReturn = Self.rampedReturn
    var (ratio, order) = (1, UInt16(0))
    switch strategy["type"].string {
    case "roundRobin":
      let weights = strategy["weight"]
      if !weights.isNull {
        terms.preferred = .ratio
        terms.maxAnswers = 1
        ratio = weights[unit].int ?? 0
      }
    case "failover":
      terms.preferred = .globalAvailability
      terms.maxAnswers = 1
      order = strategy["primaryGeoTag"].string == unit ? 0 : 1
    case "geoip":
      terms.preferred = .topology
      terms.maxAnswers = 1
    case let other:
      subject.problem =
        "strategy.type: found \(other.map { "\"\($0)\"" } ?? "nothing"), expected roundRobin, "
        + "failover or geoip"
      return
    }
    let ingresses = ingresses(of: object)
    let hosts = Set(ingresses.flatMap { $0.rules.compactMap(\.host) })
    guard !hosts.isEmpty else {
      subject.problem = "no Ingress with a host: expected spec.ingress, or resourceRef to one"
      return
    }
    for host in hosts.sorted() {
      let sites = sites(of: ingresses, host: host)
      add(host, terms, sites, ratio: ratio, order: order, monitor: nil, &subject)
    }
  }

  /// An Ingress of the Gslb's own, named as it is, or those that `resourceRef` names or selects.
  private mutating func ingresses(of object: KubernetesObject) -> [Ingress] {
    let own = object.spec["ingress"]
    let reference = object.spec["resourceRef"]
    if !own.isNull {
      // What k8gb would make of it: the edge serves the one that is there under its name.
      let made = objects.ingresses.filter {
        $0.namespace == object.namespace && $0.name == object.name
      }
      if !made.isEmpty { return made }
      let wanted = Ingress(
        json: [
          "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
          "metadata": [
            "name": .string(object.name), "namespace": .string(object.namespace),
            "ownerReferences": [
              [
                "apiVersion": .string(object.apiVersion), "kind": .string(object.kind),
                "name": .string(object.name), "uid": .string(object.uid), "controller": true,
              ]
            ],
          ],
          "spec": own,
        ])
      result.wantedIngresses.append(wanted)
      return [wanted]
    }
    guard !reference.isNull else { return [] }
    let namespace = reference["namespace"].string ?? object.namespace
    let candidates = objects.ingresses.filter { $0.namespace == namespace }
    if let name = reference["name"].string { return candidates.filter { $0.name == name } }
    guard let selector = try? LabelSelector(json: reference) else { return [] }
    return candidates.filter { selector.matches($0.labels) }
  }

  private func sites(of ingresses: [Ingress], host: String) -> [Site] {
    ingresses.flatMap { ingress -> [Site] in
      let backends = ingress.rules.filter { $0.host == host }.flatMap(\.paths).map(\.backend)
      let services = backends.compactMap(\.serviceName).map {
        ResourceName(namespace: ingress.namespace, name: $0)
      }
      let isSecure = ingress.tls.contains { $0.hosts.contains(host) }
      return ingress.loadBalancerAddresses.compactMap { IPAddress($0) }.map { address in
        Site(
          address: address, port: isSecure ? 443 : 80, services: Set(services), host: host,
          isSecure: isSecure)
      }
    }
  }

  // MARK: ExternalDNS

  mutating func addExternalName(_ object: KubernetesObject) {
    var subject = NameTranslation.Subject(object: object)
    defer { result.subjects.append(subject) }
    let spec = object.spec
    guard let host = spec["domainName"].string else {
      subject.problem = "spec.domainName: found nothing, expected a domain name"
      return
    }
    var terms = Announcement.Name(.root)
    terms.rampedReturn = Self.rampedReturn
    if let text = spec["dnsRecordType"].string {
      guard let type = SteeredType(rawValue: text), type == .a || type == .aaaa else {
        subject.problem = "spec.dnsRecordType: found \"\(text)\", expected A or AAAA"
        return
      }
      terms.type = type
    }
    // One object for all units has a pool for each, by its data server.
    let pools = spec["pools"].elements
    let pool =
      pools.first { pool in
        pool["dataServerName"].string?.split(separator: "/").last.map(String.init) == unit
      } ?? pools.first ?? .null
    for (field, text, path) in [
      ("loadBalanceMethod", spec["loadBalanceMethod"].string, \Announcement.Name.preferred),
      ("lbModeFallback", pool["lbModeFallback"].string, \.fallback),
    ] {
      guard let text else { continue }
      guard let mode = Self.method(text) else {
        let known = Self.methods.keys.sorted().joined(separator: ", ")
        subject.problem = "\(field): found \"\(text)\", expected one of \(known)"
        return
      }
      terms[keyPath: path] = mode
    }
    terms.persistence = spec["persistenceEnabled"].bool ?? false
    let sites = externalSites(host)
    let monitors = pool["monitors"].elements + [pool["monitor"]].filter { !$0.isNull }
    do throws(MonitorProblem) {
      let monitor = try monitors.first.map { monitor throws(MonitorProblem) in
        try Self.monitor(monitor, host)
      }
      add(
        host, terms, sites, ratio: pool["ratio"].int ?? 1,
        order: UInt16(clamping: pool["order"].int ?? 0), monitor: monitor, &subject)
    } catch {
      subject.problem = error.text
    }
  }

  /// F5 DNS's names of its modes.
  private static let methods: [String: LoadBalancing] = [
    "round-robin": .roundRobin, "ratio": .ratio, "global-availability": .globalAvailability,
    "topology": .topology, "static-persistence": .staticPersistence,
    "least-connections": .leastConnections, "lowest-round-trip-time": .roundTripTime,
    "return-to-dns": .returnToDNS, "drop-packet": .drop, "none": .none,
  ]

  private static func method(_ text: String) -> LoadBalancing? { methods[text] }

  private struct MonitorProblem: Error { var text: String }

  /// `{type, send, recv, interval, timeout}`; of `send`, as `GET /health HTTP/1.1`, the path counts.
  private static func monitor(_ json: JSON, _ host: String) throws(MonitorProblem) -> Monitor {
    var monitor = Monitor.pathProbe
    switch json["type"].string {
    case "http": monitor.kind = .http
    case "https": monitor.kind = .https
    case "tcp": monitor.kind = .tcp
    case let other:
      throw MonitorProblem(
        text: "monitor.type: found \(other.map { "\"\($0)\"" } ?? "nothing"), expected http, https "
          + "or tcp")
    }
    if monitor.kind != .tcp {
      monitor.host = host
      monitor.expectedStatus = 200...399
      let words = (json["send"].string ?? "").split(separator: " ")
      if words.count >= 2, words[1].hasPrefix("/") {
        monitor.path = String(words[1].prefix { $0 != "\r" && $0 != "\n" && $0 != "\\" })
      }
      monitor.receive = json["recv"].string ?? ""
    }
    if let seconds = json["interval"].int, seconds > 0 { monitor.interval = .seconds(seconds) }
    if let seconds = json["timeout"].int, seconds > 0 {
      monitor.timeout = min(.seconds(seconds), monitor.interval)
    }
    return monitor
  }

  /// Ingresses of the host, and LoadBalancer Services that say it is theirs.
  private func externalSites(_ host: String) -> [Site] {
    let ingresses = objects.ingresses.filter { $0.rules.contains { $0.host == host } }
    let services = objects.services.filter { service in
      let names = service.metadata["annotations"]["external-dns.alpha.kubernetes.io/hostname"]
      return service.type == "LoadBalancer"
        && (names.string ?? "").split(separator: ",").contains { $0.trimmed == host }
    }
    return sites(of: ingresses, host: host)
      + services.flatMap { service in
        service.loadBalancerAddresses.compactMap { IPAddress($0) }.compactMap { address in
          service.ports.first { $0.transport == "TCP" }.map { port in
            Site(
              address: address, port: UInt16(clamping: port.port),
              services: [service.resourceName])
          }
        }
      }
  }

  // MARK: DNSEndpoint

  mutating func addEndpoint(_ object: KubernetesObject) {
    var subject = NameTranslation.Subject(object: object)
    defer { result.subjects.append(subject) }
    for (index, endpoint) in object.spec["endpoints"].elements.enumerated() {
      let place = "spec.endpoints[\(index)]"
      guard let host = endpoint["dnsName"].string, let name = DomainName(host) else {
        subject.problem = "\(place).dnsName: expected a domain name"
        continue
      }
      let text = endpoint["recordType"].string ?? "A"
      guard let type = RecordType(text) else {
        subject.problem = "\(place).recordType: found \"\(text)\", expected a record type"
        continue
      }
      let ttl = UInt32(clamping: endpoint["recordTTL"].int ?? 300)
      let targets = endpoint["targets"].elements.compactMap(\.string)
      if type == .a || type == .aaaa {
        var terms = Announcement.Name(.root)
        terms.type = type == .a ? .a : .aaaa
        terms.ttl = ttl
        terms.maxAnswers = 16
        let addresses = targets.compactMap { IPAddress($0) }
        guard addresses.count == targets.count else {
          subject.problem = "\(place).targets: expected \(text == "A" ? "IPv4" : "IPv6") addresses"
          continue
        }
        let sites = addresses.map { Site(address: $0, port: 0, services: []) }
        add(host, terms, sites, ratio: 1, order: 0, monitor: Monitor.none, &subject)
        continue
      }
      for target in targets {
        guard let data = try? RecordData(presentation: target, type: type, origin: .root) else {
          subject.problem = "\(place).targets: found \"\(target)\", expected data of \(type)"
          continue
        }
        result.records.append(ResourceRecord(name, type, ttl: ttl, data))
        if !subject.names.contains(name) { subject.names.append(name) }
      }
    }
  }

  // MARK: Names

  private mutating func add(
    _ host: String, _ terms: Announcement.Name, _ sites: [Site], ratio: Int, order: UInt16,
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
  private static func monitor(_ site: Site) -> Monitor {
    guard let host = site.host else { return .pathProbe }
    var monitor = Monitor.pathProbe
    monitor.kind = site.isSecure ? .https : .http
    monitor.host = host
    monitor.serverName = site.isSecure ? host : nil
    monitor.expectedStatus = 100...499
    return monitor
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}
