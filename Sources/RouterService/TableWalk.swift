import BGP
import Linux
import NetTypes

/// Prefixes in order, a few at a time: a large table is shown in turns that hold up nothing else.
///
///     slices, unordered ─▶ sorted runs ─▶ merge by the lowest head ─▶ a few prefixes a turn
///
/// What changes meanwhile is shown as it stands when its turn comes; what came after the beginning is
/// left out.
@Loop final class TableWalk {
  /// The next slice; nil after the last.
  private let slice: @Loop () -> [IPPrefix]?
  private var isGathered = false
  /// Each from its highest to its lowest prefix, which is the next to go.
  private var runs: [[IPPrefix]] = []
  /// The runs that are left, as a heap by their lowest prefix.
  private var heap: [Int] = []

  init(slice: @escaping @Loop () -> [IPPrefix]?) { self.slice = slice }

  /// The next few prefixes; none while they are still gathered; nil after the last.
  func next(_ count: Int) -> [IPPrefix]? {
    if !isGathered {
      gather()
      return []
    }
    if heap.isEmpty { return nil }
    var result: [IPPrefix] = []
    while result.count < count, let prefix = popLowest() { result.append(prefix) }
    return result
  }

  private func gather() {
    guard let prefixes = slice() else {
      isGathered = true
      heap = Array(runs.indices)
      for place in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(place) }
      return
    }
    if !prefixes.isEmpty { runs.append(prefixes.sorted(by: >)) }
  }

  private func popLowest() -> IPPrefix? {
    guard let run = heap.first, let prefix = runs[run].popLast() else { return nil }
    if runs[run].isEmpty {
      let last = heap.removeLast()
      if !heap.isEmpty { heap[0] = last }
    }
    if !heap.isEmpty { sink(0) }
    return prefix
  }

  private func sink(_ start: Int) {
    var place = start
    while true {
      var lowest = place
      for child in [2 * place + 1, 2 * place + 2] where child < heap.count {
        if isLower(child, lowest) { lowest = child }
      }
      if lowest == place { return }
      heap.swapAt(place, lowest)
      place = lowest
    }
  }

  private func isLower(_ a: Int, _ b: Int) -> Bool {
    guard let first = runs[heap[a]].last, let second = runs[heap[b]].last else { return false }
    return first < second
  }
}

extension TableWalk {
  /// Places of a table, or keys of a dictionary, looked at in one turn.
  static let sliceLength = 4096

  /// The prefixes of a router's table.
  /// - Parameter inside: Only these.
  convenience init(_ router: Router, _ families: [AddressFamily], inside: IPPrefix? = nil) {
    var left = families[...]
    var place = 0
    self.init { [weak router] in
      while let family = left.first {
        let places = place..<place + Self.sliceLength
        place = places.upperBound
        if let found = router?.speaker?.prefixes(family, at: places) {
          return inside.map { inside in found.filter { inside.contains($0) } } ?? found
        }
        left.removeFirst()
        place = 0
      }
      return nil
    }
  }

  convenience init(_ prefixes: [IPPrefix]) {
    var left = prefixes[...]
    self.init {
      if left.isEmpty { return nil }
      defer { left = left.dropFirst(Self.sliceLength) }
      return Array(left.prefix(Self.sliceLength))
    }
  }
}
