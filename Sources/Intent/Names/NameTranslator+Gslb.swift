import DNS
import GSLB
import Kubernetes

/// `k8gb.io/v1beta1` Gslb.
extension NameTranslator {
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
}
