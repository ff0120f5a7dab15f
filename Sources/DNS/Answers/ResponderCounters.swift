/// What one thread has answered.
package struct ResponderCounters: Sendable {
  /// Codes that are counted apart; those above are counted with the last.
  package static let codeCount = 24
  /// Types that are counted apart; those above, ANY too, are counted as type zero.
  package static let typeCount = 66

  package var queriesOverUDP: UInt64 = 0
  package var queriesOverTCP: UInt64 = 0
  package var queriesWithEDNS: UInt64 = 0
  package var queriesWithClientSubnet: UInt64 = 0
  package var goodCookies: UInt64 = 0
  package var truncated: UInt64 = 0
  /// Answers of steered sets.
  package var steered: UInt64 = 0
  /// Over the rate limit, without an answer.
  package var limited: UInt64 = 0
  /// Over the rate limit, with a truncated answer.
  package var slipped: UInt64 = 0
  /// No query at all, or steered to be dropped.
  package var dropped: UInt64 = 0
  private var codes = [UInt64](repeating: 0, count: 24)
  private var types = [UInt64](repeating: 0, count: 66)

  package init() {}

  package func answers(_ code: ResponseCode) -> UInt64 { codes[min(Int(code.rawValue), 23)] }

  package func queries(_ type: RecordType) -> UInt64 {
    types[type.rawValue < 66 ? Int(type.rawValue) : 0]
  }

  @inline(__always)
  mutating func count(code: UInt16) { codes[min(Int(code), 23)] &+= 1 }

  @inline(__always)
  mutating func count(type: UInt16) { types[type < 66 ? Int(type) : 0] &+= 1 }

  package static func += (total: inout Self, other: Self) {
    total.queriesOverUDP &+= other.queriesOverUDP
    total.queriesOverTCP &+= other.queriesOverTCP
    total.queriesWithEDNS &+= other.queriesWithEDNS
    total.queriesWithClientSubnet &+= other.queriesWithClientSubnet
    total.goodCookies &+= other.goodCookies
    total.truncated &+= other.truncated
    total.steered &+= other.steered
    total.limited &+= other.limited
    total.slipped &+= other.slipped
    total.dropped &+= other.dropped
    for index in 0..<codeCount { total.codes[index] &+= other.codes[index] }
    for index in 0..<typeCount { total.types[index] &+= other.types[index] }
  }
}
