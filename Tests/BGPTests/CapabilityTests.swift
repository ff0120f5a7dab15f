import BGP
import NetTypes
import Testing

/// Capabilities octet by octet, written out by hand from the diagrams of the RFCs named.
@Suite struct CapabilityTests {
  struct Vector: CustomTestStringConvertible, Sendable {
    var name: String
    var hex: String
    var capabilities: Capabilities
    var testDescription: String { name }

    init(_ name: String, _ hex: String, _ set: (inout Capabilities) -> Void) {
      self.name = name
      self.hex = hex
      capabilities = Capabilities()
      set(&capabilities)
    }
  }

  static let vectors: [Vector] = [
    Vector("RFC 8950 §4: IPv4 unicast with IPv6 next hops", "0506 0001 0001 0002") {
      $0.extendedNextHop = true
    },
    Vector("RFC 8654 §3: extended messages", "0600") { $0.extendedMessages = true },
    Vector("RFC 9234 §4.1: customer", "0901 03") { $0.role = .customer },
    Vector("RFC 9234 §4.1: a role nobody knows", "0901 07") { $0.roleCode = 7 },
    Vector("RFC 8538 §2: restart after NOTIFICATION too", "4006 4078 0001 01 80") {
      $0.gracefulRestart = GracefulRestartCapability(
        isRestarting: false, coversNotification: true, restartTime: 120, families: [.ipv4: true])
    },
    Vector("RFC 7911 §4: both ways for IPv4, reception for IPv6", "4508 0001 01 03 0002 01 01") {
      $0.addPath = [.ipv4: [.receive, .send], .ipv6: .receive]
    },
    Vector("RFC 7313 §3.1: enhanced route refresh", "4600") { $0.enhancedRouteRefresh = true },
    Vector("draft-walton-bgp-hostname: edge.example", "490d 04 65646765 07 6578616d706c65") {
      $0.hostName = HostNameCapability(host: "edge", domain: "example")
    },
    Vector("a code nobody knows", "c802 beef") {
      $0.others = [.init(code: 200, value: [0xbe, 0xef])]
    },
  ]

  static func open(_ capabilities: [UInt8]) -> [UInt8] {
    let parameter = capabilities.isEmpty ? [] : [2, UInt8(capabilities.count)] + capabilities
    return frame(1, octets("04 fc00 005a ac130002") + [UInt8(parameter.count)] + parameter)
  }

  static func message(_ capabilities: Capabilities) -> Message {
    .open(
      OpenMessage(
        asNumber: ASNumber(64512), holdTime: 90, identifier: identifier("172.19.0.2"),
        capabilities: capabilities))
  }

  @Test(arguments: vectors)
  func `a capability decodes to its value and back`(_ vector: Vector) throws {
    let bytes = Self.open(octets(vector.hex))
    let decoded = try Message(decoding: bytes[...], options: CodecOptions())
    #expect(decoded == Self.message(vector.capabilities))
    #expect(Self.message(vector.capabilities).encoded(options: CodecOptions()) == bytes)
  }

  @Test(arguments: [
    ("a family that is not ours is passed over", "0506 0019 0046 0002", true),
    ("a wrong length", "0504 0001 0001", false),
    ("RFC 7911 §4: a direction of 4 is as if the family were not there", "4504 0001 01 04", true),
    ("half an entry", "4503 0001 01", false),
    ("a role of two octets", "0902 0001", false),
    ("a name longer than its field", "4903 05 6564", false),
  ])
  func `a malformed capability leaves the session without it`(
    _ name: String, _ hex: String, _ isKnown: Bool
  ) throws {
    let bytes = Self.open(octets(hex))
    guard case .open(let open) = try Message(decoding: bytes[...], options: CodecOptions()) else {
      Issue.record("no OPEN")
      return
    }
    var rest = open.capabilities
    #expect(rest.others.isEmpty == isKnown)
    rest.others = []
    #expect(rest == Capabilities())
  }

