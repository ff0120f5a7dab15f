import DNS
import Delivery
import GSLB
import Kubernetes
import NetTypes

/// `cis.f5.com/v1` ExternalDNS.
extension NameTranslator {
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
      guard let mode = Self.methods[text] else {
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
  private func externalSites(_ host: String) -> [NameSite] {
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
            NameSite(
              address: address, port: UInt16(clamping: port.port),
              services: [service.resourceName])
          }
        }
      }
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
