/// Finds the server name in a TLS ClientHello without ending TLS, RFC 8446 §4.1.2, RFC 6066 §3.
///
///     records (22, 3.x, length) → handshake (1, length) → version, random, session id,
///     cipher suites, compression, extensions → server_name → host_name
///
/// 1. The handshake message may lie in many records, and those in many segments: what is cut short
///    is `incomplete`, and read from its start again when more has come.
/// 2. Every length is checked against what encloses it; a hello is at most 16 KiB.
/// 3. An extension or a name that is there twice is refused: two readers could take different ones.
package enum ClientHello {
  package enum Outcome: Equatable, Sendable {
    case incomplete
    case invalid(Reason)
    /// In lower case; nil without the extension.
    case complete(serverName: [UInt8]?)
  }

  package enum Reason: String, Equatable, Sendable {
    case notTLS = "not a TLS handshake"
    case notHello = "not a ClientHello"
    case tooLong = "ClientHello longer than 16384 bytes"
    case length = "a length beyond what encloses it"
    case repeated = "server name given twice"
    case name = "server name that is no host name"
  }

  package static let limit = 16 << 10

  package static func read(_ bytes: borrowing Span<UInt8>) -> Outcome {
    var cursor = Cursor()
    do throws(Stop) {
      return .complete(serverName: try cursor.hello(bytes))
    } catch {
      switch error {
      // A record header for each byte is no honest client's.
      case .incomplete: return bytes.count > 2 * limit ? .invalid(.tooLong) : .incomplete
      case .invalid(let reason): return .invalid(reason)
      }
    }
  }

  private enum Stop: Error {
    case incomplete
    case invalid(Reason)
  }

  /// Reads the handshake message through the records that carry it.
  private struct Cursor {
    private var position = 0
    /// Bytes left of the record, and of the message.
    private var recordLeft = 0
    private var messageLeft = 4

    mutating func hello(_ bytes: borrowing Span<UInt8>) throws(Stop) -> [UInt8]? {
      guard try number(bytes, 1) == 1 else { throw .invalid(.notHello) }
      let length = try number(bytes, 3)
      guard length <= limit else { throw .invalid(.tooLong) }
      messageLeft = length
      try skip(bytes, 2 + 32)
      try skip(bytes, try number(bytes, 1))
      try skip(bytes, try number(bytes, 2))
      try skip(bytes, try number(bytes, 1))
      if messageLeft == 0 { return nil }
      var left = try number(bytes, 2)
      guard left == messageLeft else { throw .invalid(.length) }
      var name: [UInt8]?
      while left > 0 {
        guard left >= 4 else { throw .invalid(.length) }
        let type = try number(bytes, 2)
        let size = try number(bytes, 2)
        left -= 4 + size
        guard left >= 0 else { throw .invalid(.length) }
        if type == 0 {
          if name != nil { throw .invalid(.repeated) }
          name = try serverName(bytes, size)
        } else {
          try skip(bytes, size)
        }
      }
      return name
    }

    private mutating func serverName(
      _ bytes: borrowing Span<UInt8>, _ size: Int
    ) throws(Stop) -> [UInt8] {
      guard size >= 2, case var left = try number(bytes, 2), left == size - 2 else {
        throw .invalid(.length)
      }
      var name: [UInt8]?
      while left > 0 {
        guard left >= 3 else { throw .invalid(.length) }
        let type = try number(bytes, 1)
        let count = try number(bytes, 2)
        left -= 3 + count
        guard left >= 0 else { throw .invalid(.length) }
        guard type == 0 else {
          try skip(bytes, count)
          continue
        }
        if name != nil { throw .invalid(.repeated) }
        name = try hostName(bytes, count)
      }
      guard let name else { throw .invalid(.name) }
      return name
    }

    private mutating func hostName(
      _ bytes: borrowing Span<UInt8>, _ count: Int
    ) throws(Stop) -> [UInt8] {
      guard (1...255).contains(count) else { throw .invalid(.name) }
      var name: [UInt8] = []
      name.reserveCapacity(count)
      for _ in 0..<count {
        let byte = UInt8(truncatingIfNeeded: try number(bytes, 1))
        switch byte {
        case 0x41...0x5a: name.append(byte | 0x20)
        case 0x61...0x7a, 0x30...0x39, 0x2d, 0x2e, 0x5f: name.append(byte)
        default: throw .invalid(.name)
        }
      }
      return name
    }

    /// A number of `width` octets in network order.
    private mutating func number(
      _ bytes: borrowing Span<UInt8>, _ width: Int
    ) throws(Stop) -> Int {
      guard width <= messageLeft else { throw .invalid(.length) }
      messageLeft -= width
      var value = 0
      for _ in 0..<width {
        try enterRecord(bytes)
        guard position < bytes.count else { throw .incomplete }
        value = value << 8 | Int(bytes[position])
        position += 1
        recordLeft -= 1
      }
      return value
    }

    private mutating func skip(
      _ bytes: borrowing Span<UInt8>, _ count: Int
    ) throws(Stop) {
      guard count <= messageLeft else { throw .invalid(.length) }
      messageLeft -= count
      var left = count
      while left > 0 {
        try enterRecord(bytes)
        let step = min(left, recordLeft)
        guard bytes.count - position >= step else { throw .incomplete }
        position += step
        recordLeft -= step
        left -= step
      }
    }

    /// Moves into the next record at the end of one; records of no length are refused (§5.1).
    private mutating func enterRecord(_ bytes: borrowing Span<UInt8>) throws(Stop) {
      guard recordLeft == 0 else { return }
      let available = bytes.count - position
      if available >= 1, bytes[position] != 22 { throw .invalid(.notTLS) }
      if available >= 2, bytes[position + 1] != 3 { throw .invalid(.notTLS) }
      guard available >= 5 else { throw .incomplete }
      recordLeft = Int(bytes[position + 3]) << 8 | Int(bytes[position + 4])
      guard recordLeft > 0, recordLeft <= 16 << 10 else { throw .invalid(.notTLS) }
      position += 5
    }
  }
}
