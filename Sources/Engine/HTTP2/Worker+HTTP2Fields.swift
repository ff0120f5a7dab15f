import CNGHTTP2
import Glibc
import HTTP

/// Heads of HTTP/1.1 as HEADERS: names in lower case, without what is of one connection only
/// (RFC 9113 §8.2.2).
extension Worker {
  /// Hands the head at the start of `bytes` to nghttp2.
  /// - Returns: its length; nil if it cannot be sent.
  func sendHead(
    _ index: UInt32, _ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer
  ) -> Int? {
    var list = HTTP2FieldList(fieldList, names: lowered)
    return at(index).pointee.kind == .httpClient
      ? sendResponseHead(index, stream, bytes, &list) : sendRequestHead(index, stream, bytes, &list)
  }

  private func sendResponseHead(
    _ index: UInt32, _ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer,
    _ list: inout HTTP2FieldList
  ) -> Int? {
    guard case .complete = translationParser.parseResponse(bytes) else { return nil }
    let status = translationParser.status
    // "HTTP/1.1 200"
    guard status != 101, bytes.count >= 12 else { return nil }
    list.add(":status", UnsafeRawBufferPointer(rebasing: bytes[9..<12]))
    addFields(&list, bytes)
    guard !list.isFull else { return nil }
    let nghttp2 = stream.pointee.session.pointee.session
    let id = stream.pointee.id
    if status < 200 {
      let code = nghttp2_submit_headers(
        nghttp2, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, nil, list.entries, list.count, nil)
      return code == 0 ? translationParser.length : nil
    }
    guard begin(stream, translationParser.responseFraming(to: at(index).pointee.method)) else {
      let code = nghttp2_submit_response(nghttp2, id, list.entries, list.count, nil)
      return code == 0 ? translationParser.length : nil
    }
    var provider = nghttp2_data_provider(
      source: nghttp2_data_source(), read_callback: readStreamContent)
    let code = nghttp2_submit_response(nghttp2, id, list.entries, list.count, &provider)
    return code == 0 ? translationParser.length : nil
  }

  private func sendRequestHead(
    _ index: UInt32, _ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer,
    _ list: inout HTTP2FieldList
  ) -> Int? {
    guard case .complete = translationParser.parseRequest(bytes) else { return nil }
    stream.pointee.isHead = translationParser.method == .head
    list.add(":method", translationParser.methodName.bytes(of: bytes))
    let isTLS = at(stream.pointee.session.pointee.connection).pointee.tls != nil
    isTLS ? list.add(":scheme", "https") : list.add(":scheme", "http")
    list.add(":authority", translationParser.host.bytes(of: bytes))
    list.add(":path", translationParser.pathAndQuery.bytes(of: bytes))
    addFields(&list, bytes)
    // Clients of gRPC ask for trailers; the field itself was of their connection.
    list.add("te", "trailers")
    guard !list.isFull else { return nil }
    let nghttp2 = stream.pointee.session.pointee.session
    let hasContent = begin(stream, translationParser.requestFraming)
    var provider = nghttp2_data_provider(
      source: nghttp2_data_source(), read_callback: readStreamContent)
    let id =
      hasContent
      ? nghttp2_submit_request(nghttp2, nil, list.entries, list.count, &provider, stream)
      : nghttp2_submit_request(nghttp2, nil, list.entries, list.count, nil, stream)
    guard id > 0 else { return nil }
    stream.pointee.id = id
    return translationParser.length
  }

  /// Notes how content is framed.
  /// - Returns: whether there is any.
  private func begin(_ stream: StreamPointer, _ framing: BodyFraming) -> Bool {
    stream.pointee.outbound = .body
    switch framing {
    case .none, .length(0): stream.pointee.outbound = .ended
    case .length(let count):
      stream.pointee.framing = .length
      stream.pointee.remaining = count
    case .chunked:
      stream.pointee.framing = .chunked
      stream.pointee.chunks = ChunkedDecoder()
    case .untilClose: stream.pointee.framing = .untilClose
    }
    return stream.pointee.outbound == .body
  }

