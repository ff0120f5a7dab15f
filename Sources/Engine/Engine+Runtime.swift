import Delivery
import NetTypes

/// What an operator has changed of a member since it was configured.
package struct RuntimeChange: Equatable, Sendable {
  package var state: Member.State?
  package var weight: Int?

  package init(state: Member.State? = nil, weight: Int? = nil) {
    self.state = state
    self.weight = weight
  }

  package var isEmpty: Bool { state == nil && weight == nil }
}

extension Engine {
  struct MemberKey: Hashable {
    var pool: String
    var address: SocketAddress
  }

  struct RuntimeEntry {
    var change: RuntimeChange
    /// The member as it was configured: another configuration ends the change.
    var configured: Member
  }

  /// Why a change is not made.
  package enum ChangeRefusal: Error, CustomStringConvertible {
    /// There is no such pool or member; the problem says which there are.
    case notFound(Problem)
    case invalid(Problem)

    package var problem: Problem {
      switch self {
      case .notFound(let problem), .invalid(let problem): problem
      }
    }

    package var description: String { problem.description }
  }

  /// Changes members until their own configuration changes, or `change` is empty.
  /// - Parameter address: Of one member; nil is all of the pool.
  package func change(
    pool name: String, member address: SocketAddress?, to change: RuntimeChange
  ) throws(ChangeRefusal) {
    guard let pool = applied.pools.first(where: { $0.name == name }) else {
      throw .notFound(
        Problem(
          object: "pool \(name)", field: "name", found: "no such pool",
          expected: Self.listed(applied.pools.map(\.name))))
    }
    if let weight = change.weight, !(1...256).contains(weight) {
      throw .invalid(
        Problem(object: "pool \(name)", field: "weight", found: "\(weight)", expected: "1 to 256"))
    }
    let members = pool.members.filter { address == nil || $0.socketAddress == address }
    guard !members.isEmpty else {
      throw .notFound(
        Problem(
          object: "pool \(name)", field: "member",
          found: address.map { "no member \($0)" } ?? "no member",
          expected: Self.listed(pool.members.map { "\($0.socketAddress)" })))
    }
    for member in members {
      let key = MemberKey(pool: name, address: member.socketAddress)
      var entry =
        runtimeEntries[key] ?? RuntimeEntry(change: RuntimeChange(), configured: member)
      entry.change.state = change.isEmpty ? nil : change.state ?? entry.change.state
      entry.change.weight = change.isEmpty ? nil : change.weight ?? entry.change.weight
      // A change to what is configured is none.
      if entry.change.state == member.state { entry.change.state = nil }
      if entry.change.weight == member.weight { entry.change.weight = nil }
      runtimeEntries[key] = entry.change.isEmpty ? nil : entry
    }
    republish()
  }

  package func runtimeChange(pool: String, member: SocketAddress) -> RuntimeChange? {
    runtimeEntries[MemberKey(pool: pool, address: member)]?.change
  }

  /// Lets go of changes whose members are gone, or configured otherwise now.
  func dropOutdatedRuntimeChanges(_ pools: [Pool]) {
    guard !runtimeEntries.isEmpty else { return }
    var configured: [MemberKey: Member] = [:]
    for pool in pools {
      for member in pool.members {
        configured[MemberKey(pool: pool.name, address: member.socketAddress)] = member
      }
    }
    runtimeEntries = runtimeEntries.filter { configured[$0] == $1.configured }
  }

  /// The member as it serves.
  func effective(_ member: Member, of pool: String) -> Member {
    guard let change = runtimeChange(pool: pool, member: member.socketAddress) else {
      return member
    }
    var member = member
    member.state = change.state ?? member.state
    member.weight = change.weight ?? member.weight
    return member
  }

  private static func listed(_ names: [String]) -> String {
    guard !names.isEmpty else { return "one of none" }
    let shown = names.prefix(8).joined(separator: ", ")
    return "one of \(shown)\(names.count > 8 ? " and \(names.count - 8) more" : "")"
  }
}
