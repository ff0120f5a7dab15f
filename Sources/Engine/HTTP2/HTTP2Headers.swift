import HTTP

/// The field section that nghttp2 is decoding, gathered as HTTP/1.1 text. One of a worker's sessions
/// decodes at a time, and one section of it (RFC 9113 §4.3).
///
/// Nghttp2 checks pseudo-fields, names, connection-specific fields and Content-Length (§8.1–§8.3);
/// here is checked again what would end a line or split a start line, and the parser of HTTP/1.1
/// reads the result as any other.
struct HTTP2Headers {
  /// How content that follows is framed as HTTP/1.1; done: there is none.
  enum Content: UInt8 { case length, chunked, done }

  private let text: UnsafeMutableRawBufferPointer
  private let values: UnsafeMutableRawBufferPointer
  private let cookies: UnsafeMutableRawBufferPointer
  private var textCount = 0
  private var valuesCount = 0
  private var cookiesCount = 0
  private var ranges: (Range<Int>, Range<Int>, Range<Int>, Range<Int>, Range<Int>, Range<Int>)
  private var hasContentLength = false
  private(set) var isTrailers = true
  private var isSound = true

  private static let none = (0..<0, 0..<0, 0..<0, 0..<0, 0..<0, 0..<0)

  init(limit: Int) {
    text = .allocate(byteCount: limit, alignment: 16)
    values = .allocate(byteCount: limit, alignment: 16)
    cookies = .allocate(byteCount: limit, alignment: 16)
    ranges = HTTP2Headers.none
  }

  func deallocate() {
    text.deallocate()
    values.deallocate()
    cookies.deallocate()
  }

  mutating func begin() {
    textCount = 0
    valuesCount = 0
    cookiesCount = 0
    ranges = HTTP2Headers.none
    hasContentLength = false
    isTrailers = true
    isSound = true
  }

