import BFD
import BGP
import NetTypes

extension Fuzz {
  /// BGP's and BFD's decoders. What was decoded and encoded must decode to what encodes the same.
  static let routing: [Target] = [
    ("bgp", { message(Fuzz.bytes($0, $1), CodecOptions()) }),
    ("bgp-open", { body(.open, Fuzz.bytes($0, $1)[...], CodecOptions()) }),
    ("bgp-notification", { body(.notification, Fuzz.bytes($0, $1)[...], CodecOptions()) }),
    ("bgp-refresh", { body(.routeRefresh, Fuzz.bytes($0, $1)[...], CodecOptions()) }),
    (
      // The first octet says what the OPENs have agreed on.
      "bgp-update",
      {
        let input = Fuzz.bytes($0, $1)
        guard let first = input.first else { return 0 }
        var options = CodecOptions(fourOctetAS: first & 1 != 0, isInternal: first & 2 != 0)
        if first & 4 != 0 { options.addPathReceive.insert(.ipv4) }
        if first & 8 != 0 { options.addPathReceive.insert(.ipv6) }
        options.addPathSend = options.addPathReceive
        options.extendedNextHop = first & 16 != 0
        return body(.update, input.dropFirst(), options)
      }
    ),
    ("bgp-framer", { framer(Fuzz.bytes($0, $1)) }),
    ("bgp-speaker", { speaker(Fuzz.bytes($0, $1)) }),
    (
      "bfd",
      {
        guard let packet = try? BFDPacket(decoding: Fuzz.bytes($0, $1)) else { return 0 }
        let again = try? BFDPacket(decoding: packet.encoded)
        precondition(again == packet, "a packet decodes to another one")
        return 0
      }
    ),
  ]

  private static func body(
    _ kind: Message.Kind, _ body: ArraySlice<UInt8>, _ options: CodecOptions
  ) -> Int32 {
    guard body.count <= 4077 else { return 0 }
    let length = body.count + Message.headerLength
    let header = [UInt8](repeating: 0xff, count: 16)
    return message(
      header + [UInt8(length >> 8), UInt8(length & 0xff), kind.rawValue] + body, options)
  }

  private static func message(_ bytes: [UInt8], _ options: CodecOptions) -> Int32 {
    guard let first = try? Message(decoding: bytes[...], options: options) else { return 0 }
    let once = first.encoded(options: options)
    // What came in one UPDATE may need several: only whole messages are compared.
    guard once.count <= Message.maximumLength, !first.mixesFamilies else { return 0 }
    guard let second = try? Message(decoding: once[...], options: options) else {
      preconditionFailure("what was encoded does not decode: \(first)")
    }
    let twice = second.encoded(options: options)
    precondition(once == twice, "encoding again gives other octets: \(first), \(second)")
    return 0
  }

  /// How a stream is cut by TCP does not change its messages.
  private static func framer(_ bytes: [UInt8]) -> Int32 {
    var whole = MessageFramer()
    whole.append(bytes)
    var cut = MessageFramer()
    var rest = bytes[...]
    while let octet = rest.first {
      let part = rest.prefix(Int(octet % 7) + 1)
      cut.append(Array(part))
      rest = rest.dropFirst(part.count)
    }
    while true {
      let a = Result { try whole.next() }
      let b = Result { try cut.next() }
      guard case .success(let x) = a, case .success(let y) = b else {
        if case .success = a { preconditionFailure("cut, the stream is an error") }
        if case .success = b { preconditionFailure("whole, the stream is an error") }
        return 0
      }
      precondition(x.map(Array.init) == y.map(Array.init), "cut, a message is another")
      if x == nil { return 0 }
    }
  }

  /// An established session, and anything after that.
  private static func speaker(_ bytes: [UInt8]) -> Int32 {
    let peer = IPAddress.v4(IPv4Address(10, 0, 0, 1))
    let own = IPv4Address(10, 0, 0, 2)
    var configuration = RouterConfiguration(localAS: ASNumber(64512), routerID: own)
    configuration.neighbors = [Neighbor(address: peer, remoteAS: ASNumber(64512))]
    configuration.neighbors[0].settings.passive = true
    var speaker = Speaker(configuration: configuration, seed: 1)
    _ = speaker.handle(.start, at: .zero)
    let id = speaker.makeConnectionID()
    _ = speaker.handle(.accepted(id, peer: peer, local: .v4(own)), at: .zero)
    var capabilities = Capabilities()
    capabilities.families = [.ipv4, .ipv6]
    capabilities.fourOctetAS = ASNumber(64512)
    capabilities.routeRefresh = true
    let open = OpenMessage(
      asNumber: ASNumber(64512), holdTime: 90, identifier: IPv4Address(10, 0, 0, 1),
      capabilities: capabilities)
    for message in [Message.open(open), .keepalive] {
      _ = speaker.handle(.received(id, message.encoded(options: CodecOptions())), at: .zero)
    }
    _ = speaker.handle(.received(id, bytes), at: .zero)
    let held = speaker.routes.count
    precondition(speaker.sessions[0].prefixesReceived <= held, "prefixes are counted wrongly")
    _ = speaker.handle(.closed(id), at: .zero)
    precondition(speaker.routes.isEmpty && speaker.attributeCount == 0, "routes are left")
    return 0
  }
}

extension Message {
  /// Routes of both families announced together: their one next hop is of one family.
  fileprivate var mixesFamilies: Bool {
    guard case .update(let update) = self else { return false }
    return Set(update.announced.map { $0.isIPv4 }).count > 1
  }
}
