/// What a pool or a wide IP chooses from, in the order of its list.
struct Candidate {
  /// What the result names it by: the member's record, or the pool's place.
  var index: Int
  /// Stable over changes of the list, for hashing.
  var key: String
  var ratio: Int
  /// Thousandths.
  var share: Int
  var connections = 0
  var roundTrip: Duration?
  /// Of the topology records, for one class of clients; 0: none fits.
  var topologyWeight = 0
}

/// A choice by one mode: who leads how often, and in what order the others follow.
struct Preference: Equatable {
  /// Positions among the candidates, with weights.
  var leads: [(position: Int, weight: Int)]
  /// Positions, all of them; behind a lead follow those after it, around.
  var order: [Int]
  var isByClient = false

  static func == (a: Self, b: Self) -> Bool {
    a.leads.elementsEqual(b.leads, by: ==) && a.order == b.order && a.isByClient == b.isByClient
  }
}

extension [Candidate] {
  /// The choice by a mode that looks at candidates; nil where it cannot choose.
  func preference(_ mode: LoadBalancing) -> Preference? {
    guard !isEmpty else { return nil }
    let all = [Int](indices)
    switch mode {
    case .roundRobin: return inTurn(all) { self[$0].share }
    case .ratio: return inTurn(all) { self[$0].share * self[$0].ratio }
    case .globalAvailability: return inOrder(all)
    case .staticPersistence:
      var choice = inTurn(all) { self[$0].share }
      choice.isByClient = true
      return choice
    case .topology:
      let order = indices.sorted {
        (self[$1].topologyWeight, $0) < (self[$0].topologyWeight, $1)
      }
      let best = self[order[0]].topologyWeight
      return best > 0 ? bestInTurn(order) { self[$0].topologyWeight == best } : nil
    case .leastConnections:
      let order = indices.sorted { (self[$0].connections, $0) < (self[$1].connections, $1) }
      let least = self[order[0]].connections
      // A difference that the next seconds may turn around is none.
      return bestInTurn(order) { self[$0].connections <= least + Swift.max(8, least / 10) }
    case .roundTripTime:
      let known = indices.filter { self[$0].roundTrip != nil }
      guard let least = known.compactMap({ self[$0].roundTrip }).min() else { return nil }
      let order =
        known.sorted { (self[$0].roundTrip ?? .zero, $0) < (self[$1].roundTrip ?? .zero, $1) }
        + indices.filter { self[$0].roundTrip == nil }
      let limit = least + Swift.max(.milliseconds(1), least / 10)
      return bestInTurn(order) { self[$0].roundTrip.map { $0 <= limit } ?? false }
    case .fallbackIP, .returnToDNS, .drop, .none: return nil
    }
  }

  private func inTurn(_ order: [Int], _ weight: (Int) -> Int) -> Preference {
    Preference(leads: order.map { ($0, Swift.max(1, weight($0))) }, order: order)
  }

  private func bestInTurn(_ order: [Int], _ isBest: (Int) -> Bool) -> Preference {
    Preference(
      leads: order.filter(isBest).map { ($0, Swift.max(1, self[$0].share)) }, order: order)
  }

  /// The first leads; while it returns by ramp, the next has the rest.
  private func inOrder(_ order: [Int]) -> Preference {
    var leads: [(position: Int, weight: Int)] = []
    var rest = 1000
    for position in order {
      let own = position == order.last ? rest : rest * self[position].share / 1000
      if own > 0 { leads.append((position, own)) }
      rest -= own
      if rest <= 0 { break }
    }
    return Preference(leads: leads, order: order)
  }
}
