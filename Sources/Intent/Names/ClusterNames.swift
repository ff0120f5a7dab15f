import DNS
import Kubernetes
import NetTypes

/// The names of a cluster, as zones: Kubernetes DNS-Based Service Discovery 1.1.0.
///
/// | Object | Names below the cluster's domain |
/// |---|---|
/// | Service | `web.shop.svc` at its cluster addresses; `_http._tcp.web.shop.svc` for each named port |
/// | headless Service | `web.shop.svc` at every ready endpoint; each endpoint by its hostname, or `10-53-0-7` |
/// | ExternalName | `web.shop.svc`, an alias |
/// | Pod | `10-53-0-7.shop.pod`, where there is such a pod |
///
/// Reverse zones hold the services' addresses, and the endpoints' that have a hostname.
package struct ClusterNames: Equatable, Sendable {
  package var services: [Service] = []
  package var slices: [EndpointSlice] = []
  package var pods: [Pod] = []

  /// What a cluster's names have in common.
  package struct Settings: Equatable, Sendable {
    package var domain: DomainName
    /// The name server's own address.
    package var server: IPAddress
    /// Whose reverse zones are served.
    package var reverse: [IPPrefix]
    /// Seconds. As short as CoreDNS' own: a pod that moves is found again soon.
    package var ttl: UInt32 = 5

    package init(domain: DomainName, server: IPAddress, reverse: [IPPrefix]) {
      self.domain = domain
      self.server = server
      self.reverse = reverse
    }
  }

  package init() {}

  /// The cluster's zone and the reverse ones.
  package func zones(_ settings: Settings, serial: SerialNumber) -> [Zone] {
    var builder = Builder(settings: settings, serial: serial)
    builder.begin()
    var slicesOf: [ResourceName: [EndpointSlice]] = [:]
    for slice in slices {
      guard let service = slice.serviceName else { continue }
      slicesOf[ResourceName(namespace: slice.namespace, name: service), default: []].append(slice)
    }
    for service in services { builder.add(service, slicesOf[service.resourceName] ?? []) }
    for pod in pods where !pod.isFinished { builder.add(pod) }
    return builder.zones
  }
}

extension ClusterNames {
  private struct Builder {
    let settings: Settings
    let serial: SerialNumber
    private var forward: Zone
    private var reverse: [Zone]
    private let services: DomainName
    private let podNames: DomainName
    /// Endpoints of several slices, and ports of several endpoints, may say the same.
    private var seen: Set<ResourceRecord> = []

    init(settings: Settings, serial: SerialNumber) {
      self.settings = settings
      self.serial = serial
      forward = Zone(origin: settings.domain)
      reverse = settings.reverse.map { Zone(origin: DomainName(reverse: $0)) }
      services = settings.domain.prepending("svc") ?? settings.domain
      podNames = settings.domain.prepending("pod") ?? settings.domain
    }

    var zones: [Zone] { [forward] + reverse }

    mutating func begin() {
      let server = settings.domain.prepending("dns").flatMap { $0.prepending("ns") }
      guard let server, let mailbox = settings.domain.prepending("hostmaster") else { return }
      let start = StartOfAuthority(
        primary: server, mailbox: mailbox, serial: serial, refresh: 7200, retry: 1800,
        expire: 86_400, minimum: settings.ttl)
      for index in -1..<reverse.count {
        let origin = index < 0 ? forward.origin : reverse[index].origin
        for (type, data) in [(RecordType.soa, RecordData.soa(start)), (.ns, .ns(server))] {
          let record = ResourceRecord(origin, type, ttl: settings.ttl, data)
          if index < 0 {
            forward.records.append(record)
          } else {
            reverse[index].records.append(record)
          }
        }
      }
      add(server, settings.server)
      if let version = settings.domain.prepending("dns-version") {
        add(version, .txt, .txt(["1.1.0"]))
      }
    }

