import GSLB
import Intent
import NetTypes

extension Fuzz {
  /// What voters hand to each other, and operators to a name service.
  static let mesh: [Target] = [
    (
      "view",
      {
        guard let view = try? View(decoding: Fuzz.bytes($0, $1)) else { return 0 }
        guard let again = try? View(decoding: view.encoded) else {
          preconditionFailure("what was encoded does not decode")
        }
        precondition(again == view, "encoding changes the view")
        take(view)
        return 0
      }
    ),
    (
      "name-file",
      {
        let text = String(decoding: Fuzz.bytes($0, $1), as: UTF8.self)
        guard let parsed = try? NameFile.parse(text, file: "f") else { return 0 }
        let (usable, _) = parsed.gslb.validated()
        precondition(usable.validated().problems.isEmpty, "what was found sound is not")
        _ = SteeringPlan(usable).sets([:])
        return 0
      }
    ),
  ]

  /// Whatever a peer says, a voter goes on, and its next tick is not in the past for ever.
  private static func take(_ view: View) {
    var configuration = GSLBConfiguration()
    configuration.health.voters = ["a", "b", view.voter]
    var voter = Voter(name: "a", incarnation: 1, seed: 1, at: .zero)
    _ = voter.handle(.configure(configuration, geography: { _ in [] }), at: .zero)
    _ = voter.handle(.received(view), at: .zero)
    var now = Instant.zero
    for _ in 0..<20 {
      now = max(now, voter.deadline)
      _ = voter.handle(.tick, at: now)
    }
    precondition(voter.deadline > .zero, "no time passes")
    _ = voter.status(at: now)
  }
}
