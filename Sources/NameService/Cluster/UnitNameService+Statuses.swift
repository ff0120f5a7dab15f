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
      let answers = subject.names.map { (name: $0, answer: answer($0, members)) }
      guard let (path, status) = subject.status(answers, unit: options.name) else { continue }
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

  private func answer(
    _ name: DomainName, _ members: [MemberStatus]
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
}
