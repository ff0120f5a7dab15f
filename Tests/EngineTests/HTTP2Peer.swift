import CNGHTTP2
import Glibc

/// A client of HTTP/2 that writes its frames by hand, so that they can be wrong.
final class HTTP2Peer {
  struct Frame {
    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]
  }

  struct Reply {
    var interim: [[String: String]] = []
    var fields: [String: String] = [:]
    var body: [UInt8] = []
    var trailers: [String: String] = [:]
    /// Of RST_STREAM, or of GOAWAY for the whole connection; -1 if it closed without a word.
    var reset: Int?
    var status: Int { fields[":status"].flatMap { Int($0) } ?? 0 }
    var text: String { String(decoding: body, as: UTF8.self) }
  }

  enum Kind {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let reset: UInt8 = 3
    static let settings: UInt8 = 4
    static let ping: UInt8 = 6
    static let goaway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9
  }

  private let plain: TestClient?
  private let tls: TLSPeer?
  private var inflater: OpaquePointer?
  private var replies: [UInt32: Reply] = [:]
  private var done: Set<UInt32> = []
  private var buffer: [UInt8] = []
  private(set) var goaway: Int?
  /// What the server lets us send.
  private var window = 65_535
  private var windows: [UInt32: Int] = [:]
  private var initialWindow = 65_535
  /// Give windows back as content comes.
  var readsFreely = true

  init(_ port: UInt16, window: UInt32 = 65_535) throws {
    plain = try TestClient(port)
    tls = nil
    try begin(window)
  }

  init(tls port: UInt16) throws {
    plain = nil
    tls = try TLSPeer(port, .init(alpn: "h2"))
    try begin(65_535)
  }

  deinit { nghttp2_hd_inflate_del(inflater) }

  private func begin(_ window: UInt32) throws {
    guard nghttp2_hd_inflate_new(&inflater) == 0 else { throw TestFailure("inflater") }
    let setting: [UInt8] = [0, 4] + withUnsafeBytes(of: window.bigEndian) { Array($0) }
    try send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + bytes(Kind.settings, 0, 0, setting))
  }

  private func bytes(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8]
  {
    let count = payload.count
    return [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags]
      + withUnsafeBytes(of: stream.bigEndian) { Array($0) } + payload
  }

  func send(_ bytes: [UInt8]) throws {
    if let tls { try tls.send(bytes) } else { try plain?.send(bytes) }
  }

  func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8] = []) throws {
    try send(bytes(type, flags, stream, payload))
  }

  /// Literal fields without indexing, RFC 7541 §6.2.2.
  static func block(_ fields: [(String, String)]) -> [UInt8] {
    func text(_ value: String) -> [UInt8] {
      let count = value.utf8.count
      guard count >= 127 else { return [UInt8(count)] + Array(value.utf8) }
      var rest = count - 127
      var size: [UInt8] = [127]
      while rest >= 128 {
        size.append(UInt8(rest & 127 | 128))
        rest >>= 7
      }
      return size + [UInt8(rest)] + Array(value.utf8)
    }
    return fields.flatMap { [0] + text($0.0) + text($0.1) }
  }

  static func request(
    _ method: String = "GET", _ path: String = "/", _ more: [(String, String)] = []
  ) -> [(String, String)] {
    [(":method", method), (":scheme", "http"), (":authority", "h"), (":path", path)] + more
  }

  func headers(_ stream: UInt32, _ fields: [(String, String)], ends: Bool = true) throws {
    windows[stream] = windows[stream] ?? initialWindow
    try frame(Kind.headers, ends ? 5 : 4, stream, Self.block(fields))
  }

  /// Content within the windows that the server gives.
  func content(_ stream: UInt32, _ body: [UInt8], ends: Bool = true) throws {
    var sent = 0
    repeat {
      while min(window, windows[stream] ?? 0) <= 0, sent < body.count {
        guard try step() else { throw TestFailure("closed while sending") }
        if done.contains(stream) { return }
      }
      let count = min(16_384, body.count - sent, window, windows[stream] ?? 0)
      window -= count
      windows[stream, default: 0] -= count
      let last = sent + count == body.count
      try frame(Kind.data, last && ends ? 1 : 0, stream, Array(body[sent..<sent + count]))
      sent += count
    } while sent < body.count
  }

  /// The reply to a stream, once it has ended.
  func reply(_ stream: UInt32) throws -> Reply {
    while !done.contains(stream) {
      if try !step() {
        var reply = replies[stream] ?? Reply()
        reply.reset = reply.reset ?? goaway ?? -1
        return reply
      }
    }
    return replies[stream] ?? Reply()
  }

  func get(_ stream: UInt32, _ path: String = "/") throws -> Reply {
    try headers(stream, Self.request("GET", path))
    return try reply(stream)
  }

  /// Streams that the server has reset.
  var resets: [UInt32] { replies.filter { $0.value.reset != nil }.keys.sorted() }

  /// Reads until the server closes. - Returns: what its GOAWAY said.
  func end() throws -> Int? {
    while (try? step()) == true {}
    return goaway
  }

  private func fill(_ count: Int) throws -> Bool {
    while buffer.count < count {
      let part = try tls?.receive() ?? plain?.receive() ?? []
      if part.isEmpty { return false }
      buffer += part
    }
    return true
  }

  /// Reads and takes one frame. - Returns: false at the end.
  @discardableResult func step() throws -> Bool {
    guard try fill(9) else { return false }
    let size = Int(buffer[0]) << 16 | Int(buffer[1]) << 8 | Int(buffer[2])
    guard try fill(9 + size) else { return false }
    let stream = buffer[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
    let frame = Frame(
      type: buffer[3], flags: buffer[4], stream: stream, payload: Array(buffer[9..<9 + size]))
    buffer.removeFirst(9 + size)
    try take(frame)
    return true
  }

  private func number(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.reduce(0) { $0 << 8 | Int($1) }
  }

  private func take(_ frame: Frame) throws {
    let ends = frame.flags & 1 != 0
    switch frame.type {
    case Kind.headers:
      let fields = try inflate(frame.payload)
      var reply = replies[frame.stream] ?? Reply()
      if fields[":status"]?.hasPrefix("1") == true {
        reply.interim.append(fields)
      } else if fields[":status"] != nil {
        reply.fields = fields
      } else {
        reply.trailers = fields
      }
      replies[frame.stream] = reply
      if ends { done.insert(frame.stream) }
    case Kind.data:
      replies[frame.stream, default: Reply()].body += frame.payload
      if ends { done.insert(frame.stream) }
      if readsFreely, !frame.payload.isEmpty {
        let count = withUnsafeBytes(of: UInt32(frame.payload.count).bigEndian) { Array($0) }
        try self.frame(Kind.windowUpdate, 0, 0, count)
        if !ends { try self.frame(Kind.windowUpdate, 0, frame.stream, count) }
      }
    case Kind.reset:
      if !done.contains(frame.stream) {
        replies[frame.stream, default: Reply()].reset = number(frame.payload[0..<4])
        done.insert(frame.stream)
      }
    case Kind.settings where !ends:
      for start in stride(from: 0, to: frame.payload.count, by: 6)
      where number(frame.payload[start..<start + 2]) == 4 {
        initialWindow = number(frame.payload[start + 2..<start + 6])
      }
      try? self.frame(Kind.settings, 1, 0)
    case Kind.ping where !ends: try? self.frame(Kind.ping, 1, 0, frame.payload)
    case Kind.goaway: goaway = number(frame.payload[4..<8])
    case Kind.windowUpdate:
      let count = number(frame.payload[0..<4])
      if frame.stream == 0 { window += count } else { windows[frame.stream, default: 0] += count }
    default: break
    }
  }

  private func inflate(_ block: [UInt8]) throws -> [String: String] {
    var fields: [String: String] = [:]
    var position = 0
    while position <= block.count {
      var entry = nghttp2_nv()
      var flags: Int32 = 0
      let used = block[position...].withUnsafeBytes {
        nghttp2_hd_inflate_hd2(
          inflater, &entry, &flags, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count, 1
        )
      }
      guard used >= 0 else { throw TestFailure("field block: \(used)") }
      position += used
      if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
        let name = UnsafeBufferPointer(start: entry.name, count: entry.namelen)
        let value = UnsafeBufferPointer(start: entry.value, count: entry.valuelen)
        fields[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
      }
      if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 {
        nghttp2_hd_inflate_end_headers(inflater)
        break
      }
    }
    return fields
  }
}
