import COpenSSL
import Delivery
import Glibc
import HTTP

/// What a worker needs to write lines: made once.
struct LogScratch {
  var line: UnsafeMutableRawBufferPointer
  /// Values of the head that is at hand.
  var values: UnsafeMutableRawBufferPointer
  var clock = LogClock()
  /// Bytes of a line; a longer one is dropped, and counted so.
  static let lineLimit = 64 << 10

  init() {
    line = .allocate(byteCount: LogScratch.lineLimit, alignment: 64)
    values = .allocate(byteCount: LogScratch.lineLimit, alignment: 64)
  }

  func deallocate() {
    line.deallocate()
    values.deallocate()
  }
}

/// Lines of the access log. A request's head does not stay until its answer, so what the line needs
/// of it is kept, escaped already, in a block of the buffer pool; the rest is written at the end.
extension Worker {
  /// Bytes of one value: what is beyond is cut off.
  private static let valueLimit = 2048

  /// Keeps what the log needs of the head that `requestParser` holds.
  func keepForLog(_ index: UInt32, _ server: WorkerServer, _ bytes: UnsafeRawBufferPointer) {
    guard let log = server.accessLog else { return }
    var writer = HeadWriter(logs.values)
    for field in log.kept {
      let start = writer.count
      writer.append(byte: 0)
      writer.append(byte: 0)
      if let value = headValue(field, bytes) {
        let part = UnsafeRawBufferPointer(rebasing: value.prefix(Worker.valueLimit))
        writeValue(part, log, &writer)
      } else {
        writeNothing(log, &writer)
      }
      let length = writer.count &- start &- 2
      logs.values[start] = UInt8(truncatingIfNeeded: length)
      logs.values[start &+ 1] = UInt8(truncatingIfNeeded: length >> 8)
    }
    buffers.release(&at(index).pointee.log)
    guard !writer.overflowed else { return }
    _ = buffers.append(writer.written, to: &at(index).pointee.log)
  }

