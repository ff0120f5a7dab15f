import NetTypes

// The decision process of RFC 4271 §9.1, in the order in which it removes candidates:
//
//   0  unreachable next hop                       §9.1.2
//   -  highest weight                             every vendor's, before anything of the RFC
//   1  routes of our own stay before learnt ones
//   2  highest LOCAL_PREF                         §9.1.1
//   3  shortest AS_PATH                           §9.1.2.2 a
//   4  lowest ORIGIN                              §9.1.2.2 b
//   5  lowest MED within one neighbouring AS      §9.1.2.2 c
//   6  external before internal                   §9.1.2.2 d
//   7  lowest interior cost to the next hop       §9.1.2.2 e
//   -- what is left here is installed together (multipath), as far as AS_PATHs allow it --
//   8  lowest BGP identifier, or ORIGINATOR_ID    §9.1.2.2 f, RFC 4456 §9
//   9  shortest CLUSTER_LIST                      RFC 4456 §9
//  10  lowest peer address                        §9.1.2.2 g

/// The step that removed a path, numbered as above.
package enum DecisionStep: Int, Hashable, Sendable {
  case unreachable = 0
  case weight = -1
  case localOrigin = 1
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
  /// Tells paths of one peer apart. RFC 7911.
  package var pathIdentifier: UInt32 = 0

  package init(kind: Kind, identifier: IPv4Address, address: IPAddress) {
    self.kind = kind
    self.identifier = identifier
    self.address = address
  }
}

package struct DecisionProcess: Sendable {
  /// A path of one destination.
  package struct Candidate: Sendable {
    package var metrics: PathMetrics
    package var source: PathSource
    /// Of the next hop; nil: unreachable.
    package var cost: UInt32?

    package init(metrics: PathMetrics, source: PathSource, cost: UInt32?) {
      self.metrics = metrics
      self.source = source
      self.cost = cost
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
  /// The same where the best path is internal.
  package var maximumPathsInternal: Int
  package var alwaysCompareMED: Bool
  /// AS_PATHs of one length may differ within a multipath set.
  package var relaxesASPath: Bool
  /// Of paths without LOCAL_PREF. RFC 4271 §9.1.1 leaves it to us; every vendor takes 100.
  package var defaultPreference: UInt32

  package init(
    maximumPaths: Int = 16, maximumPathsInternal: Int? = nil, alwaysCompareMED: Bool = false,
    relaxesASPath: Bool = false, defaultPreference: UInt32 = Self.defaultPreference
  ) {
    self.maximumPaths = maximumPaths
    self.maximumPathsInternal = maximumPathsInternal ?? maximumPaths
    self.alwaysCompareMED = alwaysCompareMED
    self.relaxesASPath = relaxesASPath
    self.defaultPreference = defaultPreference
  }

  package func decide(_ candidates: [Candidate]) -> Outcome {
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
      candidates[index].source.kind == .local || candidates[index].cost != nil
    }
    keepLowest(.weight) { UInt64(UInt32.max - candidates[$0].metrics.weight) }
    keepLowest(.localOrigin) { candidates[$0].source.kind == .local ? 0 : 1 }
    keepLowest(.localPreference) {
      UInt64(UInt32.max - (candidates[$0].metrics.localPreference ?? defaultPreference))
    }
    keepLowest(.asPathLength) { UInt64(candidates[$0].metrics.asPathLength) }
    keepLowest(.origin) { UInt64(candidates[$0].metrics.origin.rawValue) }
    if left.count > 1 {
      // Deterministic: the whole group of one neighbouring AS at once, in no order of arrival.
      var lowest: [ASNumber?: UInt32] = [:]
      let group = { (index: Int) -> ASNumber? in
        alwaysCompareMED ? nil : candidates[index].metrics.neighborAS
      }
      let med = { (index: Int) in candidates[index].metrics.multiExitDiscriminator }
      for index in left { lowest[group(index)] = min(lowest[group(index)] ?? .max, med(index)) }
      keep(.multiExitDiscriminator) { med($0) == lowest[group($0)] }
    }
    keepLowest(.external) { candidates[$0].source.kind == .internal ? 1 : 0 }
    keepLowest(.interiorCost) { UInt64(candidates[$0].cost ?? .max) }

    // Steps 8 to 10 order what is left in full.
    left.sort { Self.precedes(candidates[$0], candidates[$1]) }
    guard let best = left.first else {
      return Outcome(best: nil, multipath: [], removedBy: removedBy)
    }
    for index in left.dropFirst() {
      removedBy[index] = Self.tieBreak(candidates[best], candidates[index])
    }
    let limit = candidates[best].source.kind == .internal ? maximumPathsInternal : maximumPaths
    let together = left.filter { mayJoin(candidates[$0], candidates[best]) }
    return Outcome(
      best: best, multipath: Array(together.prefix(max(1, limit))), removedBy: removedBy)
  }

  /// The usable candidates in the order in which they would be best if those before them were gone.
  package func ranking(_ candidates: [Candidate]) -> [Int] {
    var rest = Array(candidates.indices)
    var result: [Int] = []
    while let best = decide(rest.map { candidates[$0] }).best {
      result.append(rest.remove(at: best))
    }
    return result
  }

  /// As FRR has it: internal paths need the same AS_PATH, external ones the same neighbouring AS.
  private func mayJoin(_ path: Candidate, _ best: Candidate) -> Bool {
    if relaxesASPath { return true }
    return best.source.kind == .internal
      ? path.metrics.asPathFingerprint == best.metrics.asPathFingerprint
      : path.metrics.neighborAS == best.metrics.neighborAS
  }

  package static let defaultPreference: UInt32 = 100

  private static func identifier(_ candidate: Candidate) -> IPv4Address {
    candidate.metrics.originatorID ?? candidate.source.identifier
  }

  private static func precedes(_ a: Candidate, _ b: Candidate) -> Bool {
    if identifier(a) != identifier(b) { return identifier(a) < identifier(b) }
    let lists = (a.metrics.clusterListLength, b.metrics.clusterListLength)
    if lists.0 != lists.1 { return lists.0 < lists.1 }
    if a.source.address != b.source.address { return a.source.address < b.source.address }
    return a.source.pathIdentifier < b.source.pathIdentifier
  }

  private static func tieBreak(_ best: Candidate, _ other: Candidate) -> DecisionStep {
    if identifier(best) != identifier(other) { return .identifier }
    if best.metrics.clusterListLength != other.metrics.clusterListLength { return .clusterList }
    return .peerAddress
  }
}
