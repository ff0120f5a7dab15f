import Synchronization

/// Times in log-linear buckets, as of HdrHistogram: one a microsecond below 16 µs, then sixteen to
/// each power of two, so that the middle of a bucket is off by at most 1/32. What lasted longer than
/// 134 s counts in the last one. Fixed memory, one block a worker, counted as `Counters` are.
final class LatencyHistogram: Sendable {
  struct Block {
    fileprivate let words: UnsafeMutablePointer<Atomic<UInt64>>

    @inline(__always) func record(_ microseconds: Int64) {
      let time = UInt64(max(0, microseconds))
      add(0, time)
      add(1 &+ LatencyScale.bucket(of: time), 1)
    }

    @inline(__always) private func add(_ index: Int, _ amount: UInt64) {
      let word = words + index
      word.pointee.store(word.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
  }

  /// The sum and the buckets, up to whole cache lines.
  private static let stride = LatencyScale.count + 8
  private let workers: Int
  private let words: AtomicWords

  init(workers: Int) {
    self.workers = workers
    words = AtomicWords(count: workers * LatencyHistogram.stride)
  }

  /// Worker `index`'s block; valid while self is.
  func block(_ index: Int) -> Block {
    Block(words: words[index * LatencyHistogram.stride])
  }

  func snapshot() -> LatencyDistribution {
    var counts = [UInt64](repeating: 0, count: LatencyScale.count)
    var sum: UInt64 = 0
    for worker in 0..<workers {
      let block = words[worker * LatencyHistogram.stride]
      sum &+= block[0].load(ordering: .relaxed)
      for bucket in counts.indices {
        counts[bucket] &+= block[1 + bucket].load(ordering: .relaxed)
      }
    }
    return LatencyDistribution(counts: counts, sum: sum)
  }
}

/// The two times of a request: to its last byte and to its first.
final class Latencies: Sendable {
  struct Block {
    let total: LatencyHistogram.Block
    let firstByte: LatencyHistogram.Block
  }

  let total: LatencyHistogram
  let firstByte: LatencyHistogram

  init(workers: Int) {
    total = LatencyHistogram(workers: workers)
    firstByte = LatencyHistogram(workers: workers)
  }

  func block(_ index: Int) -> Block {
    Block(total: total.block(index), firstByte: firstByte.block(index))
  }
}

/// Which bucket a time is counted in.
package enum LatencyScale {
  private static let bits = 4
  private static let octaves = 27
  package static let count = (octaves - bits + 1) << bits

  @inline(__always) package static func bucket(of microseconds: UInt64) -> Int {
    let time = min(microseconds, 1 << UInt64(octaves) &- 1)
    guard time >= 1 << UInt64(bits) else { return Int(time) }
    let shift = 63 &- time.leadingZeroBitCount &- bits
    return shift << bits &+ Int(time >> UInt64(shift))
  }

  /// The times of a bucket, in microseconds.
  package static func range(of bucket: Int) -> Range<UInt64> {
    let shift = UInt64(max(0, bucket >> bits - 1))
    let first = UInt64(bucket) - shift << UInt64(bits)
    return first << shift..<(first + 1) << shift
  }
}

/// How many times lay in each bucket, at one moment or between two.
package struct LatencyDistribution: Equatable, Sendable {
  /// By bucket of `LatencyScale`.
  package var counts: [UInt64]
  /// Microseconds.
  package var sum: UInt64

  package init(
    counts: [UInt64] = .init(repeating: 0, count: LatencyScale.count), sum: UInt64 = 0
  ) {
    self.counts = counts
    self.sum = sum
  }

  package var count: UInt64 { counts.reduce(0, &+) }

  /// Those shorter than a power of two of microseconds.
  package func count(below exponent: Int) -> UInt64 {
    counts[..<LatencyScale.bucket(of: 1 << UInt64(exponent))].reduce(0, &+)
  }

  /// The time that a part of all, as 0.99, did not exceed: the middle of its bucket; nil of none.
  package func quantile(_ part: Double) -> Duration? {
    let count = count
    guard count > 0 else { return nil }
    let rank = max(1, UInt64((part * Double(count)).rounded(.up)))
    var seen: UInt64 = 0
    for (bucket, times) in counts.enumerated() {
      seen &+= times
      guard seen >= rank else { continue }
      let range = LatencyScale.range(of: bucket)
      return .microseconds((range.lowerBound + range.upperBound) / 2)
    }
    return nil
  }

  /// What came since `earlier`; all of it where `earlier` is of another count.
  package func since(_ earlier: LatencyDistribution) -> LatencyDistribution {
    guard earlier.sum <= sum, zip(counts, earlier.counts).allSatisfy({ $0 >= $1 }) else {
      return self
    }
    return LatencyDistribution(
      counts: zip(counts, earlier.counts).map { $0 - $1 }, sum: sum - earlier.sum)
  }
}
