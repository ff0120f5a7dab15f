import CZlib
import Delivery
import Glibc
import HTTP

/// Responses that leave in gzip: content is taken out of the member's framing, deflated piece by
/// piece, and sent in chunks. A response of unknown length is flushed with every piece that came, so
/// that what a member sends now is there now.
extension Worker {
  private static let kept = 16

  /// Notes whether the client takes gzip. RFC 9110 §12.5.3.
  func noteEncodings(_ index: UInt32, _ server: WorkerServer, _ bytes: UnsafeRawBufferPointer) {
    at(index).pointee.clear(.acceptsGzip)
    guard server.configuration.compression != nil, requestParser.minorVersion >= 1,
      let value = requestParser.value(ofField: "Accept-Encoding", in: bytes)
    else { return }
    var start = 0
    for end in 0...value.count where end == value.count || value[end] == UInt8(ascii: ",") {
      if accepts(UnsafeRawBufferPointer(rebasing: value[start..<end])) {
        at(index).pointee.set(.acceptsGzip)
        return
      }
      start = end &+ 1
    }
  }

  /// `gzip`, or with a weight that is not zero.
  private func accepts(_ element: UnsafeRawBufferPointer) -> Bool {
    let name = element.prefix { $0 != UInt8(ascii: ";") }.filter { $0 != 0x20 && $0 != 0x09 }
    guard name.count == 4, zip(name, "gzip".utf8).allSatisfy({ lower($0) == $1 }) else {
      return false
    }
    let weight = element.drop { $0 != UInt8(ascii: "=") }.dropFirst()
    return weight.isEmpty || weight.contains { (0x31...0x39).contains($0) }
  }

  /// Whether the response that `responseParser` holds is to be compressed.
  func compresses(
    _ client: UInt32, _ server: WorkerServer, _ framing: BodyFraming,
    _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    guard at(client).pointee.has(.acceptsGzip), let compression = server.configuration.compression,
      responseParser.status == 200, at(client).pointee.method != .head
    else { return false }
    switch framing {
    case .none: return false
    case .length(let length): guard length >= compression.minimumSize else { return false }
    case .chunked, .untilClose: break
    }
    guard responseParser.value(ofField: "Content-Encoding", in: bytes) == nil,
      responseParser.value(ofField: "Content-Range", in: bytes) == nil,
      let type = responseParser.value(ofField: "Content-Type", in: bytes),
      !forbidsTransforms(bytes)
    else { return false }
    return compression.types.contains { matches(type, $0) }
  }

  /// RFC 9111 §5.2.2.6.
  private func forbidsTransforms(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let value = responseParser.value(ofField: "Cache-Control", in: bytes) else {
      return false
    }
    return value.map(lower).firstRange(of: Array("no-transform".utf8)) != nil
  }

  private func matches(_ type: UnsafeRawBufferPointer, _ pattern: String) -> Bool {
    let isFamily = pattern.hasSuffix("*")
    let wanted = pattern.utf8.prefix(isFamily ? pattern.utf8.count - 1 : pattern.utf8.count)
    guard type.count >= wanted.count,
      zip(type, wanted).allSatisfy({ lower($0) == lower($1) })
    else { return false }
    if isFamily || type.count == wanted.count { return true }
    return type[wanted.count] == UInt8(ascii: ";") || type[wanted.count] == 0x20
  }

  // MARK: Content

  /// Begins compressing. False: there is no memory for it, and the response passes as it is.
  func startCompression(_ upstream: UInt32, _ server: WorkerServer) -> Bool {
    let level = Int32(server.configuration.compression?.level ?? 5)
    if let index = deflaters.lastIndex(where: { $0.level == level }) {
      at(upstream).pointee.deflater = deflaters.remove(at: index).stream
    } else {
      let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
      stream.initialize(to: z_stream())
      guard atoll_deflate_init(stream, level) == Z_OK else {
        stream.deallocate()
        return false
      }
      at(upstream).pointee.deflater = stream
    }
    at(upstream).pointee.deflateLevel = level
    return true
  }

