import Delivery
import Kubernetes
import NetTypes

/// How the pods of a namespace leave a unit: its annotation `atoll.dev/snat`.
///
///     automap              as all others: with the address of the interface that they leave by
///     none                 with their own
///     10.10.2.77           with this one; of several, each pod with one and the same
///     10.10.2.77,10.10.2.78
extension DeliveryTranslation {
  package static let snatAnnotation = "atoll.dev/snat"

  mutating func translateEgress() {
    guard let interface = input.egressInterface else { return }
    for namespace in input.namespaces.sorted(by: { $0.name < $1.name }) {
      guard let text = namespace.annotations[Self.snatAnnotation] else { continue }
      let name = "namespace \(namespace.name)"
      let pods = input.podAddresses[namespace.name] ?? []
      var egress = Egress(name: name, sources: pods.map { IPPrefix($0, length: $0.bitWidth) })
      if !takeSNAT(text, into: &egress) {
        let range = input.egressAddresses.map { "addresses of \($0.lowerBound)-\($0.upperBound)" }
        report(
          name, "metadata.annotations[\(Self.snatAnnotation)]", text,
          "automap, none\(range.map { ", or \($0)" } ?? "")")
        guard let now = input.applied.egress.first(where: { $0.name == name }) else { continue }
        (egress.snat, egress.addresses) = (now.snat, now.addresses)
      }
      egress.interface = interface
      let isDefault = egress.snat == .automap && egress.addresses.isEmpty
      if !pods.isEmpty, !isDefault { configuration.egress.append(egress) }
    }
    var rest = Egress(name: "automap", sources: [.defaultIPv4])
    rest.interface = interface
    configuration.egress.append(rest)
  }

  private func takeSNAT(_ text: String, into egress: inout Egress) -> Bool {
    if let translation = SourceTranslation(rawValue: text) {
      egress.snat = translation
      return true
    }
    let words = text.split { $0 == "," || $0 == " " }
    egress.addresses = Self.addresses(text)
    return !words.isEmpty && egress.addresses.count == words.count
      && egress.addresses.allSatisfy { input.egressAddresses?.contains($0) == true }
  }

  private static func addresses(_ text: String) -> [IPAddress] {
    text.split { $0 == "," || $0 == " " }.compactMap { IPAddress($0) }
  }

  /// What namespaces ask for, in order to give it to nobody else.
  package static func snatAddresses(_ namespaces: [Namespace]) -> Set<IPAddress> {
    Set(namespaces.flatMap { addresses($0.annotations[snatAnnotation] ?? "") })
  }
}