  @Test func `RFC 9234 §4.2: two roles that differ are a mismatch, two that agree are one`() throws
  {
    #expect(throws: NotificationMessage.roleMismatch) {
      try Message(
        decoding: Self.open(octets("090100 090103"))[...], options: CodecOptions())
    }
    let decoded = try Message(
      decoding: Self.open(octets("090103 090103"))[...], options: CodecOptions())
    var customer = Capabilities()
    customer.role = .customer
    #expect(decoded == Self.message(customer))
  }

  @Test func `RFC 9072 §2: parameters beyond 255 octets have lengths of two`() throws {
    var capabilities = Capabilities()
    capabilities.routeRefresh = true
    capabilities.others = [.init(code: 200, value: [UInt8](repeating: 7, count: 255))]
    let bytes = Self.message(capabilities).encoded(options: CodecOptions())
    // Lengths: 3 + 259 octets of parameter, 259 of capabilities.
    let head = octets("04 fc00 005a ac130002 ff ff 0106 02 0103 0200 c8ff")
    #expect(bytes == frame(1, head + [UInt8](repeating: 7, count: 255)))
    let decoded = try Message(decoding: bytes[...], options: CodecOptions())
    #expect(decoded == Self.message(capabilities))
    // The first length does not count, as long as it is not zero.
    var other = bytes
    other[28] = 1
    #expect(try Message(decoding: other[...], options: CodecOptions()) == decoded)
  }

  @Test func `an OPEN never exceeds 4,096 octets`() {
    var capabilities = Capabilities()
    capabilities.others = (0..<40).map {
      .init(code: 200 + $0, value: [UInt8](repeating: 1, count: 255))
    }
    let bytes = Self.message(capabilities).encoded(options: CodecOptions())
    #expect(bytes.count <= Message.maximumLength)
  }

  @Test func `text of a peer passes no control characters and no broken UTF-8`() {
    #expect(octets("61 1b 5b 0a c3").printableText == "a?[?\u{fffd}")
  }
}

/// What two OPENs add up to.
@Suite struct NegotiationTests {
  private func negotiate(
    _ local: (inout Capabilities) -> Void, _ peer: (inout Capabilities) -> Void
  ) -> Negotiated {
    var opens = [SessionTests.localOpen, SessionTests.peerOpen]
    local(&opens[0].capabilities)
    peer(&opens[1].capabilities)
    return Negotiated(
      local: opens[0], peer: opens[1], keepalive: .seconds(3), isInternal: true)
  }

  @Test func `RFC 7911 §4: paths have identifiers where one sends and the other receives`() {
    let result = negotiate {
      $0.families = [.ipv4, .ipv6]
      $0.addPath = [.ipv4: [.receive, .send], .ipv6: .receive]
    } _: {
      $0.families = [.ipv4, .ipv6]
      $0.addPath = [.ipv4: .receive, .ipv6: [.receive, .send]]
    }
    #expect(result.options.addPathSend == .ipv4)
    #expect(result.options.addPathReceive == .ipv6)
  }

  @Test func `RFC 7911: a family that is not spoken has no identifiers`() {
    let result = negotiate {
      $0.addPath = [.ipv6: [.receive, .send]]
    } _: {
      $0.addPath = [.ipv6: [.receive, .send]]
    }
    #expect(result.options.addPathSend.isEmpty)
    #expect(result.options.addPathReceive.isEmpty)
  }

  @Test func `RFC 8654 §4: each end says for itself how long messages may be`() {
    let ours = negotiate {
      $0.extendedMessages = true
    } _: { _ in
    }
    #expect(ours.options.maximumLength == 4096)
    #expect(ours.longestReceived == 65535)
    let theirs = negotiate { _ in
    } _: {
      $0.extendedMessages = true
    }
    #expect(theirs.options.maximumLength == 65535)
    #expect(theirs.longestReceived == 4096)
  }

  @Test func `RFC 8950, 7313, 8538: both ends have to know`() {
    let all: (inout Capabilities) -> Void = {
      $0.extendedNextHop = true
      $0.enhancedRouteRefresh = true
      $0.gracefulRestart = GracefulRestartCapability(
        isRestarting: false, coversNotification: true, restartTime: 120, families: [:])
    }
    let both = negotiate(all, all)
    #expect(both.options.extendedNextHop && both.enhancedRouteRefresh)
    #expect(both.restartCoversNotification)
    for result in [negotiate(all) { _ in }, negotiate({ _ in }, all)] {
      #expect(!result.options.extendedNextHop && !result.enhancedRouteRefresh)
      #expect(!result.restartCoversNotification)
    }
  }
}
