import DNS
import NetTypes

extension Fuzz {
  /// What clients, secondaries and operators hand to the name server.
  static let names: [Target] = [
    (
      "dns-message",
      {
        guard let message = try? Message(decoding: Fuzz.bytes($0, $1)) else { return 0 }
        let encoded = message.encoded()
        // Data and names uncompressed may take more than a message holds.
        guard encoded.count <= Message.maximumLength else { return 0 }
        guard let again = try? Message(decoding: encoded) else {
          preconditionFailure("what was encoded does not decode")
        }
        precondition(again == message || again.isTruncated, "encoding changes the message")
        return 0
      }
    ),
    ("dns-query", { query(Fuzz.bytes($0, $1)) }),
    (
      "zone-file",
      {
        let origin = DomainName("example.com") ?? .root
        let (zone, _) = ZoneFile.parse(Fuzz.bytes($0, $1), origin: origin)
        let (again, problems) = ZoneFile.parse(zone.text, origin: origin)
        precondition(problems.allSatisfy(\.refusesZone), "what was printed is not taken")
        precondition(Set(again.records) == Set(zone.records), "what was printed reads differently")
        if zone.startOfAuthority != nil { _ = CompiledZone(zone) }
        return 0
      }
    ),
  ]

  private static let zone = ZoneFile.parse(
    """
    @ 60 SOA ns host 1 2 3 4 5
    @ NS ns
    ns A 192.0.2.1
    *.w MX 10 ns
    a CNAME b
    b CNAME x.w
    sub NS ns.sub
    ns.sub A 192.0.2.2
    d DNAME w
    """, origin: DomainName("z") ?? .root
  ).zone

  /// What is answered decodes, and fits what the query takes.
  private static func query(_ bytes: [UInt8]) -> Int32 {
    var options = Responder.Options()
    options.cookies = ServerCookies(secret: .init([UInt8](repeating: 1, count: 16)))
    options.identifier = [1, 2, 3]
    options.version = "1"
    let steering = Steering([
      SteeredSet(
        owner: DomainName("x.w.z") ?? .root, type: .mx, ttl: 1,
        records: [.mx(preference: 1, DomainName("a.z") ?? .root)], tables: [.init(rows: [[0]])])
    ])
    var responder = Responder(
      catalogue: Catalogue(zones: [zone]), steering: steering, options: options, seed: 1)
    var output = [UInt8](repeating: 0, count: 65535)
    for transport in [Responder.Transport.udp, .tcp] {
      var span = output.mutableSpan
      let outcome = responder.respond(
        to: bytes.span, from: .v4(.loopback), over: transport, at: .zero, into: &span)
      guard case .reply(let count) = outcome else { continue }
      precondition(transport == .tcp || count <= 1232, "an answer of \(count) octets")
      guard let answer = try? Message(decoding: Array(output[..<count])) else {
        preconditionFailure("an answer that does not decode")
      }
      precondition(answer.isResponse, "a query for an answer")
    }
    return 0
  }
}
