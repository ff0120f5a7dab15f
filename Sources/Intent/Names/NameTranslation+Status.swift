import DNS
import Kubernetes
import NetTypes

/// What is answered for a name now, and why, as a unit sees it.
package struct NameAnswer: Equatable, Sendable {
  package var addresses: [String]
  /// This unit's member is up.
  package var isHealthy: Bool
  /// This unit has something that serves it.
  package var isServed: Bool
  package var why: String

  package init(addresses: [String], isHealthy: Bool, isServed: Bool, why: String) {
    self.addresses = addresses
    self.isHealthy = isHealthy
    self.isServed = isServed
    self.why = why
  }
}

extension NameTranslation.Subject {
  /// The path of an object, and its kind's own form of a status.
  /// - Parameter unit: The unit's name: k8gb's geo tag.
  package func status(
    _ answers: [(name: DomainName, answer: NameAnswer)], unit: String
  ) -> (path: String, status: JSON)? {
    func text(_ name: DomainName) -> String { String("\(name)".dropLast()) }
    switch object.kind {
    case "Gslb":
      var records: [String: JSON] = [:]
      var health: [String: JSON] = [:]
      for (name, answer) in answers {
        records[text(name)] = JSON(answer.addresses)
        health[text(name)] = .string(
          !answer.isServed ? "NotFound" : answer.isHealthy ? "Healthy" : "Unhealthy: \(answer.why)")
      }
      let backing: JSON = .array(
        services.sorted().map {
          ["name": .string($0.name), "namespace": .string($0.namespace)]
        })
      return (
        NameObjects.gslb.path(of: object.resourceName),
        [
          "geoTag": .string(unit),
          "hosts": .string(answers.map { text($0.name) }.joined(separator: ", ")),
          "healthyRecords": .object(records), "serviceHealth": .object(health),
          "loadBalancer": ["exposedIps": JSON(addresses.map { "\($0)" })],
          "servers": .array(
            answers.map { ["host": .string(text($0.name)), "services": backing] }),
        ]
      )
    case "ExternalDNS":
      let answer = answers.first?.answer
      let isGood = problem == nil && answer?.isHealthy == true
      return (
        NameObjects.externalName.path(of: object.resourceName),
        [
          "status": .string(isGood ? "Ok" : "Error"),
          "error": .string(isGood ? "" : problem ?? answer?.why ?? ""),
          "answers": JSON(answer?.addresses ?? []), "why": .string(answer?.why ?? ""),
        ]
      )
    case "DNSEndpoint":
      return (
        NameObjects.endpoint.path(of: object.resourceName),
        ["observedGeneration": object.metadata["generation"]]
      )
    default: return nil
    }
  }
}