  private func addFields(_ list: inout HTTP2FieldList, _ bytes: UnsafeRawBufferPointer) {
    for position in 0..<translationParser.fieldCount {
      let field = translationParser.field(position)
      switch field.known {
      case .host, .transferEncoding: continue
      case .other where translationParser.isNominated(field, in: bytes): continue
      case let known where known.isHopByHop: continue
      default: list.add(lowering: field.name.bytes(of: bytes), field.value.bytes(of: bytes))
      }
    }
  }

  /// Ends our side with trailers, where the message had some.
  func submitTrailers(_ stream: StreamPointer) -> Bool {
    guard !stream.pointee.ownTrailers.isEmpty else { return false }
    defer { buffers.release(&stream.pointee.ownTrailers) }
    let bytes = stream.pointee.ownTrailers.bytes
    var list = HTTP2FieldList(fieldList, names: lowered)
    var cursor = 0
    // The end of the last data's line, and the last chunk's own.
    if bytes[0] == 0x0d { cursor = 2 }
    cursor = endOfLine(bytes, cursor)
    while cursor < bytes.count, bytes[cursor] != 0x0d {
      let end = endOfLine(bytes, cursor)
      let line = UnsafeRawBufferPointer(rebasing: bytes[cursor..<max(cursor, end - 2)])
      cursor = end
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
      var start = colon + 1
      var stop = line.count
      while start < stop, line[start] == 0x20 || line[start] == 0x09 { start += 1 }
      while stop > start, line[stop - 1] == 0x20 || line[stop - 1] == 0x09 { stop -= 1 }
      list.add(
        lowering: UnsafeRawBufferPointer(rebasing: line[..<colon]),
        UnsafeRawBufferPointer(rebasing: line[start..<stop]))
    }
    guard list.count > 0, !list.isFull else { return false }
    return nghttp2_submit_trailer(
      stream.pointee.session.pointee.session, stream.pointee.id, list.entries, list.count) == 0
  }

  private func endOfLine(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var cursor = start
    while cursor < bytes.count, bytes[cursor] != 0x0a { cursor &+= 1 }
    return min(cursor &+ 1, bytes.count)
  }
}

/// Fields for nghttp2, in memory that is there already. Nghttp2 copies what it keeps.
struct HTTP2FieldList {
  static let limit = HeadParser.fieldLimit + 8

  let entries: UnsafeMutablePointer<nghttp2_nv>
  private(set) var count = 0
  private var names: HeadWriter
  private(set) var isFull = false

  init(_ entries: UnsafeMutablePointer<nghttp2_nv>, names: UnsafeMutableRawBufferPointer) {
    self.entries = entries
    self.names = HeadWriter(names)
  }

  mutating func add(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
    add(UnsafeRawPointer(name.utf8Start), name.utf8CodeUnitCount, value)
  }

  mutating func add(_ name: StaticString, _ value: StaticString) {
    add(name, UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
  }

  mutating func add(lowering name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    let start = names.count
    for byte in name { names.append(byte: byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) }
    guard !names.overflowed, let base = names.target.baseAddress else {
      isFull = true
      return
    }
    add(UnsafeRawPointer(base + start), name.count, value)
  }

  private mutating func add(
    _ name: UnsafeRawPointer?, _ length: Int, _ value: UnsafeRawBufferPointer
  ) {
    guard count < HTTP2FieldList.limit else {
      isFull = true
      return
    }
    entries[count] = nghttp2_nv(
      name: UnsafeMutablePointer(mutating: name?.assumingMemoryBound(to: UInt8.self)),
      value: UnsafeMutablePointer(
        mutating: value.baseAddress?.assumingMemoryBound(to: UInt8.self)),
      namelen: length, valuelen: value.count, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue))
    count &+= 1
  }
}
