import DNS
import NetTypes

/// Wide IPs resolved against their pools, virtual servers and topology, once a configuration: what
/// is left for each change of health is to lay out turns.
///
/// 1. The best standing of any member counts; members of a lesser one wait.
/// 2. The wide IP's mode chooses among pools that have such members: leads and their weights.
/// 3. Each pool's preferred, alternate or fallback mode orders its members into rows.
/// 4. Rows of the leading pools take turns by weight.
/// 5. With every member down: the last resort pool, else the first pool's fallback, else everyone.
package struct SteeringPlan: Sendable {
  private var wideIPs: [WideIPPlan]

  /// - Parameter configuration: as `validated()` lets it through.
  package init(_ configuration: GSLBConfiguration, geography: Geography = { _ in [] }) {
    let clients = TopologyClasses(configuration, geography: geography)
    wideIPs = configuration.wideIPs.filter(\.isEnabled).map {
      WideIPPlan($0, configuration, clients)
    }
  }

  /// The answers as things stand; `nil` of the states: this name service is isolated and refuses.
  package func sets(_ states: [VirtualServerName: MemberState]?) -> [SteeredSet] {
    wideIPs.flatMap { $0.sets(states) }
  }

  /// The virtual servers that a wide IP's answers may name now, by the wide IP's title.
  package func answered(
    _ states: [VirtualServerName: MemberState]
  ) -> [(wideIP: WideIP, members: Set<VirtualServerName>)] {
    wideIPs.map { ($0.wideIP, $0.answered(states)) }
  }
}

struct WideIPPlan: Sendable {
  let wideIP: WideIP
  private let pools: [PoolPlan]
  private let lastResort: PoolPlan?
  private let records: [RecordData]
  private let ttl: UInt32
  private let tables: Int
  private let classes: [SteeredSet.ClientClass]

  init(_ wideIP: WideIP, _ configuration: GSLBConfiguration, _ clients: TopologyClasses) {
    self.wideIP = wideIP
    var builder = WideIPBuilder(wideIP.type, configuration, clients)
    var plans = wideIP.pools.compactMap { builder.pool($0.pool, ratio: $0.ratio) }
    var last = wideIP.lastResortPool.flatMap { builder.pool($0, ratio: 1) }
    let usesTopology =
      wideIP.loadBalancing == .topology
      || (plans + [last].compactMap(\.self)).contains {
        [$0.pool.preferred, $0.pool.alternate, $0.pool.fallback].contains(.topology)
      }
    (tables, classes) = builder.mergeClasses(&plans, &last, usesTopology: usesTopology)
    pools = plans
    lastResort = last
    records = builder.records
    ttl = (plans + [last].compactMap(\.self)).map(\.pool.ttl).min() ?? 30
  }

  func sets(_ states: [VirtualServerName: MemberState]?) -> [SteeredSet] {
    var empty = SteeredSet.WhenEmpty.noData
    var rows: [SteeredSet.Table] = []
    if let states {
      for clients in 0..<tables {
        switch choice(states, clients) {
        case .rows(let found):
          rows.append(
            SteeredSet.Table(turn: found.isByClient ? .byClient : .rotating, rows: found.rows))
        case .empty(let reason):
          if empty == .noData { empty = reason }
          rows.append(SteeredSet.Table(turn: .rotating, rows: []))
        case .nothing: rows.append(SteeredSet.Table(turn: .rotating, rows: []))
        }
      }
    } else {
      empty = .fail(ede: EDNS.ExtendedErrorCode.notReady)
      rows = [SteeredSet.Table(turn: .rotating, rows: [])]
    }
    return ([wideIP.name] + wideIP.aliases).map {
      SteeredSet(
        owner: $0, type: wideIP.type.recordType, ttl: ttl, records: records, tables: rows,
        classes: states == nil ? [] : classes, whenEmpty: empty)
    }
  }

  /// Steps 1 to 5 for the clients of one class.
  private func choice(
    _ states: [VirtualServerName: MemberState], _ clients: Int
  ) -> PoolPlan.Choice {
    let standing = pools.reduce(.disabled) { min($0, $1.bestStanding(states)) }
    guard standing < .down else { return lastResort(states, clients) }
    let candidates = pools.indices.compactMap {
      pools[$0].candidate(at: $0, states, standing, clients)
    }
    let preference =
      candidates.preference(wideIP.loadBalancing) ?? candidates.preference(.roundRobin)
    guard let preference else { return .nothing }
    let byClient = wideIP.persistence || preference.isByClient
    func choice(_ position: Int) -> PoolPlan.Choice {
      pools[candidates[position].index].choice(
        states, standing: standing, clients: clients, byClient: byClient)
    }
    let leads = preference.leads.map {
      ($0.weight, candidates[$0.position].key, choice($0.position))
    }
    if case .empty(let reason)? = leads.first?.2 { return .empty(reason) }
    let rows = leads.compactMap { weight, key, choice in
      if case .rows(let rows) = choice { (key: key, weight: weight, rows: rows) } else { nil }
    }
    if !rows.isEmpty { return .rows(Rows(rows)) }
    // The leading pools' modes found nobody.
    for position in preference.order {
      let other = choice(position)
      if other != .nothing { return other }
    }
    return everyone(states)
  }

  private func lastResort(
    _ states: [VirtualServerName: MemberState], _ clients: Int
  ) -> PoolPlan.Choice {
    for pool in [lastResort].compactMap(\.self) + pools {
      let choice = pool.choice(
        states, standing: pool.bestStanding(states), clients: clients, byClient: wideIP.persistence)
      if choice != .nothing { return choice }
    }
    return everyone(states)
  }

  private func everyone(_ states: [VirtualServerName: MemberState]) -> PoolPlan.Choice {
    let all = pools.flatMap { $0.everyone(states) }
    return all.isEmpty ? .nothing : .rows(Rows([all]))
  }

  func answered(_ states: [VirtualServerName: MemberState]) -> Set<VirtualServerName> {
    var byRecord: [Int: VirtualServerName] = [:]
    for pool in pools + [lastResort].compactMap(\.self) {
      for member in pool.members { byRecord[member.record] = member.virtualServer }
    }
    var found: Set<VirtualServerName> = []
    for clients in 0..<tables {
      guard case .rows(let rows) = choice(states, clients) else { continue }
      for row in rows.rows { found.formUnion(row.compactMap { byRecord[Int($0)] }) }
    }
    return found
  }
}
