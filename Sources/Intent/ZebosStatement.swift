import BGP
import NetTypes

extension ZebosConfiguration {
  /// The words of one statement, taken one by one.
  struct Statement {
    private let words: [String]
    private let line: String
    private var position = 0

    init(_ words: [String], line: String) {
      self.words = words
      self.line = line
    }

    var isAtEnd: Bool { position == words.count }

    /// The next word, which stays.
    var peek: String? { position < words.count ? words[position] : nil }

    mutating func next() -> String? {
      guard position < words.count else { return nil }
      defer { position += 1 }
      return words[position]
    }

    mutating func take(_ word: String) -> Bool {
      guard position < words.count, words[position] == word else { return false }
      position += 1
      return true
    }

    /// Takes these words, all or none.
    mutating func takeWords(_ expected: [String]) -> Bool {
      guard words[position...].starts(with: expected) else { return false }
      position += expected.count
      return true
    }

    /// Takes the whole rest if it begins with `expected`.
    mutating func takeAll(_ expected: [String]) -> Bool {
      guard words[position...].starts(with: expected) else { return false }
      position = words.count
      return true
    }

    /// - Parameter expected: What else may stand here.
    mutating func need(_ word: String, or expected: String? = nil) throws(Mistake) {
      if !take(word) { throw mistake(expected ?? word) }
    }

    mutating func word(_ expected: String) throws(Mistake) -> String {
      guard let word = next() else { throw mistake(expected) }
      return word
    }

    mutating func remainder() -> String {
      defer { position = words.count }
      return words[position...].joined(separator: " ")
    }

    mutating func number(_ range: ClosedRange<Int64>, _ expected: String) throws(Mistake) -> Int64 {
      guard let word = next(), let value = Int64(word), range.contains(value) else {
        throw mistake(expected)
      }
      return value
    }

    mutating func asNumber() throws(Mistake) -> ASNumber {
      guard let word = next(), let number = ASNumber(text: word), number.rawValue != 0 else {
        throw mistake("an AS number, 1 to 4294967295")
      }
      return number
    }

    mutating func ipv4() throws(Mistake) -> IPv4Address {
      guard let word = next(), let address = IPv4Address(word) else {
        throw mistake("an IPv4 address")
      }
      return address
    }

    /// `KEEPALIVE HOLD`, in seconds.
    mutating func timers() throws(Mistake) -> SessionTimers {
      let keepalive = try number(0...65535, "keepalive and hold time in seconds")
      let hold = try number(0...65535, "keepalive and hold time in seconds")
      guard hold == 0 || (hold >= 3 && keepalive * 3 <= hold && keepalive > 0) else {
        throw mistake("a hold time of 0, or of 3 or more and at least three times the keepalive")
      }
      return SessionTimers(hold: .seconds(hold), keepalive: .seconds(keepalive))
    }

    func end() throws(Mistake) {
      if !isAtEnd {
        throw mistake("the end of the line after \(words[..<position].joined(separator: " "))")
      }
    }

    func mistake(_ expected: String) -> Mistake {
      Mistake(statement: line, expected: expected)
    }
  }
}

extension String {
  /// Without the spaces at either end.
  var trimmed: String {
    let start = drop { $0.isWhitespace }
    return String(start.reversed().drop { $0.isWhitespace }.reversed())
  }
}
