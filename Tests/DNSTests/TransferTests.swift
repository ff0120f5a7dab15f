import DNS
import NetTypes
import Testing

@Suite struct TransferTests {
  private func query(_ type: RecordType = .axfr, serial: UInt32? = nil, edns: EDNS? = nil)
    -> Message
  {
    var query = Message(id: 0x4242, query: name("x"), type, edns: edns)
    if let serial { query.authority = [record("x 60 SOA a. b. \(serial) 2 3 4 5")] }
    return query
  }

  private func messages(
    _ zone: Zone, _ query: Message, limit: Int = ZoneTransfer.defaultLimit
  ) throws -> [Message] {
    try ZoneTransfer(of: zone, answering: query, limit: limit).map {
      #expect($0.count <= max(limit, 300))
      return try Message(decoding: $0)
    }
  }

  static let large = zone(
    "x",
    (["x 60 SOA a. b. 7 2 3 4 5", "x 60 NS ns.x."]
      + (0..<2000).map { "host\($0).x 60 A 10.0.\($0 / 256).\($0 % 256)" }).joined(separator: "\n"))

  @Test(arguments: [300, 512, 16 * 1024, 65535])
  func `a zone goes out whole, its SOA first and last, RFC 5936 section 2_2`(limit: Int) throws {
    let messages = try messages(Self.large, query(), limit: limit)
    let records = messages.flatMap(\.answers)
    #expect(records.count == 2003)
    #expect(records.first == Self.large.records.first && records.last == records.first)
    #expect(Set(records) == Set(Self.large.records))
    #expect(messages.first?.questions == query().questions)
    #expect(messages.dropFirst().allSatisfy { $0.questions.isEmpty })
    #expect(messages.allSatisfy { $0.id == 0x4242 && $0.isAuthoritative && $0.isResponse })
    #expect(limit < 65535 || messages.count == 1)
  }

  @Test func `an OPT record answers one, RFC 5936 section 2_2_5`() throws {
    let messages = try messages(Self.large, query(edns: EDNS()), limit: 512)
    #expect(messages.allSatisfy { $0.edns != nil })
  }

  @Test(arguments: [(6, 2003), (7, 1), (8, 1), (0x8000_0008, 2003)] as [(UInt32, Int)])
  func `IXFR gets the whole zone, or the SOA alone where nothing is newer, RFC 1995`(
    serial: UInt32, count: Int
  ) throws {
    let messages = try messages(Self.large, query(.ixfr, serial: serial))
    #expect(messages.flatMap(\.answers).count == count)
  }

  @Test func `a zone of an SOA alone is one message of two`() throws {
    let messages = try messages(zone("x", "x 60 SOA a. b. 7 2 3 4 5"), query())
    #expect(messages.count == 1 && messages[0].answers.count == 2)
  }

  @Test func `a notification says its zone and serial, and is answered, RFC 1996`() throws {
    let start = record("x 60 SOA a. b. 7 2 3 4 5")
    let sent = Message(id: 3, notifying: name("x"), start: start)
    let read = try Message(decoding: sent.encoded())
    #expect(read.notification?.zone == name("x") && read.notification?.serial == SerialNumber(7))
    let answer = Message(answering: read)
    #expect(answer.opcode == .notify && answer.isResponse && answer.isAuthoritative)
    #expect(answer.notification == nil && answer.questions == sent.questions)
    #expect(Message(id: 1, query: name("x"), .soa).notification == nil)
    #expect(Message(id: 3, notifying: name("x")).notification?.serial == nil)
  }
}