    mutating func add(_ service: Service, _ slices: [EndpointSlice]) {
      let namespace = services.prepending(service.namespace)
      guard let name = namespace?.prepending(service.name) else { return }
      if service.type == "ExternalName" {
        if let target = service.spec["externalName"].string.flatMap({ DomainName($0) }) {
          add(name, .cname, .cname(target))
        }
        return
      }
      guard service.isHeadless else {
        for address in service.clusterIPs.compactMap({ IPAddress($0) }) {
          add(name, address)
          addReverse(address, name)
        }
        for port in service.ports {
          add(name, port: port.name, port.transport, number: port.port, target: name)
        }
        return
      }
      for slice in slices {
        for endpoint in slice.endpoints
        where endpoint.isReady || service.publishesNotReadyAddresses {
          add(endpoint, slice.ports, of: name)
        }
      }
    }

    private mutating func add(
      _ endpoint: Endpoint, _ ports: [EndpointPort], of service: DomainName
    ) {
      let hostname = endpoint.json["hostname"].string.flatMap { $0.isEmpty ? nil : $0 }
      for address in endpoint.addresses.compactMap({ IPAddress($0) }) {
        add(service, address)
        guard let own = service.prepending(hostname ?? address.dashed) else { continue }
        add(own, address)
        if hostname != nil { addReverse(address, own) }
        for port in ports {
          add(service, port: port.name, port.transport, number: port.port ?? 0, target: own)
        }
      }
    }

    mutating func add(_ pod: Pod) {
      guard !pod.podSpec.hostNetwork, let namespace = podNames.prepending(pod.namespace) else {
        return
      }
      for address in Set(pod.podIPs + [pod.podIP].compactMap(\.self)).compactMap({ IPAddress($0) })
      {
        if let name = namespace.prepending(address.dashed) { add(name, address) }
      }
    }

    private mutating func add(_ name: DomainName, _ address: IPAddress) {
      switch address {
      case .v4(let v4): add(name, .a, .a(v4))
      case .v6(let v6): add(name, .aaaa, .aaaa(v6))
      }
    }

    /// A port without a name has no SRV record.
    private mutating func add(
      _ service: DomainName, port: String, _ transport: String, number: Int, target: DomainName
    ) {
      guard !port.isEmpty, let number = UInt16(exactly: number),
        let owner = service.prepending("_\(transport.lowercased())")?.prepending("_\(port)")
      else { return }
      add(owner, .srv, .srv(priority: 0, weight: 100, port: number, target: target))
    }

    private mutating func add(_ name: DomainName, _ type: RecordType, _ data: RecordData) {
      let record = ResourceRecord(name, type, ttl: settings.ttl, data)
      if seen.insert(record).inserted { forward.records.append(record) }
    }

    private mutating func addReverse(_ address: IPAddress, _ target: DomainName) {
      let name = DomainName(reverse: IPPrefix(address, length: address.bitWidth))
      guard let index = reverse.firstIndex(where: { name.isSubdomain(of: $0.origin) }) else {
        return
      }
      let record = ResourceRecord(name, .ptr, ttl: settings.ttl, .ptr(target))
      if seen.insert(record).inserted { reverse[index].records.append(record) }
    }
  }
}

extension DomainName {
  /// The name of a prefix below `in-addr.arpa` or `ip6.arpa`, of the widest zone that holds it: whole
  /// octets of IPv4, whole nibbles of IPv6. RFC 1035 §3.5, RFC 3596 §2.5.
  package init(reverse prefix: IPPrefix) {
    let octets = prefix.address.octets
    let labels: [String]
    if prefix.isIPv4 {
      labels = octets.prefix(Int(prefix.length) / 8).map { String($0) }
    } else {
      let nibbles = octets.flatMap { [$0 >> 4, $0 & 15] }
      labels = nibbles.prefix(Int(prefix.length) / 4).map { String($0, radix: 16) }
    }
    let root = prefix.isIPv4 ? ["in-addr", "arpa"] : ["ip6", "arpa"]
    self = DomainName(labels: (labels.reversed() + root).map { Array($0.utf8) }) ?? .root
  }
}

extension IPAddress {
  /// As a label: `10-53-0-7`.
  fileprivate var dashed: String {
    String("\(self)".map { $0 == "." || $0 == ":" ? "-" : $0 })
  }
}
