// What a NOTIFICATION says in words (RFC 9003), and one that wraps another (RFC 8538).

extension NotificationMessage {
  /// Subcodes of Cease that may carry a text. RFC 9003 §2.
  private var carriesText: Bool {
    code == Code.cease.rawValue
      && (subcode == Self.administrativeShutdown.subcode
        || subcode == Self.administrativeReset.subcode)
  }

  /// Cease, with a text for the peer's operator: the first 255 octets, whole characters only.
  /// RFC 9003 §2.
  package func saying(_ text: String?) -> NotificationMessage {
    guard carriesText, let text, !text.isEmpty else { return self }
    var octets: [UInt8] = []
    for character in text {
      let encoded = Array(String(character).utf8)
      if octets.count + encoded.count > 255 { break }
      octets += encoded
    }
    return NotificationMessage(
      code: code, subcode: subcode, data: [UInt8(octets.count)] + octets)
  }

  /// What the peer's operator says; nil without a text, or where its length lies. Octets that are
  /// no UTF-8 are replaced, control characters do not pass. RFC 9003 §2.
  package var communication: String? {
    if let wrapped { return wrapped.communication }
    guard carriesText, let length = data.first, length > 0, data.count > Int(length) else {
      return nil
    }
    return data[1...Int(length)].printableText
  }

  /// Cease, Hard Reset: as `self`, and no route of the session is kept. RFC 8538 §3.
  package var asHardReset: NotificationMessage {
    if isHardReset { return self }
    return NotificationMessage(.cease, Self.hardResetSubcode, data: [code, subcode] + data)
  }

  package var isHardReset: Bool {
    code == Code.cease.rawValue && subcode == Self.hardResetSubcode
  }

  /// The NOTIFICATION inside a Hard Reset. RFC 8538 §3.
  package var wrapped: NotificationMessage? {
    guard isHardReset, data.count >= 2 else { return nil }
    return NotificationMessage(code: data[0], subcode: data[1], data: Array(data.dropFirst(2)))
  }

  private static let hardResetSubcode: UInt8 = 9
}
