import DNS
import GSLB
import Intent
import Kubernetes
import Linux
import NetTypes

extension UnitNameService {
  /// Writes on each object what is answered for its names, and why.
  func writeStatuses() {
    guard let translation, let statuses, follower?.hasSynced == true else { return }
    let members = steering.voter.status(at: Loop.now)
    var patches: [String: JSON] = [:]
    for subject in translation.subjects {
      let answers = subject.names.map { (name: $0, answer: answer($0, subject, members)) }
      guard let (path, status) = status(of: subject, answers) else { continue }
      patches[path] = status
      for (name, answer) in answers {
        let text =
          answer.addresses.isEmpty
          ? "\(name): no address is answered: \(answer.why)"
          : "\(name): answered with \(answer.addresses.joined(separator: ", ")): \(answer.why)"
        statuses.tell(
          subject.object, type: answer.isHealthy ? "Normal" : "Warning", reason: "NamesAnswered",
          text)
      }
      if let problem = subject.problem {
        statuses.tell(subject.object, type: "Warning", reason: "NotSteered", problem)
      }
    }
    statuses.write(patches)
  }

  /// What is answered for a name now.
  struct NameAnswer: Equatable {
    var addresses: [String]
    /// This unit's member is up.
    var isHealthy: Bool
    /// This unit has something that serves it.
    var isServed: Bool
    var why: String
  }

  private func answer(
    _ name: DomainName, _ subject: NameTranslation.Subject, _ members: [MemberStatus]
  ) -> NameAnswer {
    let sets = steering.sets.filter { $0.owner == name }
    let own = Set(
      (translation?.backings ?? []).filter { $0.names.contains(name) }.map {
        VirtualServerName(server: steering.voter.name, name: $0.member)
      })
    let found = members.filter { own.contains($0.member) }
    let why = found.map(\.why).joined(separator: "; ")
    return NameAnswer(
      addresses: sets.flatMap(SteeringService.answer),
      isHealthy: found.contains { $0.standing == .up || $0.standing == .draining },
      isServed: !own.isEmpty,
      why: why.isEmpty ? "nothing in this unit answers for it" : why)
  }

  /// The path of an object, and its kind's own form of a status.
  private func status(
    of subject: NameTranslation.Subject, _ answers: [(name: DomainName, answer: NameAnswer)]
  ) -> (path: String, status: JSON)? {
    let object = subject.object
    func path(_ kind: (group: String, version: String, plural: String)) -> String {
      "/apis/\(kind.group)/\(kind.version)/namespaces/\(object.namespace)/\(kind.plural)/\(object.name)"
    }
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
      let services: JSON = .array(
        subject.services.sorted().map {
          ["name": .string($0.name), "namespace": .string($0.namespace)]
        })
      return (
        path(NameObjects.gslb),
        [
          "geoTag": .string(options.name),
          "hosts": .string(answers.map { text($0.name) }.joined(separator: ", ")),
          "healthyRecords": .object(records), "serviceHealth": .object(health),
          "loadBalancer": ["exposedIps": JSON(subject.addresses.map { "\($0)" })],
          "servers": .array(
            answers.map { ["host": .string(text($0.name)), "services": services] }),
        ]
      )
    case "ExternalDNS":
      let answer = answers.first?.answer
      let isGood = subject.problem == nil && answer?.isHealthy == true
      return (
        path(NameObjects.externalName),
        [
          "status": .string(isGood ? "Ok" : "Error"),
          "error": .string(isGood ? "" : subject.problem ?? answer?.why ?? ""),
          "answers": JSON(answer?.addresses ?? []), "why": .string(answer?.why ?? ""),
        ]
      )
    case "DNSEndpoint":
      return (
        path(NameObjects.endpoint),
        ["observedGeneration": object.metadata["generation"]]
      )
    default: return nil
    }
  }
}