  var fields: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text)[..<textCount])
  }

  private func value(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(values)[range])
  }

  /// - Returns: false if the field must not be there, or is too much.
  mutating func add(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
    guard let first = name.first else { return false }
    if first == UInt8(ascii: ":") {
      isTrailers = false
      guard !value.contains(where: { $0 <= 0x20 || $0 == 0x7f }) else { return false }
      return keepPseudo(name, value)
    }
    guard !value.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }),
      !name.contains(where: { $0 <= 0x20 || $0 >= 0x7f || $0 == UInt8(ascii: ":") })
    else { return false }
    switch name.count {
    case 2 where name.elementsEqualIgnoringCase("te"): return true
    case 4 where name.elementsEqualIgnoringCase("host"):
      guard ranges.5.isEmpty, let range = keep(value) else { return false }
      ranges.5 = range
      return true
    case 6 where name.elementsEqualIgnoringCase("cookie"): return addCookie(value)
    case 7 where name.elementsEqualIgnoringCase("upgrade"): return false
    case 10
    where name.elementsEqualIgnoringCase("connection")
      || name.elementsEqualIgnoringCase("keep-alive"):
      return false
    case 14 where name.elementsEqualIgnoringCase("content-length"): hasContentLength = true
    case 16 where name.elementsEqualIgnoringCase("proxy-connection"): return false
    case 17 where name.elementsEqualIgnoringCase("transfer-encoding"): return false
    default: break
    }
    var writer = HeadWriter(UnsafeMutableRawBufferPointer(rebasing: text[textCount...]))
    writer.append(name)
    writer.append(": ")
    writer.append(value)
    writer.append("\r\n")
    guard !writer.overflowed else { return false }
    textCount &+= writer.count
    return true
  }

  private mutating func keepPseudo(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
  ) -> Bool {
    guard let range = keep(value) else { return false }
    if name.elementsEqualIgnoringCase(":method") {
      ranges.0 = range
    } else if name.elementsEqualIgnoringCase(":scheme") {
      ranges.1 = range
    } else if name.elementsEqualIgnoringCase(":authority") {
      ranges.2 = range
    } else if name.elementsEqualIgnoringCase(":path") {
      ranges.3 = range
    } else if name.elementsEqualIgnoringCase(":status") {
      ranges.4 = range
    } else {
      return false
    }
    return true
  }

  private mutating func keep(_ value: UnsafeRawBufferPointer) -> Range<Int>? {
    guard valuesCount &+ value.count <= values.count else { return nil }
    UnsafeMutableRawBufferPointer(rebasing: values[valuesCount...]).copyMemory(from: value)
    valuesCount &+= value.count
    return (valuesCount &- value.count)..<valuesCount
  }

  /// Crumbs of one cookie become one field again, RFC 9113 §8.2.3.
  private mutating func addCookie(_ value: UnsafeRawBufferPointer) -> Bool {
    var writer = HeadWriter(UnsafeMutableRawBufferPointer(rebasing: cookies[cookiesCount...]))
    if cookiesCount > 0 { writer.append("; ") }
    writer.append(value)
    cookiesCount &+= writer.count
    return !writer.overflowed
  }

  /// Writes a request's head as HTTP/1.1.
  /// - Returns: how its content will be framed; nil if it is malformed.
  func writeRequest(_ writer: inout HeadWriter, ends: Bool) -> Content? {
    let (method, authority, path, host) = (
      value(ranges.0), value(ranges.2), value(ranges.3), value(ranges.5)
    )
    let isConnect = method.elementsEqual("CONNECT".utf8)
    guard !method.isEmpty, isConnect || !ranges.1.isEmpty else { return nil }
    // Two hosts are one too many: somebody would go by the other (§8.3.1).
    if !authority.isEmpty, !host.isEmpty, !authority.elementsEqual(host) { return nil }
    let name = authority.isEmpty ? host : authority
    guard !name.isEmpty else { return nil }
    writer.append(method)
    writer.append(" ")
    if isConnect {
      guard path.isEmpty else { return nil }
      writer.append(authority)
    } else {
      let isAsterisk = path.elementsEqual("*".utf8) && method.elementsEqual("OPTIONS".utf8)
      guard path.first == UInt8(ascii: "/") || isAsterisk else { return nil }
      writer.append(path)
    }
    writer.append(" HTTP/1.1\r\nhost: ")
    writer.append(name)
    writer.append("\r\n")
    writer.append(fields)
    if cookiesCount > 0 {
      writer.append("cookie: ")
      writer.append(
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(cookies)[..<cookiesCount]))
      writer.append("\r\n")
    }
    var content = Content.done
    if !ends {
      content = writeFraming(&writer)
    } else if !hasContentLength, method.first == UInt8(ascii: "P") {
      writer.append("content-length: 0\r\n")
    }
    writer.append("\r\n")
    return content
  }

  /// How content that follows is framed: by its length where there is one, else in chunks.
  private func writeFraming(_ writer: inout HeadWriter) -> Content {
    guard !hasContentLength else { return .length }
    writer.append("transfer-encoding: chunked\r\n")
    return .chunked
  }

  /// Writes a response's head as HTTP/1.1.
  /// - Returns: how its content will be framed; nil if it is malformed.
  func writeResponse(_ writer: inout HeadWriter, isHead: Bool, ends: Bool) -> Content? {
    let status = value(ranges.4)
    guard status.count == 3 else { return nil }
    writer.append("HTTP/1.1 ")
    writer.append(status)
    writer.append(" \r\n")
    writer.append(fields)
    let isInterim = status[0] == UInt8(ascii: "1")
    var content = Content.done
    if ends, !isInterim {
      let isEmpty = status.elementsEqual("204".utf8) || status.elementsEqual("304".utf8)
      if !hasContentLength, !isEmpty, !isHead { writer.append("content-length: 0\r\n") }
    } else if !isInterim {
      content = writeFraming(&writer)
    }
    writer.append("\r\n")
    return content
  }
}

extension UnsafeRawBufferPointer {
  /// - Parameter lowercase: ASCII.
  func elementsEqualIgnoringCase(_ lowercase: StaticString) -> Bool {
    guard count == lowercase.utf8CodeUnitCount else { return false }
    for index in 0..<count {
      let byte = self[index]
      let folded = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
      if folded != lowercase.utf8Start[index] { return false }
    }
    return true
  }
}
