import DNS
import Delivery
import GSLB
import Kubernetes
import NetTypes

/// `externaldns.k8s.io/v1alpha1` DNSEndpoint.
extension NameTranslator {
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
        let sites = addresses.map { NameSite(address: $0, port: 0, services: []) }
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
}
