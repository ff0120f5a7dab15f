import NetTypes
import Synchronization

// A route map: clauses by sequence number.
//
//   next clause ─▶ all matches hold? ──no──▶ next clause, or denied if none matched
//                        │yes
//                  deny clause: denied
//                  permit clause: changes ─▶ called map denies? ─yes─▶ denied
//                        │no
//                  on-match: end here, permitted │ next clause │ first clause from N on
//
// What a clause permitted stays permitted if no later clause, reached by `on-match`, matches.

/// `route-map NAME permit|deny SEQ`, all clauses of one name.
package struct RouteMap: Equatable, Sendable {
  package struct Clause: Equatable, Sendable {
    /// 1 to 65535.
    package var sequence: UInt16
    package var isPermitted: Bool
    package var description: String?
    /// All have to hold; of each kind one at most.
    package private(set) var matches: [Match] = []
    /// Of each kind one at most.
    package private(set) var changes: [Change] = []
    /// Another route map, which may deny.
    package var call: String?
    package var onMatch = Continuation.end
    /// Routes that came to this clause and matched.
    package let hits = HitCounter()

    package init(_ sequence: UInt16, isPermitted: Bool = true) {
      self.sequence = sequence
      self.isPermitted = isPermitted
    }

    package init(
      _ sequence: UInt16, isPermitted: Bool = true, matches: [Match],
      changes: [Change] = []
    ) {
      self.init(sequence, isPermitted: isPermitted)
      for match in matches { set(match) }
      for change in changes { set(change) }
    }

    /// Takes the place of one of its kind.
    package mutating func set(_ match: Match) {
      if let place = matches.firstIndex(where: { $0.kind == match.kind }) {
        matches[place] = match
      } else {
        matches.append(match)
      }
    }

    package mutating func set(_ change: Change) {
      if let place = changes.firstIndex(where: { $0.kind == change.kind }) {
        changes[place] = change
      } else {
        changes.append(change)
      }
    }

    /// False if there is none of its kind.
    package mutating func remove(_ kind: Match.Kind) -> Bool {
      guard let place = matches.firstIndex(where: { $0.kind == kind }) else { return false }
      matches.remove(at: place)
      return true
    }

    package mutating func remove(_ kind: Change.Kind) -> Bool {
      guard let place = changes.firstIndex(where: { $0.kind == kind }) else { return false }
      changes.remove(at: place)
      return true
    }

    package static func == (a: Self, b: Self) -> Bool {
      a.sequence == b.sequence && a.isPermitted == b.isPermitted
        && a.description == b.description && a.matches == b.matches && a.changes == b.changes
        && a.call == b.call && a.onMatch == b.onMatch
    }
  }

  /// Where a route goes after a clause that permitted it.
  package enum Continuation: Hashable, Sendable {
    case end
    case next
    /// The first clause of this sequence number or a higher one.
    case goTo(UInt16)
  }

  /// By sequence number.
  package private(set) var clauses: [Clause] = []

  package init(_ clauses: [Clause] = []) { for clause in clauses { set(clause) } }

  package subscript(sequence: UInt16) -> Clause? { clauses.first { $0.sequence == sequence } }

  /// Takes the place of the clause of its number.
  package mutating func set(_ clause: Clause) {
    let place = clauses.firstIndex { $0.sequence >= clause.sequence } ?? clauses.count
    if place < clauses.count, clauses[place].sequence == clause.sequence {
      clauses[place] = clause
    } else {
      clauses.insert(clause, at: place)
    }
  }

  /// False if there is no such clause.
  package mutating func remove(_ sequence: UInt16) -> Bool {
    guard let place = clauses.firstIndex(where: { $0.sequence == sequence }) else { return false }
    clauses.remove(at: place)
    return true
  }
}

/// Counts routes. Shared by the copies of a clause, so that an operator's edit elsewhere does not
/// set it back; it is no part of a clause's value.
package final class HitCounter: Sendable {
  private let value = Atomic<UInt64>(0)

  package var count: UInt64 { value.load(ordering: .relaxed) }
  func add() { value.wrappingAdd(1, ordering: .relaxed) }
}
