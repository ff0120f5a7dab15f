import NetTypes

/// Changes of the Loc-RIB, many at once. Routes that go the same way share one `BestRoute`, so that
/// a route takes no allocation of its own.
package struct RouteBatch: Sendable {
  /// A `BestRoute` of this batch.
  struct Handle: Equatable, Sendable {
    fileprivate let rawValue: UInt32
    /// No path is left.
    static let none = Handle(rawValue: .max)
  }

  private struct Entry: Sendable {
    var prefix: IPPrefix
    var best: Handle
  }

  private var entries: [Entry] = []
  private var bests: [BestRoute] = []
  private var index: [BestRoute: Handle] = [:]

  package init() {}

  package var count: Int { entries.count }
  package var isEmpty: Bool { entries.isEmpty }

  mutating func intern(_ best: BestRoute) -> Handle {
    if let known = index[best] { return known }
    let handle = Handle(rawValue: UInt32(bests.count))
    bests.append(best)
    index[best] = handle
    return handle
  }

  mutating func append(_ prefix: IPPrefix, _ best: Handle) {
    entries.append(Entry(prefix: prefix, best: best))
  }
}

extension RouteBatch: RandomAccessCollection {
  package var startIndex: Int { 0 }
  package var endIndex: Int { entries.count }

  /// A prefix and its route; nil: no path is left.
  package subscript(position: Int) -> (prefix: IPPrefix, best: BestRoute?) {
    let entry = entries[position]
    return (entry.prefix, entry.best == .none ? nil : bests[Int(entry.best.rawValue)])
  }
}
