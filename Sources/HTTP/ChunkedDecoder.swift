/// Follows a chunked body, RFC 9112 §7.1, byte by byte where it must and whole chunks where it can.
///
///     size → extension → data → data end → size … last size 0 → trailer lines → done
///
/// A size is 1 to 15 hexadecimal digits; lines end in CR LF only; an extension holds no control
/// character; trailers may not name fields that frame, route or authenticate (RFC 9110 §6.5.1).
/// So a body that passes can be forwarded as it is.
package struct ChunkedDecoder: Equatable, Sendable {
  package enum Event: Equatable, Sendable {
    /// Content, as positions of the buffer that was handed in.
    case data(start: Int, end: Int)
    /// All bytes were used up, the body goes on.
    case needMore
    /// The body has ended; the position stands behind it.
    case end
    case invalid(HTTPError)
  }

  private enum State: Equatable {
    case size(digits: Int)
    case sizeBlank
    case `extension`
    case sizeLineFeed
    case data
    case dataReturn
    case dataLineFeed
    case trailerStart
    case trailerName
    case trailerValue
    case trailerLineFeed
    case endLineFeed
    case done
    case failed(HTTPError)
  }

  package static let lineLimit = 1024
  package static let trailerLimit = 8 << 10

  private var state = State.size(digits: 0)
  /// Bytes left in this chunk; while its size is read, the size.
  private var remaining: UInt64 = 0
  private var lineBytes = 0
  /// FNV-1a of the trailer's name in lower case, to recognise the forbidden ones across buffers.
  private var nameHash: UInt64 = 0

  package init() {}

  package var isDone: Bool { state == .done }

  /// Advances `position` through `buffer` to the next event.
  package mutating func next(_ buffer: UnsafeRawBufferPointer, at position: inout Int) -> Event {
    while true {
      if state == .done { return .end }
      if case .failed(let error) = state { return .invalid(error) }
      guard position < buffer.count else { return .needMore }
      if state == .data {
        let count = Int(min(remaining, UInt64(buffer.count &- position)))
        let start = position
        position &+= count
        remaining &-= UInt64(count)
        if remaining == 0 { state = .dataReturn }
        return .data(start: start, end: position)
      }
      step(buffer[position])
      position &+= 1
    }
  }

  /// Follows `buffer` without caring for the content: how many bytes belong to this body.
  package mutating func scan(
    _ buffer: UnsafeRawBufferPointer
  ) -> (consumed: Int, event: Event) {
    var position = 0
    while true {
      let event = next(buffer, at: &position)
      if case .data = event { continue }
      return (position, event)
    }
  }

  private mutating func step(_ byte: UInt8) {
    switch state {
    case .size(let digits):
      if let digit = hexadecimal(byte) {
        guard digits < 15 else { return fail(.invalidChunk) }
        remaining = remaining << 4 | UInt64(digit)
        state = .size(digits: digits + 1)
      } else if digits == 0 {
        fail(.invalidChunk)
      } else {
        lineBytes = 0
        afterSize(byte)
      }
    case .sizeBlank: afterSize(byte)
    case .extension:
      if byte == 0x0d {
        state = .sizeLineFeed
      } else if isControl(byte) {
        fail(byte == 0x0a ? .bareLineBreak : .invalidChunk)
      } else {
        countLine()
      }
    case .sizeLineFeed:
      guard byte == 0x0a else { return fail(.bareLineBreak) }
      lineBytes = 0
      state = remaining == 0 ? .trailerStart : .data
    case .dataReturn:
      if byte == 0x0d { state = .dataLineFeed } else { fail(.invalidChunk) }
    case .dataLineFeed:
      guard byte == 0x0a else { return fail(.invalidChunk) }
      remaining = 0
      state = .size(digits: 0)
    case .trailerStart:
      if byte == 0x0d {
        state = .endLineFeed
      } else {
        nameHash = fnvStart
        state = .trailerName
        trailerName(byte, first: true)
      }
    case .trailerName: trailerName(byte, first: false)
    case .trailerValue:
      if byte == 0x0d {
        state = .trailerLineFeed
      } else if isControl(byte) {
        fail(byte == 0x0a ? .bareLineBreak : .invalidFieldValue)
      } else {
        countTrailer()
      }
    case .trailerLineFeed:
      if byte == 0x0a { state = .trailerStart } else { fail(.bareLineBreak) }
    case .endLineFeed:
      if byte == 0x0a { state = .done } else { fail(.bareLineBreak) }
    case .data, .done, .failed: break
    }
  }

  private mutating func afterSize(_ byte: UInt8) {
    switch byte {
    case 0x0d: state = .sizeLineFeed
    case UInt8(ascii: ";"): state = .extension
    case 0x20, 0x09:
      state = .sizeBlank
      countLine()
    case 0x0a: fail(.bareLineBreak)
    default: fail(.invalidChunk)
    }
  }

  private mutating func trailerName(_ byte: UInt8, first: Bool) {
    if ByteClass.table[Int(byte)] & ByteClass.token != 0 {
      nameHash = (nameHash ^ UInt64(lower(byte))) &* fnvPrime
      countTrailer()
    } else if byte == UInt8(ascii: ":"), !first {
      if forbiddenTrailers.contains(nameHash) { return fail(.forbiddenTrailer) }
      state = .trailerValue
      countTrailer()
    } else if byte == 0x0a {
      fail(.bareLineBreak)
    } else {
      fail(first && (byte == 0x20 || byte == 0x09) ? .foldedField : .invalidFieldName)
    }
  }

  private mutating func countLine() {
    lineBytes &+= 1
    if lineBytes > ChunkedDecoder.lineLimit {
      fail(.chunkLineTooLong(limit: ChunkedDecoder.lineLimit))
    }
  }

  private mutating func countTrailer() {
    lineBytes &+= 1
    if lineBytes > ChunkedDecoder.trailerLimit {
      fail(.trailersTooLarge(limit: ChunkedDecoder.trailerLimit))
    }
  }

  private mutating func fail(_ error: HTTPError) { state = .failed(error) }

  private func isControl(_ byte: UInt8) -> Bool { byte < 0x20 ? byte != 0x09 : byte == 0x7f }
}

