/// A request as a careful server takes it.
struct ReadRequest: Equatable {
  var method: String
  /// Path and query.
  var target: String
  /// Lower case, without its port; nil where none is given.
  var host: String?
  var body: [UInt8]
}

/// Reads requests by RFC 9112 and takes no liberties: what the RFC lets a recipient repair is an error
/// here. Shares nothing with the engine's parser, which it judges.
///
/// 1. §2.2: lines end in CR LF; no other CR, LF or NUL. Empty lines before a request are skipped.
/// 2. §3: three parts, one space between; the method a token; HTTP/1.0 and HTTP/1.1 to 1.9.
/// 3. §3.2: origin form, absolute form of http, `*` of OPTIONS, authority of CONNECT.
/// 4. §5: token, colon, value without controls; no folding.
/// 5. §3.2: one Host in HTTP/1.1, never two; the authority of an absolute target replaces it.
/// 6. §6: one Content-Length of digits, or one Transfer-Encoding that is `chunked`, not both, and the
///    latter not in HTTP/1.0.
/// 7. §7.1: hexadecimal sizes, extensions without controls, CR LF behind the data, trailers as fields.
struct ReferenceReader {
  enum Step {
    case request(ReadRequest)
    case incomplete
    case malformed(String)
  }

  private struct Stop: Error {
    /// Nil when more is needed.
    var reason: String?
  }

  private let bytes: ArraySlice<UInt8>
  private(set) var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  /// All requests, and what is wrong behind them.
  static func all(_ bytes: [UInt8]) -> (requests: [ReadRequest], error: String?) {
    var reader = ReferenceReader(bytes[...])
    var requests: [ReadRequest] = []
    while true {
      switch reader.next() {
      case .request(let request):
        requests.append(request)
        if request.method == "CONNECT" { return (requests, nil) }
      case .incomplete: return (requests, nil)
      case .malformed(let why): return (requests, why)
      }
    }
  }

  mutating func next() -> Step {
    let start = position
    do throws(Stop) {
      return .request(try request())
    } catch {
      position = start
      return error.reason.map { .malformed($0) } ?? .incomplete
    }
  }