  /// Gives the compressor of a connection back.
  func endCompression(_ upstream: UInt32) {
    guard let stream = at(upstream).pointee.deflater else { return }
    at(upstream).pointee.deflater = nil
    if deflaters.count < Worker.kept, deflateReset(stream) == Z_OK {
      deflaters.append(Deflater(stream: stream, level: at(upstream).pointee.deflateLevel))
    } else {
      deflateEnd(stream)
      stream.deallocate()
    }
  }

  enum Compressed {
    /// What is to be sent, framed.
    case bytes
    case invalid(HTTPError)
  }

  /// Takes content out of `bytes` as the member framed it, and puts it into `compressed` as chunks.
  func compress(_ upstream: UInt32, _ bytes: UnsafeRawBufferPointer) -> Compressed {
    guard let stream = at(upstream).pointee.deflater else { return .bytes }
    var writer = HeadWriter(compressed)
    if at(upstream).pointee.framing == .chunked {
      var position = 0
      pieces: while true {
        switch at(upstream).pointee.chunks.next(bytes, at: &position) {
        case .data(let start, let end):
          deflate(stream, UnsafeRawBufferPointer(rebasing: bytes[start..<end]), Z_NO_FLUSH, &writer)
        case .needMore: break pieces
        case .end:
          at(upstream).pointee.set(.messageDone)
          if position < bytes.count { at(upstream).pointee.clear(.keepAlive) }
          break pieces
        case .invalid(let error): return .invalid(error)
        }
      }
    } else {
      let (content, error) = at(upstream).pointee.follow(bytes)
      if let error { return .invalid(error) }
      if content < bytes.count { at(upstream).pointee.clear(.keepAlive) }
      deflate(stream, UnsafeRawBufferPointer(rebasing: bytes[..<content]), Z_NO_FLUSH, &writer)
    }
    if at(upstream).pointee.has(.messageDone) {
      finishCompression(stream, &writer)
    } else if at(upstream).pointee.framing != .length {
      deflate(stream, UnsafeRawBufferPointer(start: nil, count: 0), Z_SYNC_FLUSH, &writer)
    }
    compressedCount = writer.count
    return writer.overflowed ? .invalid(.bodyTooLarge(limit: compressed.count)) : .bytes
  }

  /// What is left where a response ends with its connection.
  func finishCompression(_ upstream: UInt32) {
    guard let stream = at(upstream).pointee.deflater else { return }
    var writer = HeadWriter(compressed)
    finishCompression(stream, &writer)
    compressedCount = writer.count
  }

  private func finishCompression(
    _ stream: UnsafeMutablePointer<z_stream>, _ writer: inout HeadWriter
  ) {
    deflate(stream, UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH, &writer)
    writer.append("0\r\n\r\n")
  }

  /// Runs the compressor over one piece; each round's output is a chunk.
  private func deflate(
    _ stream: UnsafeMutablePointer<z_stream>, _ input: UnsafeRawBufferPointer, _ flush: Int32,
    _ writer: inout HeadWriter
  ) {
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
    stream.pointee.avail_in = UInt32(input.count)
    repeat {
      stream.pointee.next_out = deflated.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(deflated.count)
      let result = CZlib.deflate(stream, flush)
      let count = deflated.count - Int(stream.pointee.avail_out)
      if count > 0 {
        writer.append(chunkSize: count)
        writer.append("\r\n")
        writer.append(UnsafeRawBufferPointer(rebasing: deflated[..<count]))
        writer.append("\r\n")
      }
      guard result == Z_OK || result == Z_BUF_ERROR, stream.pointee.avail_out == 0 else { return }
    } while true
  }
}

/// A compressor that is free, with the level that it was made for.
struct Deflater {
  let stream: UnsafeMutablePointer<z_stream>
  let level: Int32
}

extension HeadWriter {
  fileprivate mutating func append(chunkSize value: Int) {
    if value >= 16 { append(chunkSize: value / 16) }
    let digit = UInt8(truncatingIfNeeded: value % 16)
    append(byte: digit < 10 ? digit &+ 0x30 : digit &+ 0x57)
  }
}
