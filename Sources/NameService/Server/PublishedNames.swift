import DNS
import NetTypes
import Synchronization

/// Until when steered sets hold, for threads that answer while the control loop cannot: those of a
/// process that had been stopped must not give the answers of before.
final class SteeringLease: Sendable {
  private let end = Atomic<Int64>(.max)

  /// Nil: no lease of others is behind the answers.
  func extend(until instant: Instant?) {
    end.store(instant?.nanoseconds ?? .max, ordering: .relaxed)
  }

  func holds(at now: Instant) -> Bool { now.nanoseconds <= end.load(ordering: .relaxed) }
}

/// What every thread of a name server answers from.
struct PublishedNames: Sendable {
  var catalogue = Catalogue.empty
  var steering = Steering.none
  /// In place of `steering` once its lease is over: the same names, refused.
  var refusal = Steering.none
  let lease = SteeringLease()
  var options = Responder.Options()
  /// Whose questions for names that are not ours are forwarded.
  var recursionFor: [IPPrefix] = []

  func recurses(for client: IPAddress) -> Bool { recursionFor.contains { $0.contains(client) } }
}

extension Responder {
  /// Takes what is other than before: a steered set's turns begin anew only with new sets.
  mutating func use(_ published: PublishedNames, insteadOf before: PublishedNames) {
    if published.catalogue !== before.catalogue { use(published.catalogue) }
    if published.steering !== before.steering { use(published.steering) }
    if published.options != before.options { options = published.options }
  }
}