  private func headValue(
    _ field: AccessLog.Field, _ bytes: UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer? {
    switch field {
    case .header(let name): return requestParser.value(ofField: name, in: bytes)
    case .known(.userAgent): return requestParser.value(ofField: "User-Agent", in: bytes)
    case .known(.referer): return requestParser.value(ofField: "Referer", in: bytes)
    case .known(.requestID): return rules.requestID()
    case .known(.method): return requestParser.methodName.bytes(of: bytes)
    case .known(.host):
      return requestParser.host.isEmpty ? nil : requestParser.host.bytes(of: bytes)
    case .known(.path):
      let target = requestParser.pathAndQuery.bytes(of: bytes)
      return UnsafeRawBufferPointer(rebasing: target.prefix { $0 != UInt8(ascii: "?") })
    case .known(.query):
      let target = requestParser.pathAndQuery.bytes(of: bytes)
      guard let mark = target.firstIndex(of: UInt8(ascii: "?")) else { return nil }
      return UnsafeRawBufferPointer(rebasing: target[(mark &+ 1)...])
    case .known: return nil
    }
  }

  /// Writes the line of a request, or of a connection, that has just ended.
  func writeLog(_ index: UInt32, _ server: WorkerServer, _ timing: Timing) {
    guard let log = server.accessLog else { return }
    defer { buffers.release(&at(index).pointee.log) }
    var kept = at(index).pointee.log.bytes
    var writer = HeadWriter(logs.line)
    for part in log.parts {
      switch part.kind {
      case .text: writer.append(log.text(part))
      case .field: write(part.field, index, server, timing, log, &writer)
      case .kept:
        guard kept.count >= 2 else {
          writeNothing(log, &writer)
          continue
        }
        let end = 2 &+ (Int(kept[0]) | Int(kept[1]) << 8)
        writer.append(UnsafeRawBufferPointer(rebasing: kept[2..<end]))
        kept = UnsafeRawBufferPointer(rebasing: kept[end...])
      }
    }
    let ring = log.sink.rings[settings.index]
    if writer.overflowed {
      ring.countDropped()
    } else if ring.append(writer.written) {
      log.writer.lineWaits()
    }
  }

  // MARK: Values

  private func write(
    _ field: AccessLog.Known, _ index: UInt32, _ server: WorkerServer, _ timing: Timing,
    _ log: CompiledAccessLog, _ writer: inout HeadWriter
  ) {
    switch field {
    case .time: quoted(log, &writer) { logs.clock.append(to: &$0) }
    case .clientAddress: quoted(log, &writer) { $0.append(addressOf: at(index).pointee) }
    case .clientPort: writer.append(decimal: Int(clientPort(index)))
    case .server: server.label.withUnsafeBytes { writeValue($0, log, &writer) }
    case .rule:
      guard let name = server.ruleName(timing.rule) else { return writeNothing(log, &writer) }
      name.withUnsafeBytes { writeValue($0, log, &writer) }
    case .pool:
      guard let member = member(timing) else { return writeNothing(log, &writer) }
      member.pool.label.withUnsafeBytes { writeValue($0, log, &writer) }
    case .member:
      guard let member = member(timing) else { return writeNothing(log, &writer) }
      quoted(log, &writer) { $0.append(member.label) }
    case .protocol: quoted(log, &writer) { $0.append(protocolName(index, server)) }
    case .scheme:
      guard server.isHTTP else { return writeNothing(log, &writer) }
      quoted(log, &writer) { $0.append(scheme(of: index)) }
    case .status:
      guard timing.status != 0 else { return writeNothing(log, &writer) }
      writer.append(decimal: Int(timing.status))
    case .bytesIn: writer.append(decimal: Int(clamping: timing.bytesIn))
    case .bytesOut: writer.append(decimal: Int(clamping: timing.bytesOut))
    case .totalTime: writer.append(microseconds: moment &- timing.began)
    case .firstByteTime: write(timing.firstByte, log, &writer)
    case .connectTime: write(timing.connect, log, &writer)
    case .retries: writer.append(decimal: max(0, Int(at(index).pointee.attempts) &- 1))
    case .tlsVersion: write(SSL_get_version, index, log, &writer)
    case .tlsCipher:
      write({ SSL_CIPHER_get_name(SSL_get_current_cipher($0)) }, index, log, &writer)
    case .tlsServerName:
      write({ SSL_get_servername($0, TLSEXT_NAMETYPE_host_name) }, index, log, &writer)
    case .reason:
      guard timing.reason != .none else { return writeNothing(log, &writer) }
      quoted(log, &writer) { $0.append(timing.reason.text) }
    case .method, .host, .path, .query, .requestID, .userAgent, .referer:
      writeNothing(log, &writer)
    }
  }

  private func write(_ time: UInt32, _ log: CompiledAccessLog, _ writer: inout HeadWriter) {
    if time == 0 { writeNothing(log, &writer) } else { writer.append(microseconds: Int64(time)) }
  }

  private func write(
    _ text: (OpaquePointer?) -> UnsafePointer<CChar>?, _ index: UInt32, _ log: CompiledAccessLog,
    _ writer: inout HeadWriter
  ) {
    let session = at(index).pointee.stream?.pointee.session
    let connection = session?.pointee.connection ?? index
    guard let tls = at(connection).pointee.tls, let text = text(tls) else {
      return writeNothing(log, &writer)
    }
    writeValue(UnsafeRawBufferPointer(start: text, count: strlen(text)), log, &writer)
  }

  private func writeValue(
    _ bytes: UnsafeRawBufferPointer, _ log: CompiledAccessLog, _ writer: inout HeadWriter
  ) {
    if log.isJSON {
      writer.append("\"")
      writer.append(json: bytes)
      writer.append("\"")
    } else if bytes.isEmpty {
      writer.append("-")
    } else {
      writer.append(text: bytes)
    }
  }

  private func writeNothing(_ log: CompiledAccessLog, _ writer: inout HeadWriter) {
    if log.isJSON { writer.append("null") } else { writer.append("-") }
  }

  /// What needs no escaping.
  private func quoted(
    _ log: CompiledAccessLog, _ writer: inout HeadWriter, _ write: (inout HeadWriter) -> Void
  ) {
    if log.isJSON { writer.append("\"") }
    write(&writer)
    if log.isJSON { writer.append("\"") }
  }

  private func member(_ timing: Timing) -> WorkerMember? {
    guard timing.member != Connection.none, Int(timing.member) < members.count else { return nil }
    return members[Int(timing.member)]
  }

  private func clientPort(_ index: UInt32) -> UInt16 {
    let port = at(index).pointee.port
    // A flow keeps it as it came.
    return at(index).pointee.kind == .flow ? UInt16(bigEndian: port) : port
  }

  private func protocolName(_ index: UInt32, _ server: WorkerServer) -> StaticString {
    switch server.configuration.protocol {
    case .tcp: "TCP"
    case .udp: "UDP"
    case .tlsPassthrough: "TLS"
    case .http, .https:
      if at(index).pointee.stream != nil {
        "HTTP/2"
      } else {
        at(index).pointee.has(.http10) ? "HTTP/1.0" : "HTTP/1.1"
      }
    }
  }
}
