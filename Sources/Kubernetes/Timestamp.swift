/// A moment of Kubernetes objects: RFC 3339 in UTC, kept to the microsecond.
package struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Seconds since 1970-01-01T00:00:00Z.
  package var unixSeconds: Int64
  package var microseconds: Int32

  package init(unixSeconds: Int64, microseconds: Int32 = 0) {
    self.unixSeconds = unixSeconds
    self.microseconds = microseconds
  }

  package static func < (left: Timestamp, right: Timestamp) -> Bool {
    (left.unixSeconds, left.microseconds) < (right.unixSeconds, right.microseconds)
  }

  /// `2006-01-02T15:04:05Z`, the form of metav1.Time.
  package var description: String { date + "Z" }

  /// `2006-01-02T15:04:05.000000Z`, the form of metav1.MicroTime.
  package var microText: String { date + "." + padded(Int64(microseconds), 6) + "Z" }

  private var date: String {
    let days = floorDivide(unixSeconds, 86_400)
    let seconds = unixSeconds &- days &* 86_400
    let (year, month, day) = civil(fromDays: days)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
      + "T\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
  }

  /// Parses RFC 3339, with a fraction and an offset if there are any.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int64? {
      guard range.upperBound <= bytes.count else { return nil }
      var value: Int64 = 0
      for byte in bytes[range] {
        guard byte &- 0x30 < 10 else { return nil }
        value = value * 10 + Int64(byte & 0x0F)
      }
      return value
    }
    guard bytes.count >= 20, bytes.count < 64, bytes[4] == UInt8(ascii: "-"),
      bytes[7] == UInt8(ascii: "-"), bytes[10] | 0x20 == UInt8(ascii: "t"),
      bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
      let year = number(0..<4), let month = number(5..<7), (1...12).contains(month),
      let day = number(8..<10), (1...31).contains(day),
      let hour = number(11..<13), hour < 24, let minute = number(14..<16), minute < 60,
      let second = number(17..<19), second <= 60
    else { return nil }
    var position = 19
    var microseconds: Int32 = 0
    if bytes[position] == UInt8(ascii: ".") {
      position += 1
      var scale: Int32 = 100_000
      let start = position
      while position < bytes.count, bytes[position] &- 0x30 < 10 {
        microseconds += Int32(bytes[position] & 0x0F) * scale
        scale /= 10
        position += 1
      }
      guard position > start else { return nil }
    }
    var offset: Int64 = 0
    guard position < bytes.count else { return nil }
    switch bytes[position] {
    case UInt8(ascii: "Z"), UInt8(ascii: "z"): position += 1
    case UInt8(ascii: "+"), UInt8(ascii: "-"):
      guard let hours = number(position + 1..<position + 3),
        position + 3 < bytes.count, bytes[position + 3] == UInt8(ascii: ":"),
        let minutes = number(position + 4..<position + 6)
      else { return nil }
      offset = (hours * 60 + minutes) * (bytes[position] == UInt8(ascii: "-") ? -60 : 60)
      position += 6
    default: return nil
    }
    guard position == bytes.count else { return nil }
    self.unixSeconds =
      days(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second
      - offset
    self.microseconds = microseconds
  }
}

private func padded(_ value: Int64, _ width: Int) -> String {
  let digits = String(value)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

private func floorDivide(_ dividend: Int64, _ divisor: Int64) -> Int64 {
  dividend >= 0 ? dividend / divisor : (dividend + 1) / divisor - 1
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar. Years start in March, so
/// that the leap day is the last of its year.
private func days(year: Int64, month: Int64, day: Int64) -> Int64 {
  let year = month <= 2 ? year - 1 : year
  let era = floorDivide(year, 400)
  let yearOfEra = year - era * 400
  let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
  let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

private func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
  let shifted = days &+ 719_468
  let era = floorDivide(shifted, 146_097)
  let dayOfEra = shifted - era * 146_097
  let yearOfEra =
    (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let shiftedMonth = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
  let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}
