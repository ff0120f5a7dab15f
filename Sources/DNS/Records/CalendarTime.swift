/// A moment as RRSIG writes it, `YYYYMMDDHHmmSS`. RFC 4034 §3.2.
struct CalendarTime: Hashable, Sendable, CustomStringConvertible {
  var secondsSince1970: UInt32

  init(secondsSince1970: UInt32) { self.secondsSince1970 = secondsSince1970 }

  /// Parses fourteen digits of a moment from 1970 to 2106, or up to ten of seconds.
  init?(_ text: String) {
    guard text.utf8.allSatisfy(\.isDigit) else { return nil }
    if text.utf8.count <= 10, let seconds = UInt32(text) {
      secondsSince1970 = seconds
      return
    }
    let digits = text.utf8.map { Int($0 - 0x30) }
    guard digits.count == 14 else { return nil }
    let number = { (range: Range<Int>) in digits[range].reduce(0) { $0 * 10 + $1 } }
    let (year, month, day) = (number(0..<4), number(4..<6), number(6..<8))
    let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
    guard year >= 1970, (1...12).contains(month),
      (1...Self.days(of: month, in: year)).contains(day), hour < 24, minute < 60, second < 60
    else { return nil }
    let seconds = ((Self.day(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
    guard let seconds = UInt32(exactly: seconds) else { return nil }
    secondsSince1970 = seconds
  }

  var description: String {
    let seconds = Int(secondsSince1970) % 86_400
    var days = Int(secondsSince1970) / 86_400
    var (year, month) = (1970, 1)
    while case let length = Self.isLeap(year) ? 366 : 365, days >= length {
      days -= length
      year += 1
    }
    while case let length = Self.days(of: month, in: year), days >= length {
      days -= length
      month += 1
    }
    let parts = [month, days + 1, seconds / 3600, seconds / 60 % 60, seconds % 60]
    return parts.reduce(String(year)) { $0 + ($1 < 10 ? "0" : "") + String($1) }
  }

  private static func isLeap(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  private static func days(of month: Int, in year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days from 1 January 1970.
  private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let years = (1970..<year).reduce(0) { $0 + (isLeap($1) ? 366 : 365) }
    return years + (1..<month).reduce(0) { $0 + days(of: $1, in: year) } + day - 1
  }
}
