import DNS
import NetTypes
import Testing

@Suite struct OracleTests {
  /// A zone of few labels, so that names meet.
  private func zone(_ random: inout SeededRandom) -> Zone {
    let origin = name("z")
    var lines = ["z. 60 SOA ns.z. host.z. 1 2 3 4 30", "z. 60 NS ns.z."]
    for index in 0..<Int.random(in: 3...25, using: &random) {
      let owner = randomName(&random, origin)
      let target = randomName(&random, Bool.random(using: &random) ? origin : name("other"))
      let data =
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1: "CNAME \(target)"
        case 2: "NS \(target)"
        case 3: "DNAME \(target)"
        case 4: "DS 1 8 2 00"
        case 5: "MX 1 \(target)"
        case 6: "TXT \"\(index)\""
        case 7: "PTR \(target)"
        case 8: "AAAA 2001:db8::\(index)"
        default: "A 10.0.0.\(index)"
        }
      lines.append("\(owner) 60 \(data)")
    }
    return ZoneFile.parse(lines.joined(separator: "\n"), origin: origin).zone
  }

  private func randomName(_ random: inout SeededRandom, _ origin: DomainName) -> DomainName {
    (0..<Int.random(in: 0...4, using: &random)).reduce(origin) { name, _ in
      name.prepending(["a", "B", "c", "*"].randomElement(using: &random)!) ?? name
    }
  }

  @Test(arguments: 0..<100)
  func `every question gets what RFC 1034 section 4_3_2 says, whatever the zone`(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    let zone = zone(&random)
    let oracle = ZoneOracle(zone: zone)
    let server = Server([zone])
    let types: [RecordType] = [.a, .aaaa, .mx, .txt, .cname, .ns, .ds, .ptr, .soa]
    for _ in 0..<40 {
      let question = randomName(&random, zone.origin)
      let type = types.randomElement(using: &random)!
      let expected = oracle.ask(question, type)
      let answer = try server.ask(
        Message(id: 1, query: question, type, edns: nil), over: .tcp)
      let comment: Comment = "\(question) \(type) of\n\(zone.text)"
      if expected.isOpen {
        let count = min(answer.answers.count, expected.answers.count)
        #expect(count > 0, comment)
        #expect(answer.answers.prefix(count) == expected.answers.prefix(count), comment)
        continue
      }
      #expect(answer.responseCode == expected.code, comment)
      #expect(answer.isAuthoritative == expected.isAuthoritative, comment)
      #expect(answer.answers == expected.answers, comment)
      #expect(answer.authority == expected.authority, comment)
      for record in answer.additional {
        #expect(zone.records.contains(record), comment)
      }
    }
  }

  @Test(arguments: 0..<20)
  func `a query that is damaged never traps, and gets no more than its answer`(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    let zone = zone(&random)
    let server = Server([zone]) {
      $0.cookies = ServerCookies(secret: .init([UInt8](repeating: 1, count: 16)))
      $0.identifier = [1, 2, 3]
    }
    for _ in 0..<100 {
      var query = Message(
        id: 1, query: randomName(&random, zone.origin), .a,
        edns: EDNS(options: [
          .init(EDNS.OptionCode.cookie, [1, 2, 3, 4, 5, 6, 7, 8]), .init(EDNS.OptionCode.nsid, []),
          ClientSubnet(prefix("192.0.2.0/24")).option,
        ])
      ).encoded()
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
          query[Int.random(in: 0..<query.count, using: &random)] = .random(
            in: 0 ... .max, using: &random)
        case 1: query.removeLast(Int.random(in: 0..<query.count, using: &random))
        default: query.append(.random(in: 0 ... .max, using: &random))
        }
        if query.isEmpty { break }
      }
      let (outcome, bytes) = server.outcome(query)
      if case .reply = outcome { _ = try Message(decoding: bytes) }
    }
  }
}
