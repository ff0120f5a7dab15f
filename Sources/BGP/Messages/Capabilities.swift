import NetTypes

/// What a speaker can do beyond RFC 4271. RFC 5492.
package struct Capabilities: Hashable, Sendable {
  /// RFC 4760. Empty: the peer did not say, which means IPv4 unicast.
  package var families: [AddressFamily] = []
  /// RFC 2918.
  package var routeRefresh = false
  /// IPv4 unicast routes may have IPv6 next hops. RFC 8950 §4.
  package var extendedNextHop = false
  /// Messages of up to 65,535 octets are understood. RFC 8654.
  package var extendedMessages = false
  /// The speaker's role as it stands on the wire; see `role`. RFC 9234 §4.1.
  package var roleCode: UInt8?
  /// RFC 4724.
  package var gracefulRestart: GracefulRestartCapability?
  /// RFC 6793.
  package var fourOctetAS: ASNumber?
  /// RFC 7911 §4.
  package var addPath: [AddressFamily: AddPathDirections] = [:]
  /// Refreshes begin and end with a message of their own. RFC 7313.
  package var enhancedRouteRefresh = false
  /// draft-walton-bgp-hostname-capability.
  package var hostName: HostNameCapability?
  /// Codes that we do not know, with their values.
  package var others: [Opaque] = []

  package struct Opaque: Hashable, Sendable {
    package var code: UInt8
    package var value: [UInt8]

    package init(code: UInt8, value: [UInt8]) {
      self.code = code
      self.value = value
    }
  }

  package init() {}

  /// Nil where none was sent, or one that RFC 9234 does not name.
  package var role: PeerRole? {
    get { roleCode.flatMap(PeerRole.init(rawValue:)) }
    set { roleCode = newValue?.rawValue }
  }
}

/// RFC 4724 §3, RFC 8538 §2.
package struct GracefulRestartCapability: Hashable, Sendable {
  /// The Restart State bit: the speaker has just restarted.
  package var isRestarting: Bool
  /// The N bit: routes are kept after a NOTIFICATION and an expired hold timer too. RFC 8538 §2.
  package var coversNotification: Bool
  /// Seconds, 0 to 4095.
  package var restartTime: UInt16
  /// The families it preserves, each with its Forwarding State bit.
  package var families: [AddressFamily: Bool]

  package init(
    isRestarting: Bool, coversNotification: Bool = false, restartTime: UInt16,
    families: [AddressFamily: Bool]
  ) {
    self.isRestarting = isRestarting
    self.coversNotification = coversNotification
    self.restartTime = restartTime
    self.families = families
  }
}

/// The Send/Receive field of ADD-PATH; raw values go onto the wire. RFC 7911 §4.
package struct AddPathDirections: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let receive = AddPathDirections(rawValue: 1)
  package static let send = AddPathDirections(rawValue: 2)
}

/// What a router calls itself, for the peer's operator.
package struct HostNameCapability: Hashable, Sendable {
  /// At most 64 octets of UTF-8 are sent.
  package var host: String
  package var domain: String

  package init(host: String, domain: String = "") {
    self.host = host
    self.domain = domain
  }
}
