extension HeadParser {
  typealias Bytes = UnsafePointer<UInt8>

  func skipEmptyLines(_ base: Bytes, _ cursor: inout Int, _ end: Int) throws(Stop) {
    while cursor < end, base[cursor] == 0x0d {
      guard cursor &+ 1 < end else { throw .incomplete }
      guard base[cursor &+ 1] == 0x0a else { throw .invalid(.bareLineBreak) }
      cursor &+= 2
    }
  }

  /// `method SP request-target SP HTTP-version CRLF`
  mutating func requestLine(_ base: Bytes, _ cursor: inout Int, _ end: Int) throws(Stop) {
    let table = ByteClass.table
    let methodStart = cursor
    while cursor < end, table[Int(base[cursor])] & ByteClass.token != 0 { cursor &+= 1 }
    guard cursor < end else { throw .incomplete }
    guard cursor > methodStart, base[cursor] == 0x20 else { throw .invalid(.invalidMethod) }
    methodName = ByteRange(start: methodStart, end: cursor)
    method = .of(UnsafeRawBufferPointer(start: base + methodStart, count: cursor &- methodStart))
    cursor &+= 1

    let targetStart = cursor
    while cursor < end, table[Int(base[cursor])] & ByteClass.target != 0 { cursor &+= 1 }
    guard cursor &- targetStart <= targetLimit else {
      throw .invalid(.targetTooLong(limit: targetLimit))
    }
    guard cursor < end else { throw .incomplete }
    // A line that ends here has no version: HTTP/0.9.
    if base[cursor] == 0x0d || base[cursor] == 0x0a { throw .invalid(.invalidVersion) }
    guard cursor > targetStart, base[cursor] == 0x20 else { throw .invalid(.invalidTarget) }
    target = ByteRange(start: targetStart, end: cursor)
    cursor &+= 1

    try version(base, &cursor, end, malformed: .invalidVersion)
    try lineEnd(base, &cursor, end, otherwise: .invalidVersion)
    try splitTarget(base)
  }

  /// `HTTP-version SP status-code [SP reason-phrase] CRLF`
  mutating func statusLine(_ base: Bytes, _ cursor: inout Int, _ end: Int) throws(Stop) {
    try version(base, &cursor, end, malformed: .invalidStatusLine)
    guard cursor < end else { throw .incomplete }
    guard base[cursor] == 0x20 else { throw .invalid(.invalidStatusLine) }
    cursor &+= 1
    for _ in 0..<3 {
      guard cursor < end else { throw .incomplete }
      let digit = base[cursor] &- 0x30
      guard digit < 10 else { throw .invalid(.invalidStatusLine) }
      status = status &* 10 &+ Int(digit)
      cursor &+= 1
    }
    guard cursor < end else { throw .incomplete }
    guard status >= 100 else { throw .invalid(.invalidStatusLine) }
    if base[cursor] == 0x20 { cursor &+= 1 }
    let start = cursor
    cursor = endOfValue(base, cursor, end)
    guard cursor < end else { throw .incomplete }
    reason = ByteRange(start: start, end: cursor)
    try lineEnd(base, &cursor, end, otherwise: .invalidStatusLine)
    if start > 0, base[start &- 1] != 0x20, !reason.isEmpty { throw .invalid(.invalidStatusLine) }
  }

  /// `HTTP/1.DIGIT`
  private mutating func version(
    _ base: Bytes, _ cursor: inout Int, _ end: Int, malformed: HTTPError
  ) throws(Stop) {
    let prefix: StaticString = "HTTP/"
    for index in 0..<5 {
      guard cursor &+ index < end else { throw .incomplete }
      guard base[cursor &+ index] == prefix.utf8Start[index] else { throw .invalid(malformed) }
    }
    guard cursor &+ 8 <= end else { throw .incomplete }
    let major = base[cursor &+ 5] &- 0x30
    let minor = base[cursor &+ 7] &- 0x30
    guard major < 10, base[cursor &+ 6] == UInt8(ascii: "."), minor < 10 else {
      throw .invalid(malformed)
    }
    guard major == 1 else { throw .invalid(.unsupportedVersion) }
    minorVersion = min(minor, 1)
    cursor &+= 8
  }

  func lineEnd(
    _ base: Bytes, _ cursor: inout Int, _ end: Int, otherwise: HTTPError
  ) throws(Stop) {
    guard cursor < end else { throw .incomplete }
    if base[cursor] == 0x0a { throw .invalid(.bareLineBreak) }
    guard base[cursor] == 0x0d else { throw .invalid(otherwise) }
    guard cursor &+ 1 < end else { throw .incomplete }
    guard base[cursor &+ 1] == 0x0a else { throw .invalid(.bareLineBreak) }
    cursor &+= 2
  }

  /// Origin, absolute, authority (CONNECT) or asterisk form, RFC 9112 §3.2.
  private mutating func splitTarget(_ base: Bytes) throws(Stop) {
    let start = Int(target.start)
    let end = target.end
    pathAndQuery = target
    if base[start] == UInt8(ascii: "/") { return }
    if method == .connect {
      guard isHost(base, start, end) else { throw .invalid(.invalidTarget) }
      host = target
      pathAndQuery = .none
      return
    }
    if method == .options, target.count == 1, base[start] == UInt8(ascii: "*") { return }
    let scheme = schemeLength(base, start, end)
    guard scheme > 0 else { throw .invalid(.invalidTarget) }
    let authority = start &+ scheme
    var path = authority
    while path < end, base[path] != UInt8(ascii: "/"), base[path] != UInt8(ascii: "?") {
      path &+= 1
    }
    guard path > authority, isHost(base, authority, path) else { throw .invalid(.invalidTarget) }
    flags.insert(.absoluteTarget)
    host = ByteRange(start: authority, end: path)
    pathAndQuery = ByteRange(start: path, end: end)
  }

  /// Bytes of `http://` or `https://` at `start`; 0 for anything else.
  private func schemeLength(_ base: Bytes, _ start: Int, _ end: Int) -> Int {
    for scheme: StaticString in ["http://", "https://"] {
      let count = scheme.utf8CodeUnitCount
      guard end &- start > count else { continue }
      if equalsIgnoringCase(UnsafeRawBufferPointer(start: base + start, count: count), scheme) {
        return count
      }
    }
    return 0
  }

  func isHost(_ base: Bytes, _ start: Int, _ end: Int) -> Bool {
    let table = ByteClass.table
    for index in start..<end where table[Int(base[index])] & ByteClass.host == 0 { return false }
    return true
  }
}
