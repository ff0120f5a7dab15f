import Glibc
import Synchronization

/// Whole lines from one worker to the thread that writes them, in memory that is there from the
/// start. A worker never waits for room: a line that finds none is dropped and counted.
///
/// `@unchecked Sendable`: one worker puts, one thread takes; each moves its own end.
final class AccessLogRing: @unchecked Sendable {
  static let capacity = 256 << 10
  private let memory: UnsafeMutableRawPointer
  /// Bytes ever put, and ever taken.
  private let put = Atomic<Int>(0)
  private let taken = Atomic<Int>(0)
  let lines = Atomic<UInt64>(0)
  let dropped = Atomic<UInt64>(0)

  init() { memory = .allocate(byteCount: AccessLogRing.capacity, alignment: 64) }
  deinit { memory.deallocate() }

  /// By the worker.
  /// - Returns: false if the line was dropped.
  func append(_ line: UnsafeRawBufferPointer) -> Bool {
    let end = put.load(ordering: .relaxed)
    guard line.count <= AccessLogRing.capacity &- (end &- taken.load(ordering: .acquiring)),
      let source = line.baseAddress
    else {
      dropped.store(dropped.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
      return false
    }
    let start = end & (AccessLogRing.capacity &- 1)
    let first = min(line.count, AccessLogRing.capacity &- start)
    memcpy(memory + start, source, first)
    if first < line.count { memcpy(memory, source + first, line.count &- first) }
    put.store(end &+ line.count, ordering: .releasing)
    lines.store(lines.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    return true
  }

  func countDropped() {
    dropped.store(dropped.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
  }

  var isEmpty: Bool { put.load(ordering: .acquiring) == taken.load(ordering: .acquiring) }

  /// By the writing thread: whole lines, until `take` gives their room back; the second piece is what
  /// lies behind the end of the memory.
  var waiting: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) {
    let start = taken.load(ordering: .relaxed)
    let count = put.load(ordering: .acquiring) &- start
    let offset = start & (AccessLogRing.capacity &- 1)
    let first = min(count, AccessLogRing.capacity &- offset)
    return (
      UnsafeRawBufferPointer(start: memory + offset, count: first),
      UnsafeRawBufferPointer(start: memory, count: count &- first)
    )
  }

  func take(_ count: Int) {
    taken.store(taken.load(ordering: .relaxed) &+ count, ordering: .releasing)
  }
}
