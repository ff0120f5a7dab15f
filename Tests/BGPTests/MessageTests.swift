import BGP
import NetTypes
import Testing

/// RFC 4271 §4, written out by hand from the RFCs' diagrams.
@Suite struct MessageTests {
  struct Vector: CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var message: Message
    var options = CodecOptions()
    var testDescription: String { name }
  }

  static let open: OpenMessage = {
    var capabilities = Capabilities()
    capabilities.families = [.ipv4, .ipv6]
    capabilities.routeRefresh = true
    capabilities.gracefulRestart = GracefulRestartCapability(
      isRestarting: true, restartTime: 120, families: [.ipv4: true])
    capabilities.fourOctetAS = ASNumber(4_200_000_000)
    return OpenMessage(
      asNumber: ASNumber(4_200_000_000), holdTime: 9, identifier: identifier("172.19.0.1"),
      capabilities: capabilities)
  }()

  static let rich: PathAttributes = {
    var attributes = PathAttributes(
      origin: .incomplete,
      asPath: ASPath(segments: [
        .init(.sequence, [ASNumber(65001), ASNumber(4_200_000_000)]),
        .init(.set, [ASNumber(1), ASNumber(2)]),
      ]),
      nextHop: address("172.19.0.2"), multiExitDiscriminator: 7, localPreference: 200)
    attributes.extend { extended in
      extended.atomicAggregate = true
      extended.aggregator = .init(asNumber: ASNumber(4_200_000_000), address: identifier("1.2.3.4"))
      extended.communities = [Community(rawValue: 0xfc00_0001), .noExport]
      extended.originatorID = identifier("9.9.9.9")
      extended.clusterList = [identifier("8.8.8.8"), identifier("7.7.7.7")]
      extended.extendedCommunities = [0x0002_fc00_0000_0001]
      extended.largeCommunities = [LargeCommunity(global: 1, local1: 2, local2: 3)]
      extended.onlyToCustomer = ASNumber(64513)
      extended.opaque = [.init(flags: 0xe0, type: 99, value: [1, 2, 3])]
    }
    return attributes
  }()

  static let extendedNextHop: CodecOptions = {
    var options = CodecOptions()
    options.extendedNextHop = true
    return options
  }()

  static let vectors: [Vector] = [
    Vector(name: "KEEPALIVE", bytes: frame(4, []), message: .keepalive),
    Vector(
      name: "NOTIFICATION", bytes: frame(3, octets("06 02 7879")),
      message: .notification(NotificationMessage(code: 6, subcode: 2, data: [0x78, 0x79]))),
    Vector(
      name: "ROUTE-REFRESH", bytes: frame(5, octets("0001 00 01")),
      message: .routeRefresh(RouteRefreshMessage(.ipv4))),
    Vector(
      name: "BoRR, RFC 7313 §3.2", bytes: frame(5, octets("0002 01 01")),
      message: .routeRefresh(RouteRefreshMessage(.ipv6, .begin))),
    Vector(
      name: "EoRR, RFC 7313 §3.2", bytes: frame(5, octets("0001 02 01")),
      message: .routeRefresh(RouteRefreshMessage(.ipv4, .end))),
    Vector(
      name: "OPEN",
      bytes: frame(
        1,
        octets(
          """
          04 5ba0 0009 ac130001 1e 021c
          0104 0001 00 01  0104 0002 00 01  0200
          4006 8078 0001 01 80  4104 fa56ea00
          """)), message: .open(open)),
    Vector(
      name: "OPEN without capabilities", bytes: frame(1, octets("04 fc00 005a ac130002 00")),
      message: .open(
        OpenMessage(asNumber: ASNumber(64512), holdTime: 90, identifier: identifier("172.19.0.2")))),
    Vector(
      name: "End-of-RIB of IPv4", bytes: frame(2, octets("0000 0000")),
      message: .update(.endOfRIB(.ipv4))),
    Vector(
      name: "End-of-RIB of IPv6", bytes: update(attributes: "800f03 0002 01"),
      message: .update(.endOfRIB(.ipv6))),
    Vector(
      name: "a withdrawal", bytes: update(withdrawn: "1a 0a354040 00 20 01020304", attributes: ""),
      message: .update(
        UpdateMessage(withdrawn: [prefix("10.53.64.64/26"), .defaultIPv4, prefix("1.2.3.4/32")]))),
    Vector(
      name: "a block of a node",
      bytes: update(
        attributes: "400101 00  400200  400304 ac130002  400504 00000064", routes: "1a 0a354040"),
      message: .update(
        UpdateMessage(
          attributes: PathAttributes(nextHop: address("172.19.0.2"), localPreference: 100),
          announced: [prefix("10.53.64.64/26")]))),
    Vector(
      name: "every attribute",
      bytes: update(
        attributes: """
          400101 02
          400214 0202 0000fde9 fa56ea00  0102 00000001 00000002
          400304 ac130002
          800404 00000007
          400504 000000c8
          400600
          c00708 fa56ea00 01020304
          c00808 fc000001 ffffff01
          800904 09090909
          800a08 08080808 07070707
          c01008 0002fc0000000001
          c0200c 00000001 00000002 00000003
          c02304 0000fc01
          e06303 010203
          """, routes: "08 0a"),
      message: .update(UpdateMessage(attributes: rich, announced: [prefix("10.0.0.0/8")]))),
    Vector(
      name: "an IPv6 route",
      bytes: update(
        attributes: """
          800e1e 0002 01 10 20010db8000000000000000000000001 00 40 20010db800000053 
          400101 00  400200  400504 00000064
          """),
      message: .update(
        UpdateMessage(
          attributes: PathAttributes(nextHop: address("2001:db8::1"), localPreference: 100),
          announced: [prefix("2001:db8:0:53::/64")]))),
    Vector(
      name: "an IPv4 route with an IPv6 next hop, RFC 8950 §3",
      bytes: update(
        attributes: """
          800e1a 0001 01 10 20010db8000000000000000000000001 00 1a 0a354040
          400101 00  400200  400504 00000064
          """),
      message: .update(
        UpdateMessage(
          attributes: PathAttributes(nextHop: address("2001:db8::1"), localPreference: 100),
          announced: [prefix("10.53.64.64/26")])), options: extendedNextHop),
    Vector(
      name: "an IPv4 route with a link-local next hop beside, RFC 8950 §3",
      bytes: update(
        attributes: """
          800e2a 0001 01 20 20010db8000000000000000000000001 fe800000000000000000000000000001
          00 1a 0a354040
          400101 00  400200  400504 00000064
          """),
      message: .update(
        UpdateMessage(
          attributes: {
            var attributes = PathAttributes(nextHop: address("2001:db8::1"), localPreference: 100)
            attributes.linkLocalNextHop = IPv6Address("fe80::1")
            return attributes
          }(), announced: [prefix("10.53.64.64/26")])), options: extendedNextHop),
    Vector(
      name: "an IPv6 withdrawal",
      bytes: update(attributes: "800f0c 0002 01 40 20010db800000053"),
      message: .update(UpdateMessage(withdrawn: [prefix("2001:db8:0:53::/64")]))),
    Vector(
      name: "four-octet numbers to an old speaker",
      bytes: update(
        attributes: """
          400101 00  400206 0202 fde9 5ba0  400304 ac130002  c0110a 0202 0000fde9 fa56ea00
          """, routes: "08 0a"),
      message: .update(
        UpdateMessage(
          attributes: PathAttributes(
            asPath: ASPath(sequence: [ASNumber(65001), ASNumber(4_200_000_000)]),
            nextHop: address("172.19.0.2")), announced: [prefix("10.0.0.0/8")])),
      options: CodecOptions(fourOctetAS: false, isInternal: false)),
  ]

  @Test(arguments: vectors)
  func `a message decodes to its value`(_ vector: Vector) throws {
    let decoded = try Message(decoding: vector.bytes[...], options: vector.options)
    #expect(decoded == vector.message)
  }

  @Test(arguments: vectors)
  func `a value encodes to its message`(_ vector: Vector) {
    #expect(vector.message.encoded(options: vector.options) == vector.bytes)
  }

  @Test func `messages are found however the stream is cut`() throws {
    let stream = Self.vectors.flatMap(\.bytes)
    for size in [1, 7, 19, 100, stream.count] {
      var framer = MessageFramer()
      var found: [[UInt8]] = []
      var rest = stream[...]
      while !rest.isEmpty {
        framer.append(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
        while let message = try framer.next() { found.append(Array(message)) }
      }
      #expect(found == Self.vectors.map(\.bytes))
    }
  }

  @Test(arguments: [
    ([UInt8](repeating: 0, count: 19), NotificationMessage.connectionNotSynchronized),
    (
      [UInt8](repeating: 0xff, count: 16) + [0, 18, 4], NotificationMessage.badMessageLength(18)
    ),
    (
      [UInt8](repeating: 0xff, count: 16) + [0x10, 1, 2], NotificationMessage.badMessageLength(4097)
    ),
    ([UInt8](repeating: 0xff, count: 16) + [0, 28, 1], NotificationMessage.badMessageLength(28)),
  ])
  func `a bad header names its error`(_ bytes: [UInt8], _ expected: NotificationMessage) {
    var framer = MessageFramer()
    framer.append(bytes)
    #expect(throws: expected) { try framer.next() }
  }

  @Test func `RFC 8654 §4: long messages pass where agreed on, long KEEPALIVEs never`() throws {
    let header = [UInt8](repeating: 0xff, count: 16)
    for (type, length, isTaken) in [(2, 4097, true), (3, 65535, true), (1, 4097, false)] {
      var framer = MessageFramer()
      framer.maximumLength = Message.extendedMaximumLength
      let message = header + [UInt8(length >> 8), UInt8(length & 0xff), UInt8(type)]
      framer.append(message + [UInt8](repeating: 0, count: length - 19))
      if isTaken {
        #expect(try framer.next()?.count == length)
      } else {
        #expect(throws: NotificationMessage.badMessageLength(UInt16(length))) {
          try framer.next()
        }
      }
    }
  }

  @Test func `RFC 8950 §4: an IPv6 next hop that was not agreed on is an error`() {
    let bytes = update(
      attributes: "800e1a 0001 01 10 20010db8000000000000000000000001 00 1a 0a354040")
    #expect(throws: NotificationMessage.optionalAttributeError) {
      try Message(decoding: bytes[...], options: CodecOptions())
    }
  }

  @Test(arguments: ["", "0001 00", "0001 00 01 00"])
  func `RFC 7313 §5: a ROUTE-REFRESH of another length is sent back`(_ hex: String) {
    let bytes = frame(5, octets(hex))
    #expect(throws: NotificationMessage(.routeRefresh, 1, data: bytes)) {
      try Message(decoding: bytes[...], options: CodecOptions())
    }
  }

  @Test(arguments: [
    ("03 fc00 005a ac130002 00", NotificationMessage.unsupportedVersion),
    ("04 fc00 0002 ac130002 00", .unacceptableHoldTime),
    ("04 fc00 005a 00000000 00", .badBGPIdentifier),
    ("04 fc00 005a ac130002 02 0100", .unsupportedOptionalParameter),
    ("04 fc00 005a ac130002 04 0206", .malformedOpen),
    ("04 fc00 005a ac130002 04 0202 0104", .malformedOpen),
    ("04 0000 005a ac130002 00", .badPeerAS),
  ])
  func `a bad OPEN names its error`(_ hex: String, _ expected: NotificationMessage) {
    #expect(throws: expected) {
      try Message(decoding: frame(1, octets(hex))[...], options: CodecOptions())
    }
  }

  @Test func `no bytes whatever trap the decoder`() {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var random = SeededRandom(seed: seed)
    for _ in 0..<20000 {
      var bytes = Self.vectors.randomElement(using: &random)!.bytes
      for _ in 0...Int.random(in: 0..<4, using: &random) {
        bytes[Int.random(in: 18..<bytes.count, using: &random)] = .random(
          in: 0...255, using: &random)
      }
      if Bool.random(using: &random) {
        bytes = Array(bytes.prefix(Int.random(in: 19...bytes.count, using: &random)))
      }
      let options = CodecOptions(
        fourOctetAS: .random(using: &random), isInternal: .random(using: &random))
      guard let message = try? Message(decoding: bytes[...], options: options) else { continue }
      _ = message.encoded(options: options)
    }
  }
}
