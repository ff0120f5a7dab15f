/// Answers in their order: by turns, or by the client's bucket.
struct Rows: Equatable {
  var isByClient: Bool
  var rows: [[UInt16]]

  init(_ rows: [[UInt16]], isByClient: Bool = false) {
    self.rows = rows
    self.isByClient = isByClient
  }

  /// - Parameter limit: records of an answer.
  init(_ preference: Preference, of candidates: [Candidate], limit: Int, byClient: Bool) {
    isByClient = byClient || preference.isByClient
    let leads = preference.leads
    if isByClient {
      rows = ClientBuckets.choices(leads.map { (candidates[$0.position].key, $0.weight) }).map {
        Self.row(leads[$0].position, preference.order, candidates, limit)
      }
    } else {
      rows = Rotation.turns(leads.map(\.weight)).map {
        Self.row(leads[$0].position, preference.order, candidates, limit)
      }
    }
  }

  private static func row(
    _ lead: Int, _ order: [Int], _ candidates: [Candidate], _ limit: Int
  ) -> [UInt16] {
    let start = order.firstIndex(of: lead) ?? 0
    return (0..<min(limit, order.count)).map {
      UInt16(candidates[order[(start + $0) % order.count]].index)
    }
  }
}

extension Rows {
  /// Answers of several pools, each as often as its weight says; by client as soon as one is.
  init(_ pools: [(key: String, weight: Int, rows: Rows)]) {
    guard pools.count > 1 else {
      self = pools.first?.rows ?? Rows([])
      return
    }
    if pools.contains(where: \.rows.isByClient) {
      let choices = ClientBuckets.choices(pools.map { ($0.key, $0.weight) })
      rows = choices.enumerated().map { bucket, choice in
        let own = pools[choice].rows.rows
        return own[bucket % own.count]
      }
      isByClient = true
      return
    }
    let turns = Rotation.turns(pools.map(\.weight))
    // As many rounds as bring every pool back to its first row.
    let rounds = pools.indices.map { pool in
      let own = turns.count { $0 == pool }
      let rows = pools[pool].rows.rows.count
      return rows / Rotation.greatestCommonDivisor(rows, own)
    }
    let count = Rotation.leastCommonMultiple(
      rounds, limit: max(1, Self.longest / max(1, turns.count)))
    var next = pools.map { _ in 0 }
    rows = (0..<count * turns.count).map { turn in
      let pool = turns[turn % turns.count]
      let own = pools[pool].rows.rows
      defer { next[pool] += 1 }
      return own[next[pool] % own.count]
    }
    isByClient = false
  }

  private static let longest = 1024
}
