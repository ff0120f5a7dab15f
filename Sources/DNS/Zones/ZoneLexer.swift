/// A word of a zone file. RFC 1035 §5.1.
struct ZoneToken: Sendable {
  /// As it stands there, escapes too, without the quotation marks around it.
  var octets: ArraySlice<UInt8>
  var isQuoted: Bool
  /// From 1.
  var line: Int
  var column: Int

  var text: String { String(decoding: octets, as: UTF8.self) }
}

/// What a zone file has in the place of something else.
struct ZoneSyntaxError: Error, Sendable {
  var line: Int
  var column: Int
  var found: String
  var expected: String
}

/// Cuts a zone file into entries of tokens: a line each, or several within parentheses.
struct ZoneLexer {
  struct Entry {
    var tokens: [ZoneToken] = []
    /// It begins with white space: the owner is the one before. RFC 1035 §5.1.
    var continuesOwner = false
    var line: Int
  }

  private let octets: [UInt8]
  private var index = 0
  private var line = 1
  private var lineStart = 0

  init(_ octets: [UInt8]) { self.octets = octets }

  private var column: Int { index - lineStart + 1 }

  private func error(_ found: String, expected: String) -> ZoneSyntaxError {
    ZoneSyntaxError(line: line, column: column, found: found, expected: expected)
  }

  /// The next entry with a token; nil at the end. What is thrown has been passed.
  mutating func next() throws(ZoneSyntaxError) -> Entry? {
    while index < octets.count {
      var entry = Entry(line: line)
      entry.continuesOwner = isBlank(octets[index])
      do throws(ZoneSyntaxError) {
        try fill(&entry)
      } catch {
        skipLine()
        throw error
      }
      if !entry.tokens.isEmpty { return entry }
    }
    return nil
  }

  private mutating func fill(_ entry: inout Entry) throws(ZoneSyntaxError) {
    var depth = 0
    var opening = (line: 0, column: 0)
    while index < octets.count {
      switch octets[index] {
      case 0x0a:
        passLineEnd()
        if depth == 0 { return }
      case let octet where isBlank(octet): index += 1
      case UInt8(ascii: ";"):
        while index < octets.count, octets[index] != 0x0a { index += 1 }
      case UInt8(ascii: "("):
        if depth == 0 { opening = (line, column) }
        depth += 1
        index += 1
      case UInt8(ascii: ")"):
        guard depth > 0 else { throw error("a closing parenthesis", expected: "one opened before") }
        depth -= 1
        index += 1
      case UInt8(ascii: "\""): entry.tokens.append(try quoted())
      default: entry.tokens.append(try word())
      }
    }
    if depth > 0 {
      throw ZoneSyntaxError(
        line: opening.line, column: opening.column, found: "the end of the file",
        expected: "a parenthesis that closes this one")
    }
  }

  private mutating func quoted() throws(ZoneSyntaxError) -> ZoneToken {
    let start = (line: line, column: column)
    index += 1
    let first = index
    try passQuoted()
    return ZoneToken(
      octets: octets[first..<(index - 1)], isQuoted: true, line: start.line, column: start.column)
  }

  /// To behind the closing quotation mark.
  private mutating func passQuoted() throws(ZoneSyntaxError) {
    while index < octets.count, octets[index] != 0x0a {
      if octets[index] == UInt8(ascii: "\"") {
        index += 1
        return
      }
      index += octets[index] == UInt8(ascii: "\\") && index + 1 < octets.count ? 2 : 1
    }
    throw error("the end of the line", expected: "a closing quotation mark")
  }

  /// A word; a quotation mark in it goes to the next, as in `alpn="h2,h3"`.
  private mutating func word() throws(ZoneSyntaxError) -> ZoneToken {
    let (first, start) = (index, column)
    scan: while index < octets.count {
      switch octets[index] {
      case 0x0a, UInt8(ascii: ";"), UInt8(ascii: "("), UInt8(ascii: ")"): break scan
      case let octet where isBlank(octet): break scan
      case UInt8(ascii: "\""):
        index += 1
        try passQuoted()
      case UInt8(ascii: "\\"):
        guard index + 1 < octets.count, octets[index + 1] != 0x0a else {
          throw error("the end of the line", expected: "a character behind the backslash")
        }
        index += 2
      default: index += 1
      }
    }
    return ZoneToken(octets: octets[first..<index], isQuoted: false, line: line, column: start)
  }

  private func isBlank(_ octet: UInt8) -> Bool { octet == 0x20 || octet == 0x09 || octet == 0x0d }

  private mutating func passLineEnd() {
    index += 1
    line += 1
    lineStart = index
  }

  private mutating func skipLine() {
    while index < octets.count, octets[index] != 0x0a { index += 1 }
    if index < octets.count { passLineEnd() }
  }
}
