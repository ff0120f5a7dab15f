/// Why a session ends. RFC 4271 §4.5, §6; RFC 4486; RFC 6608; RFC 8538; RFC 9003; RFC 9384.
package struct NotificationMessage: Error, Hashable, Sendable {
  package enum Code: UInt8, Sendable {
    case messageHeader = 1
    case openMessage = 2
    case updateMessage = 3
    case holdTimerExpired = 4
    case finiteStateMachine = 5
    case cease = 6
    case routeRefresh = 7
  }

  package var code: UInt8
  package var subcode: UInt8
  package var data: [UInt8]

  package init(code: UInt8, subcode: UInt8 = 0, data: [UInt8] = []) {
    self.code = code
    self.subcode = subcode
    self.data = data
  }

  package init(_ code: Code, _ subcode: UInt8 = 0, data: [UInt8] = []) {
    self.init(code: code.rawValue, subcode: subcode, data: data)
  }

  // Message header errors. RFC 4271 §6.1.
  package static let connectionNotSynchronized = Self(.messageHeader, 1)
  package static func badMessageLength(_ length: UInt16) -> Self {
    Self(.messageHeader, 2, data: [UInt8(length >> 8), UInt8(length & 0xff)])
  }
  package static func badMessageType(_ type: UInt8) -> Self {
    Self(.messageHeader, 3, data: [type])
  }

  // OPEN errors. RFC 4271 §6.2, RFC 5492 §5.
  package static let malformedOpen = Self(.openMessage, 0)
  package static let unsupportedVersion = Self(.openMessage, 1, data: [0, 4])
  package static let badPeerAS = Self(.openMessage, 2)
  package static let badBGPIdentifier = Self(.openMessage, 3)
  package static let unsupportedOptionalParameter = Self(.openMessage, 4)
  package static let unacceptableHoldTime = Self(.openMessage, 6)
  /// None of our families is the peer's; the data is our capabilities for them. RFC 5492 §5.
  package static func unsupportedCapability(_ families: [AddressFamily]) -> Self {
    var needed = Capabilities()
    needed.families = families
    return Self(.openMessage, 7, data: needed.encoded)
  }
  /// RFC 9234 §4.2.
  package static let roleMismatch = Self(.openMessage, 11)

  // UPDATE errors that still reset the session. RFC 4271 §6.3, RFC 7606.
  package static let malformedAttributeList = Self(.updateMessage, 1)
  package static func unrecognizedWellKnownAttribute(_ attribute: [UInt8]) -> Self {
    Self(.updateMessage, 2, data: attribute)
  }
  package static let optionalAttributeError = Self(.updateMessage, 9)
  package static let invalidNetworkField = Self(.updateMessage, 10)

  package static let holdTimerExpired = Self(.holdTimerExpired)

  // Unexpected messages by state. RFC 6608.
  package static let unexpectedInOpenSent = Self(.finiteStateMachine, 1)
  package static let unexpectedInOpenConfirm = Self(.finiteStateMachine, 2)
  package static let unexpectedInEstablished = Self(.finiteStateMachine, 3)

  // Cease. RFC 4486 §4.
  package static let maximumPrefixesReached = Self(.cease, 1)
  /// With the family and the limit, as RFC 4486 §4 suggests.
  package static func maximumPrefixesReached(_ family: AddressFamily, limit: Int) -> Self {
    let (afi, limit) = (family.rawValue, UInt32(clamping: limit))
    return Self(
      .cease, 1,
      data: [UInt8(afi >> 8), UInt8(afi & 0xff), AddressFamily.unicast]
        + (0..<4).map { UInt8(truncatingIfNeeded: limit >> UInt32(24 - 8 * $0)) })
  }
  package static let administrativeShutdown = Self(.cease, 2)
  package static let peerDeconfigured = Self(.cease, 3)
  package static let administrativeReset = Self(.cease, 4)
  package static let connectionRejected = Self(.cease, 5)
  package static let otherConfigurationChange = Self(.cease, 6)
  package static let connectionCollision = Self(.cease, 7)
  package static let outOfResources = Self(.cease, 8)
  /// RFC 9384.
  package static let bfdDown = Self(.cease, 10)
}

extension NotificationMessage: CustomStringConvertible {
  private static let names: [UInt8: (String, [UInt8: String])] = [
    1: (
      "message header error",
      [1: "connection not synchronized", 2: "bad message length", 3: "bad message type"]
    ),
    2: (
      "OPEN error",
      [
        1: "unsupported version", 2: "bad peer AS", 3: "bad BGP identifier",
        4: "unsupported optional parameter", 6: "unacceptable hold time",
        7: "unsupported capability", 11: "role mismatch",
      ]
    ),
    3: (
      "UPDATE error",
      [
        1: "malformed attribute list", 2: "unrecognized well-known attribute",
        3: "missing well-known attribute", 4: "attribute flags error",
        5: "attribute length error", 6: "invalid ORIGIN", 8: "invalid NEXT_HOP",
        9: "optional attribute error", 10: "invalid network field", 11: "malformed AS_PATH",
      ]
    ),
    4: ("hold timer expired", [:]),
    5: (
      "state machine error",
      [1: "unexpected in OpenSent", 2: "unexpected in OpenConfirm", 3: "unexpected in Established"]
    ),
    6: (
      "cease",
      [
        1: "maximum number of prefixes reached", 2: "administrative shutdown",
        3: "peer de-configured", 4: "administrative reset", 5: "connection rejected",
        6: "other configuration change", 7: "connection collision", 8: "out of resources",
        9: "hard reset", 10: "BFD down",
      ]
    ),
    7: ("ROUTE-REFRESH error", [1: "invalid message length"]),
  ]

  /// As `cease, administrative shutdown (6/2): "new kernel"`.
  package var description: String {
    if let wrapped, !wrapped.isHardReset { return "hard reset (6/9), \(wrapped)" }
    let entry = Self.names[code]
    let text = [entry?.0, entry?.1[subcode]].compactMap { $0 }.joined(separator: ", ")
    let name = "\(text.isEmpty ? "notification" : text) (\(code)/\(subcode))"
    return communication.map { "\(name): \"\($0)\"" } ?? name
  }
}
