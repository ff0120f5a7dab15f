/// The states of a BFD session. RFC 5880 §4.1; raw values go onto the wire.
package enum BFDState: UInt8, Hashable, Sendable, CustomStringConvertible {
  case adminDown = 0
  case down = 1
  case initial = 2
  case up = 3

  package var description: String {
    switch self {
    case .adminDown: "AdminDown"
    case .down: "Down"
    case .initial: "Init"
    case .up: "Up"
    }
  }
}

/// Why a session last left Up, for the peer's operator and ours. RFC 5880 §4.1.
package struct BFDDiagnostic: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// Five bits; 9 to 31 are reserved, and kept as they came.
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue & 0x1f }

  package static let none = BFDDiagnostic(rawValue: 0)
  package static let controlDetectionTimeExpired = BFDDiagnostic(rawValue: 1)
  package static let echoFailed = BFDDiagnostic(rawValue: 2)
  package static let neighborSignaledDown = BFDDiagnostic(rawValue: 3)
  package static let forwardingPlaneReset = BFDDiagnostic(rawValue: 4)
  package static let pathDown = BFDDiagnostic(rawValue: 5)
  package static let concatenatedPathDown = BFDDiagnostic(rawValue: 6)
  package static let administrativelyDown = BFDDiagnostic(rawValue: 7)
  package static let reverseConcatenatedPathDown = BFDDiagnostic(rawValue: 8)

  /// As `show bfd peers` prints it.
  package var description: String {
    let texts = [
      "ok", "control detection time expired", "echo function failed",
      "neighbor signaled session down",
      "forwarding plane reset", "path down", "concatenated path down", "administratively down",
      "reverse concatenated path down",
    ]
    return Int(rawValue) < texts.count ? texts[Int(rawValue)] : "reserved (\(rawValue))"
  }
}
