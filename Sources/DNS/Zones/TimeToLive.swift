/// A time as zone files write it: seconds, or BIND's `1w2d3h4m5s`.
struct TimeToLive: Hashable, Sendable {
  var seconds: UInt32

  init?(text: String) {
    var total: UInt64 = 0
    var number: UInt64?
    for octet in text.utf8 {
      if octet.isDigit {
        number = (number ?? 0) * 10 + UInt64(octet - 0x30)
        if number ?? 0 > UInt64(UInt32.max) { return nil }
        continue
      }
      guard let count = number, let unit = Self.unit(octet.lowercased) else { return nil }
      total += count * unit
      number = nil
    }
    if text.isEmpty { return nil }
    guard let seconds = UInt32(exactly: total + (number ?? 0)) else { return nil }
    self.seconds = seconds
  }

  private static func unit(_ letter: UInt8) -> UInt64? {
    switch letter {
    case UInt8(ascii: "s"): 1
    case UInt8(ascii: "m"): 60
    case UInt8(ascii: "h"): 3600
    case UInt8(ascii: "d"): 86_400
    case UInt8(ascii: "w"): 604_800
    default: nil
    }
  }
}
