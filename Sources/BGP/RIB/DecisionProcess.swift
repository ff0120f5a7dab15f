import NetTypes

// The decision process of RFC 4271 §9.1, in the order in which it removes candidates:
//
//   0  unreachable next hop                       §9.1.2
//   1  routes of our own stay before learnt ones
//   2  highest LOCAL_PREF                         §9.1.1
//   3  shortest AS_PATH                           §9.1.2.2 a
//   4  lowest ORIGIN                              §9.1.2.2 b
//   5  lowest MED within one neighbouring AS      §9.1.2.2 c
//   6  external before internal                   §9.1.2.2 d
//   7  lowest interior cost to the next hop       §9.1.2.2 e
//   -- what is left here is installed together (multipath) --
//   8  lowest BGP identifier, or ORIGINATOR_ID    §9.1.2.2 f, RFC 4456 §9
//   9  shortest CLUSTER_LIST                      RFC 4456 §9
//  10  lowest peer address                        §9.1.2.2 g

/// The step that removed a path, numbered as above.
package enum DecisionStep: Int, Hashable, Sendable {
  case unreachable = 0
  case localOrigin
  case localPreference
  case asPathLength
  case origin
  case multiExitDiscriminator
  case external
  case interiorCost
  case identifier
  case clusterList
  case peerAddress
}

/// Where a path came from, as far as the decision needs it.
package struct PathSource: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case local
    case `internal`
    case external
  }
  package var kind: Kind
  package var identifier: IPv4Address
  package var address: IPAddress

  package init(kind: Kind, identifier: IPv4Address, address: IPAddress) {
    self.kind = kind
    self.identifier = identifier
    self.address = address
  }
}

/// What the decision knows of next hops; those it was told nothing of are reachable at no cost.
package struct NextHopTable: Sendable {
  /// Nil cost: unreachable.
  private var costs: [IPAddress: UInt32?] = [:]

  package init() {}

  /// True if this is news.
  @discardableResult
  package mutating func set(_ address: IPAddress, cost: UInt32?) -> Bool {
    let before = self.cost(of: address)
    costs[address] = .some(cost)
    return before != cost
  }

  package mutating func remove(_ address: IPAddress) { costs[address] = nil }

  /// Nil: unreachable.
  package func cost(of address: IPAddress?) -> UInt32? {
    guard let address, let known = costs[address] else { return 0 }
    return known
  }
}

package struct DecisionProcess: Sendable {
  package struct Candidate: Sendable {
    package var attributes: PathAttributes
    package var source: PathSource

    package init(attributes: PathAttributes, source: PathSource) {
      self.attributes = attributes
      self.source = source
    }
  }

  /// Indices into the candidates.
  package struct Outcome: Equatable, Sendable {
    /// Nil if no candidate is usable.
    package var best: Int?
    /// The best and what is as good up to step 7, best first.
    package var multipath: [Int]
    /// The step that removed each candidate; nil for the best. A path of the multipath set that
    /// is not best is removed by one of the steps after 7.
    package var removedBy: [DecisionStep?]
  }

  package var maximumPaths: Int
  package var alwaysCompareMED: Bool

  package init(maximumPaths: Int = 16, alwaysCompareMED: Bool = false) {
    self.maximumPaths = maximumPaths
    self.alwaysCompareMED = alwaysCompareMED
  }

  package func decide(_ candidates: [Candidate], nextHops: NextHopTable) -> Outcome {
    var removedBy = [DecisionStep?](repeating: nil, count: candidates.count)
    var left = Array(candidates.indices)

    func keep(_ step: DecisionStep, _ isKept: (Int) -> Bool) {
      for index in left where !isKept(index) { removedBy[index] = step }
      left.removeAll { removedBy[$0] != nil }
    }
    func keepLowest(_ step: DecisionStep, _ value: (Int) -> UInt64) {
      guard left.count > 1, let lowest = left.map(value).min() else { return }
      keep(step) { value($0) == lowest }
    }

    keep(.unreachable) { index in
      let candidate = candidates[index]
      return candidate.source.kind == .local
        || nextHops.cost(of: candidate.attributes.nextHop) != nil
    }
    keepLowest(.localOrigin) { candidates[$0].source.kind == .local ? 0 : 1 }
    keepLowest(.localPreference) {
      UInt64(UInt32.max - (candidates[$0].attributes.localPreference ?? Self.defaultPreference))
    }
    keepLowest(.asPathLength) { UInt64(candidates[$0].attributes.asPath.length) }
    keepLowest(.origin) { UInt64(candidates[$0].attributes.origin.rawValue) }
    if left.count > 1 {
      // A missing MED is the lowest. RFC 4271 §9.1.2.2 c.
      var lowest: [ASNumber?: UInt32] = [:]
      let group = { (index: Int) -> ASNumber? in
        alwaysCompareMED ? nil : candidates[index].attributes.asPath.neighborAS
      }
      let med = { (index: Int) in candidates[index].attributes.multiExitDiscriminator ?? 0 }
      for index in left { lowest[group(index)] = min(lowest[group(index)] ?? .max, med(index)) }
      keep(.multiExitDiscriminator) { med($0) == lowest[group($0)] }
    }
    keepLowest(.external) { candidates[$0].source.kind == .internal ? 1 : 0 }
    keepLowest(.interiorCost) {
      UInt64(nextHops.cost(of: candidates[$0].attributes.nextHop) ?? .max)
    }

    // Steps 8 to 10 order what is left in full.
    left.sort { Self.precedes(candidates[$0], candidates[$1]) == .before }
    guard let best = left.first else {
      return Outcome(best: nil, multipath: [], removedBy: removedBy)
    }
    for index in left.dropFirst() {
      removedBy[index] = Self.tieBreak(candidates[best], candidates[index])
    }
    return Outcome(
      best: best, multipath: Array(left.prefix(max(1, maximumPaths))), removedBy: removedBy)
  }

  /// RFC 4271 §9.1.1 leaves it to us; every vendor takes 100.
  package static let defaultPreference: UInt32 = 100

  private enum Order { case before, after }

  private static func identifier(_ candidate: Candidate) -> IPv4Address {
    candidate.attributes.originatorID ?? candidate.source.identifier
  }

  private static func precedes(_ a: Candidate, _ b: Candidate) -> Order {
    let (ids, lists) = (
      (identifier(a), identifier(b)),
      (a.attributes.clusterList.count, b.attributes.clusterList.count)
    )
    if ids.0 != ids.1 { return ids.0 < ids.1 ? .before : .after }
    if lists.0 != lists.1 { return lists.0 < lists.1 ? .before : .after }
    return a.source.address < b.source.address ? .before : .after
  }

  private static func tieBreak(_ best: Candidate, _ other: Candidate) -> DecisionStep {
    if identifier(best) != identifier(other) { return .identifier }
    if best.attributes.clusterList.count != other.attributes.clusterList.count {
      return .clusterList
    }
    return .peerAddress
  }
}
