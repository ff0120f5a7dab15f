import HTTP
import NetTypes

/// What the rules make of the request at hand; one a worker, reused.
struct RuleScratch {
  var request = FieldBlock()
  var response = FieldBlock()
  let matcher = Expression.Matcher()
  /// Path and query as the member gets them; empty: as they came.
  var target: HeadWriter
  /// Host as the member gets it; empty: as it came.
  var host: HeadWriter
  /// The path in normal form, or as it came.
  var path = UnsafeRawBufferPointer(start: nil, count: 0)
  var bodyLimit = UInt64.max
  /// Rates that the request has been taken from, and those of them that were so before.
  private(set) var ratesTaken = 0
  private var ratesPaid = 0
  var random: SeededRandom
  /// Sixteen random bytes, in hexadecimal; made when first asked for.
  private var hasID = false
  private let identifier: UnsafeMutableRawBufferPointer

  private let memory: UnsafeMutableRawBufferPointer
  private let targetLimit: Int
  private static let hostLimit = 1 << 10

  init(targetLimit: Int, seed: UInt64) {
    self.targetLimit = targetLimit
    memory = .allocate(byteCount: targetLimit * 2 + RuleScratch.hostLimit, alignment: 16)
    identifier = .allocate(byteCount: 32, alignment: 16)
    random = SeededRandom(seed: seed)
    target = HeadWriter(UnsafeMutableRawBufferPointer(rebasing: memory[..<targetLimit]))
    host = HeadWriter(
      UnsafeMutableRawBufferPointer(
        rebasing: memory[targetLimit..<(targetLimit + RuleScratch.hostLimit)]))
  }

  func deallocate() {
    request.deallocate()
    response.deallocate()
    memory.deallocate()
    identifier.deallocate()
  }

  /// The next rate on the way was taken from when the head was read before.
  mutating func isRatePaid() -> Bool {
    guard ratesPaid == 0 else {
      ratesPaid -= 1
      return true
    }
    ratesTaken += 1
    return false
  }

  /// - Parameter paid: Rates that it was taken from when it was read before.
  mutating func reset(paid: Int = 0) {
    (ratesTaken, ratesPaid) = (paid, paid)
    request.reset()
    response.reset()
    clearTarget()
    host = HeadWriter(host.target)
    bodyLimit = .max
    hasID = false
  }

  mutating func clearTarget() { target = HeadWriter(target.target) }

  /// Where a path is normalised.
  var pathSpace: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: memory[(targetLimit + RuleScratch.hostLimit)...])
  }

  mutating func requestID() -> UnsafeRawBufferPointer {
    if !hasID {
      hasID = true
      for half in 0..<2 {
        var word = random.next()
        for digit in 0..<16 {
          let nibble = UInt8(truncatingIfNeeded: word & 15)
          identifier[half * 16 + digit] = nibble < 10 ? nibble &+ 0x30 : nibble &+ 0x57
          word >>= 4
        }
      }
    }
    return UnsafeRawBufferPointer(identifier)
  }
}
