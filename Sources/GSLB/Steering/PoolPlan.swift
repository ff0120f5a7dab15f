import DNS

/// A pool as a wide IP uses it: its members with the places of their records.
struct PoolPlan: Sendable {
  struct Member: Sendable {
    /// In the wide IP's records.
    var record: Int
    var key: String
    var virtualServer: VirtualServerName?
    var ratio: Int
    /// By class of clients.
    var topologyWeights: [Int]
  }

  var pool: Pool
  var ratio: Int
  var members: [Member]
  /// The record of `fallbackIP`.
  var fallback: Int?
  /// By class of clients.
  var topologyWeights: [Int]

  /// What a pool has to say to a client.
  enum Choice: Equatable {
    case rows(Rows)
    case empty(SteeredSet.WhenEmpty)
    /// Nothing: another pool, if there is one.
    case nothing
  }

  /// - Parameter standing: the best that any member of the wide IP has; only those members count.
  func choice(
    _ states: [VirtualServerName: MemberState], standing: MemberState.Standing, clients: Int,
    byClient: Bool
  ) -> Choice {
    let candidates = candidates(states, clients) { $0 == standing }
    // 1. Preferred, 2. alternate, among what is available; 3. fallback, which then has the last word.
    let isAvailable = standing < .down
    let modes = isAvailable ? [pool.preferred, pool.alternate, pool.fallback] : [pool.fallback]
    for mode in modes {
      switch mode {
      case .fallbackIP: if let fallback { return .rows(Rows([[UInt16(fallback)]])) }
      case .returnToDNS: return .empty(.returnToDNS)
      case .drop: return .empty(.drop)
      case .none: continue
      default:
        guard let preference = candidates.preference(mode) else { continue }
        return .rows(
          Rows(preference, of: candidates, limit: pool.maxAnswers, byClient: byClient))
      }
    }
    return .nothing
  }

  /// All that are not disabled, in order: F5's answer where every mode is `none`.
  func everyone(_ states: [VirtualServerName: MemberState]) -> [UInt16] {
    candidates(states, 0) { $0 < .disabled }.map { UInt16($0.index) }
  }

  func bestStanding(_ states: [VirtualServerName: MemberState]) -> MemberState.Standing {
    members.reduce(.disabled) { min($0, state($1, states).standing) }
  }

  /// The pool among others, by its members of one standing; nil without any.
  func candidate(
    at index: Int, _ states: [VirtualServerName: MemberState], _ standing: MemberState.Standing,
    _ clients: Int
  ) -> Candidate? {
    let own = candidates(states, clients) { $0 == standing }
    guard !own.isEmpty else { return nil }
    return Candidate(
      index: index, key: pool.name, ratio: ratio, share: own.reduce(0) { max($0, $1.share) },
      connections: own.reduce(0) { $0 + $1.connections },
      roundTrip: own.compactMap(\.roundTrip).min(), topologyWeight: topologyWeights[clients])
  }

  private func state(_ member: Member, _ states: [VirtualServerName: MemberState]) -> MemberState {
    member.virtualServer.map { states[$0] ?? MemberState(.unknown) } ?? MemberState()
  }

  private func candidates(
    _ states: [VirtualServerName: MemberState], _ clients: Int,
    _ counts: (MemberState.Standing) -> Bool
  ) -> [Candidate] {
    members.compactMap { member in
      let state = state(member, states)
      guard counts(state.standing) else { return nil }
      return Candidate(
        index: member.record, key: member.key, ratio: member.ratio, share: state.share,
        connections: state.connections, roundTrip: state.roundTrip,
        topologyWeight: member.topologyWeights[clients])
    }
  }
}