private let fnvStart: UInt64 = 0xcbf2_9ce4_8422_2325
private let fnvPrime: UInt64 = 0x100_0000_01b3

private let forbiddenTrailers: Set<UInt64> = Set(
  [
    "content-length", "transfer-encoding", "host", "connection", "trailer", "te", "upgrade",
    "content-encoding", "content-type", "content-range", "authorization", "proxy-authorization",
    "set-cookie", "cookie", "expect", "cache-control", "max-forwards",
  ].map { $0.utf8.reduce(fnvStart) { ($0 ^ UInt64($1)) &* fnvPrime } })

/// The value of an ASCII hexadecimal digit.
package func hexadecimal(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 0x30...0x39: byte &- 0x30
  case 0x41...0x46: byte &- 0x37
  case 0x61...0x66: byte &- 0x57
  default: nil
  }
}

/// Writes chunked bodies, RFC 9112 §7.1.
package enum ChunkedEncoder {
  /// Appends `data` as one chunk; an empty one is left out, as it would end the body.
  package static func append(_ data: some Collection<UInt8>, to output: inout [UInt8]) {
    guard !data.isEmpty else { return }
    output += Array(String(data.count, radix: 16).utf8)
    output += [0x0d, 0x0a]
    output += data
    output += [0x0d, 0x0a]
  }

  /// Appends the last chunk and the trailers.
  package static func appendEnd(
    trailers: HTTPHeaders = HTTPHeaders(), to output: inout [UInt8]
  ) {
    output += Array("0\r\n".utf8)
    trailers.serialize(into: &output)
    output += [0x0d, 0x0a]
  }
}
