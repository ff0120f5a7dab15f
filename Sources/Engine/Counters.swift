import Synchronization

/// Counts of one object, one block a worker: a block has one writer, so counting is a plain load and
/// store, and a reader adds the blocks up.
final class Counters: Sendable {
  enum Index: Int {
    case connections, activeConnections
    case requests, status1xx, status2xx, status3xx, status4xx, status5xx
    case bytesIn, bytesOut
    case failures, retries, refusedRetries
    /// Requests whose client left, or whose answer could not end.
    case aborted
    /// Clients that rested and were let go for want of slots.
    case reaped
    case count
  }

  struct Block {
    fileprivate let words: UnsafeMutablePointer<Atomic<UInt64>>

    @inline(__always) func add(_ index: Index, _ amount: UInt64 = 1) {
      let word = words + index.rawValue
      word.pointee.store(word.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    @inline(__always) func subtract(_ index: Index) { add(index, .max) }
  }

  /// Blocks stand this many words apart: two cache lines, so that workers do not share one.
  private static let stride = 16
  private let workers: Int
  private let words: AtomicWords

  init(workers: Int) {
    self.workers = workers
    words = AtomicWords(count: workers * Counters.stride)
  }

  /// Worker `index`'s block; valid while self is.
  func block(_ index: Int) -> Block { Block(words: words[index * Counters.stride]) }

  func sum(_ index: Index) -> UInt64 {
    var sum: UInt64 = 0
    for worker in 0..<workers {
      sum &+= words[worker * Counters.stride + index.rawValue].pointee
        .load(ordering: .relaxed)
    }
    return sum
  }
}
