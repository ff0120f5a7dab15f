import BGP
import NetTypes
import Testing

/// RFC 7606: what becomes of an UPDATE with a malformed attribute.
@Suite struct UpdateErrorTests {
  enum Expected: Sendable {
    case discard
    case withdraw
    case reset(NotificationMessage)
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var attributes: String
    var expected: Expected
    var isInternal = true
    var testDescription: String { name }
  }

  static let good = "400101 00  400200  400304 ac130002  400504 00000064"

  static let cases: [Case] = [
    Case(
      name: "§4: an attribute overruns the list", attributes: good + "800410", expected: .withdraw),
    Case(
      name: "§3 c: wrong flags", attributes: "c00101 00  400200  400304 ac130002  400504 00000064",
      expected: .withdraw),
    Case(
      name: "§3 d: ORIGIN missing", attributes: "400200  400304 ac130002  400504 00000064",
      expected: .withdraw),
    Case(
      name: "§3 d: NEXT_HOP missing", attributes: "400101 00  400200  400504 00000064",
      expected: .withdraw),
    Case(
      name: "§3 d: LOCAL_PREF missing", attributes: "400101 00  400200  400304 ac130002",
      expected: .withdraw),
    Case(name: "§3 g: an attribute twice", attributes: good + "400101 01", expected: .discard),
    Case(
      name: "§3 g: MP_REACH_NLRI twice",
      attributes: "800f03 000201 800f03 000201", expected: .reset(.malformedAttributeList)),
    Case(
      name: "§7.1: ORIGIN of two octets",
      attributes: "400102 0000  400200  400304 ac130002  400504 00000064", expected: .withdraw),
    Case(
      name: "§7.1: ORIGIN 3",
      attributes: "400101 03  400200  400304 ac130002  400504 00000064", expected: .withdraw),
    Case(
      name: "§7.2: a segment of an unknown type",
      attributes: "400101 00  400206 0501 0000fde9  400304 ac130002  400504 00000064",
      expected: .withdraw),
    Case(
      name: "§7.2: a segment without numbers",
      attributes: "400101 00  400202 0200  400304 ac130002  400504 00000064", expected: .withdraw),
    Case(
      name: "§7.2: a segment overruns",
      attributes: "400101 00  400206 0202 0000fde9  400304 ac130002  400504 00000064",
      expected: .withdraw),
    Case(
      name: "§7.3: NEXT_HOP of three octets",
      attributes: "400101 00  400200  400303 ac1300  400504 00000064", expected: .withdraw),
    Case(
      name: "RFC 4271 §6.3: a multicast NEXT_HOP",
      attributes: "400101 00  400200  400304 e0000001  400504 00000064", expected: .withdraw),
    Case(
      name: "§7.4: MED of three octets", attributes: good + "800403 000000", expected: .withdraw),
    Case(
      name: "§7.5: LOCAL_PREF of three octets",
      attributes: "400101 00  400200  400304 ac130002  400503 000064", expected: .withdraw),
    Case(
      name: "§7.5: LOCAL_PREF from outside", attributes: good, expected: .discard,
      isInternal: false),
    Case(
      name: "§7.6: ATOMIC_AGGREGATE with a value", attributes: good + "400601 00",
      expected: .discard),
    Case(
      name: "§7.7: AGGREGATOR of six octets", attributes: good + "c00706 fde9 01020304",
      expected: .discard),
    Case(
      name: "§7.8: communities of five octets", attributes: good + "c00805 0000000000",
      expected: .withdraw),
    Case(name: "§7.8: no communities", attributes: good + "c00800", expected: .withdraw),
    Case(
      name: "§7.9: ORIGINATOR_ID of three octets", attributes: good + "800903 000000",
      expected: .withdraw),
    Case(name: "§7.10: an empty CLUSTER_LIST", attributes: good + "800a00", expected: .withdraw),
    Case(
      name: "§7.11: a next hop of five octets",
      attributes: "800e0a 0002 01 05 0102030405 00" + good,
      expected: .reset(.optionalAttributeError)),
    Case(
      name: "§7.12: MP_UNREACH_NLRI with a bad prefix", attributes: "800f04 0002 01 ff",
      expected: .reset(.optionalAttributeError)),
    Case(
      name: "§7.14: extended communities of four octets", attributes: good + "c01004 00000000",
      expected: .withdraw),
    Case(
      name: "RFC 8092 §5: large communities of eight octets",
      attributes: good + "c02008 0000000000000000", expected: .withdraw),
    Case(
      name: "RFC 4271 §6.3: an unknown well-known attribute", attributes: good + "403200",
      expected: .reset(.unrecognizedWellKnownAttribute([0x40, 0x32]))),
  ]

  @Test(arguments: cases)
  func `a malformed attribute has the RFC's consequence`(_ test: Case) throws {
    let bytes = update(attributes: test.attributes, routes: "1a 0a354040")
    let options = CodecOptions(isInternal: test.isInternal)
    let route = prefix("10.53.64.64/26")
    do {
      guard case .update(let message) = try Message(decoding: bytes[...], options: options) else {
        Issue.record("not an UPDATE")
        return
      }
      switch test.expected {
      case .discard:
        #expect(message.announced == [route])
        #expect(message.errors.map(\.disposition) == [.discardAttribute])
      case .withdraw:
        #expect(message.announced.isEmpty)
        #expect(message.withdrawn == [route])
        #expect(message.errors.contains { $0.disposition == .treatAsWithdraw })
      case .reset: Issue.record("no NOTIFICATION: \(message)")
      }
    } catch {
      if case .reset(let expected) = test.expected {
        #expect(error == expected)
      } else {
        Issue.record("NOTIFICATION \(error)")
      }
    }
  }

  @Test(arguments: [
    octets("0001 0000"), octets("0000 0001"), octets("ffff 0000"),
    octets("0000 0000 21 0102030405"),
    octets("0000 0000 20 010203"),
  ])
  func `routes that cannot be read reset the session`(_ body: [UInt8]) {
    #expect(throws: NotificationMessage.self) {
      try Message(decoding: frame(2, body)[...], options: CodecOptions())
    }
  }

  @Test func `an error without a route in sight resets the session`() {
    #expect(throws: NotificationMessage.malformedAttributeList) {
      try Message(decoding: update(attributes: "400101 03")[...], options: CodecOptions())
    }
  }
}