  private mutating func request() throws(Stop) -> ReadRequest {
    var line = try self.line()
    while line.isEmpty { line = try self.line() }
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 3, isToken(parts[0]) else { throw Stop(reason: "request line") }
    let minor = try minorVersion(parts[2])
    let method = text(parts[0])
    var (target, authority) = try split(text(parts[1]), method)
    guard parts[1].allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }) else {
      throw Stop(reason: "target")
    }
    var hosts: [String] = []
    var lengths: [ArraySlice<UInt8>] = []
    var codings: [String] = []
    for (name, value) in try fields() {
      switch name {
      case "host": hosts.append(text(value))
      case "content-length": lengths.append(value)
      case "transfer-encoding": codings.append(text(value).lowercased())
      default: break
      }
    }
    guard hosts.count <= 1, minor == 0 || hosts.count == 1, hosts.allSatisfy(isHost) else {
      throw Stop(reason: "Host")
    }
    authority = authority ?? hosts.first
    guard codings.isEmpty || codings == ["chunked"] && lengths.isEmpty && minor > 0 else {
      throw Stop(reason: "Transfer-Encoding")
    }
    var body: [UInt8] = []
    if !codings.isEmpty {
      body = try chunks()
    } else if !lengths.isEmpty {
      guard lengths.count == 1, !lengths[0].isEmpty, lengths[0].count < 19,
        lengths[0].allSatisfy(isDigit), let count = Int(text(lengths[0]))
      else { throw Stop(reason: "Content-Length") }
      body = try Array(take(count))
    }
    if target.isEmpty || target.hasPrefix("?") { target = "/" + target }
    return ReadRequest(
      method: method, target: target, host: authority.flatMap(comparable), body: body)
  }

  private func minorVersion(_ word: ArraySlice<UInt8>) throws(Stop) -> Int {
    let letters = Array(word)
    guard letters.count == 8, letters.starts(with: Array("HTTP/1.".utf8)), isDigit(letters[7])
    else { throw Stop(reason: "version") }
    return Int(letters[7] - 0x30)
  }

  private func split(
    _ target: String, _ method: String
  ) throws(Stop) -> (target: String, authority: String?) {
    if method == "CONNECT" {
      guard isHost(target), !target.isEmpty else { throw Stop(reason: "target") }
      return (target, target)
    }
    if target.hasPrefix("/") || target == "*" && method == "OPTIONS" { return (target, nil) }
    for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
      let rest = target.dropFirst(scheme.count)
      let authority = rest.prefix { $0 != "/" && $0 != "?" }
      guard !authority.isEmpty, isHost(String(authority)) else { break }
      return (String(rest.dropFirst(authority.count)), String(authority))
    }
    throw Stop(reason: "target")
  }

  private mutating func fields() throws(Stop) -> [(name: String, value: ArraySlice<UInt8>)] {
    var fields: [(String, ArraySlice<UInt8>)] = []
    while case let line = try line(), !line.isEmpty {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")), isToken(line[..<colon]),
        line.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 })
      else { throw Stop(reason: "field") }
      var value = line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
      while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
      fields.append((text(line[..<colon]).lowercased(), value))
    }
    return fields
  }

  private mutating func chunks() throws(Stop) -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let line = try self.line()
      guard line.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
        throw Stop(reason: "chunk extension")
      }
      let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 && $0 != 0x09 }
      let behind = line[digits.endIndex...].first { $0 != 0x20 && $0 != 0x09 }
      guard !digits.isEmpty, digits.count < 16,
        digits.allSatisfy({ isDigit($0) || (0x61...0x66).contains($0 | 0x20) }),
        behind == nil || behind == UInt8(ascii: ";"), let size = Int(text(digits), radix: 16)
      else { throw Stop(reason: "chunk size") }
      if size == 0 {
        _ = try fields()
        return body
      }
      body += try take(size)
      guard try Array(take(2)) == [0x0d, 0x0a] else { throw Stop(reason: "chunk end") }
    }
  }

  /// Up to CR LF, which it passes.
  private mutating func line() throws(Stop) -> ArraySlice<UInt8> {
    var end = position
    while end < bytes.endIndex, bytes[end] != 0x0d, bytes[end] != 0x0a, bytes[end] != 0 {
      end += 1
    }
    guard end < bytes.endIndex else { throw Stop() }
    guard bytes[end] == 0x0d else { throw Stop(reason: bytes[end] == 0 ? "NUL" : "bare LF") }
    guard end + 1 < bytes.endIndex else { throw Stop() }
    guard bytes[end + 1] == 0x0a else { throw Stop(reason: "bare CR") }
    defer { position = end + 2 }
    return bytes[position..<end]
  }

  private mutating func take(_ count: Int) throws(Stop) -> ArraySlice<UInt8> {
    guard bytes.endIndex - position >= count else { throw Stop() }
    defer { position += count }
    return bytes[position..<(position + count)]
  }

  private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
  private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private func isToken(_ word: ArraySlice<UInt8>) -> Bool {
    !word.isEmpty && word.allSatisfy { isDigit($0) || isLetter($0) || marks.contains($0) }
  }

  private func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }

  private func isHost(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !notInHosts.contains($0) }
  }

  private func comparable(_ host: String) -> String? {
    let name =
      host.hasPrefix("[") ? host.prefix { $0 != "]" } : host.prefix { $0 != ":" }
    return name.isEmpty ? nil : name.lowercased()
  }
}

private let marks = Array("!#$%&'*+-.^_`|~".utf8)
/// RFC 3986 §3.2.2: what no registered name, address or port holds.
private let notInHosts = Array("/?#@\\<>\"{}|^`".utf8)
