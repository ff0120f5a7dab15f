import Synchronization

/// Words that threads share, zero at first: a fixed number of atomics in a row, which the standard
/// library has no array for.
final class AtomicWords: Sendable {
  let count: Int
  /// They live as long as self, and each is atomic.
  private nonisolated(unsafe) let words: UnsafeMutablePointer<Atomic<UInt64>>

  init(count: Int) {
    self.count = count
    words = .allocate(capacity: count)
    for index in 0..<count { (words + index).initialize(to: Atomic(0)) }
  }

  deinit {
    words.deinitialize(count: count)
    words.deallocate()
  }

  /// The word at `index`, and those behind it; valid while self is.
  @inline(__always) subscript(index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> { words + index }
}
