import NetTypes
import Wire

/// A BGP message. RFC 4271 §4, RFC 2918, RFC 7313.
package enum Message: Hashable, Sendable {
  case open(OpenMessage)
  case update(UpdateMessage)
  case notification(NotificationMessage)
  case keepalive
  case routeRefresh(RouteRefreshMessage)

  package enum Kind: UInt8, Sendable {
    case open = 1
    case update = 2
    case notification = 3
    case keepalive = 4
    case routeRefresh = 5
  }

  /// Octets of the header: marker, length, type.
  package static let headerLength = 19
  /// RFC 4271 §4.1.
  package static let maximumLength = 4096
  /// Of messages other than OPEN and KEEPALIVE, between peers that both can. RFC 8654 §4.
  package static let extendedMaximumLength = 65535
}

/// What the two ends of a session agreed on that changes how messages read.
package struct CodecOptions: Hashable, Sendable {
  /// AS_PATH and AGGREGATOR carry four octets. RFC 6793.
  package var fourOctetAS: Bool
  /// The peer is of our AS, so that LOCAL_PREF and reflection attributes are its to send.
  package var isInternal: Bool
  /// Families whose routes the peer sends with path identifiers. RFC 7911.
  package var addPathReceive: AddressFamilySet = []
  /// Families whose routes we send with path identifiers. RFC 7911.
  package var addPathSend: AddressFamilySet = []
  /// IPv4 routes may have IPv6 next hops. RFC 8950.
  package var extendedNextHop = false
  /// Octets of the longest message that the peer takes: 4096, or 65535 by RFC 8654.
  package var maximumLength = Message.maximumLength

  package init(fourOctetAS: Bool = true, isInternal: Bool = true) {
    self.fourOctetAS = fourOctetAS
    self.isInternal = isInternal
  }
}

extension Message {
  /// Decodes one whole message, header included.
  /// - Throws: the NOTIFICATION to answer with, where the session has to end.
  package init(
    decoding frame: ArraySlice<UInt8>, options: CodecOptions
  ) throws(NotificationMessage) {
    guard frame.count >= Self.headerLength else { throw .connectionNotSynchronized }
    let body = frame.dropFirst(Self.headerLength)
    let type = frame[frame.startIndex + 18]
    switch Kind(rawValue: type) {
    case .open:
      self = .open(try OpenMessage(decoding: body))
    case .update:
      self = .update(try UpdateMessage(decoding: body, options: options))
    case .notification:
      guard body.count >= 2 else { throw .badMessageLength(UInt16(clamping: frame.count)) }
      self = .notification(
        NotificationMessage(
          code: body[body.startIndex], subcode: body[body.startIndex + 1],
          data: Array(body.dropFirst(2))))
    case .keepalive:
      guard body.isEmpty else { throw .badMessageLength(UInt16(clamping: frame.count)) }
      self = .keepalive
    case .routeRefresh:
      self = .routeRefresh(try RouteRefreshMessage(decoding: body, frame: frame))
    case nil:
      throw .badMessageType(type)
    }
  }

  /// The whole message, header included.
  package func encoded(options: CodecOptions) -> [UInt8] {
    var writer = ByteWriter(capacity: Self.headerLength)
    writer.write(repeatElement(UInt8(0xff), count: 16))
    writer.write(UInt16(0))
    switch self {
    case .open(let open):
      writer.write(Kind.open.rawValue)
      open.encode(into: &writer)
    case .update(let update):
      writer.write(Kind.update.rawValue)
      update.encode(into: &writer, options: options)
    case .notification(let notification):
      writer.write(Kind.notification.rawValue)
      writer.write([notification.code, notification.subcode])
      writer.write(notification.data.prefix(Self.maximumLength - Self.headerLength - 2))
    case .keepalive:
      writer.write(Kind.keepalive.rawValue)
    case .routeRefresh(let refresh):
      writer.write(Kind.routeRefresh.rawValue)
      writer.write(refresh.encoded)
    }
    writer.overwrite(length: writer.count, at: 16)
    return writer.bytes
  }
}

/// Cuts a byte stream into messages. RFC 4271 §4.1.
package struct MessageFramer: Sendable {
  /// Octets of the longest message taken; 65,535 once RFC 8654 was agreed on.
  package var maximumLength = Message.maximumLength
  private var buffer: [UInt8] = []
  private var start = 0

  package init() {}

  package mutating func append(_ bytes: [UInt8]) {
    if start == buffer.count {
      buffer = bytes
      start = 0
      return
    }
    if start > 65536 {
      buffer.removeFirst(start)
      start = 0
    }
    buffer += bytes
  }

  /// As `next`, where that is an UPDATE; nil, and nothing taken, where it is another message.
  mutating func nextUpdate() throws(NotificationMessage) -> ArraySlice<UInt8>? {
    guard buffer.count - start >= Message.headerLength,
      buffer[start + 18] == Message.Kind.update.rawValue
    else { return nil }
    return try next()
  }

  /// Takes back the last message, to be read again.
  mutating func putBack(_ frame: ArraySlice<UInt8>) { start -= frame.count }

  /// The next whole message, header included; nil until more bytes come.
  /// - Throws: a message header error. RFC 4271 §6.1.
  package mutating func next() throws(NotificationMessage) -> ArraySlice<UInt8>? {
    guard buffer.count - start >= Message.headerLength else { return nil }
    for index in start..<start + 16 where buffer[index] != 0xff { throw .connectionNotSynchronized }
    let length = UInt16(buffer[start + 16]) << 8 | UInt16(buffer[start + 17])
    let kind = Message.Kind(rawValue: buffer[start + 18])
    let minimum: UInt16 =
      switch kind {
      case .open: 29
      case .update: 23
      case .notification: 21
      case .routeRefresh: 23
      case .keepalive, nil: 19
      }
    // RFC 8654 §4: OPEN and KEEPALIVE stay as short as ever.
    let isShort = kind == .open || kind == .keepalive
    let maximum = isShort ? Message.maximumLength : maximumLength
    guard length >= minimum, Int(length) <= maximum else {
      throw .badMessageLength(length)
    }
    guard buffer.count - start >= Int(length) else { return nil }
    defer { start += Int(length) }
    return buffer[start..<start + Int(length)]
  }
}
