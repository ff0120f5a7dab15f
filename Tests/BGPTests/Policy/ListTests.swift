import NetTypes
import Testing

@testable import BGP

@Suite struct PolicyListTests {
  @Test(
    arguments: [
      ("10.0.0.0/8", nil, nil, [8]), ("10.0.0.0/8", 24, nil, [24, 28, 32]),
      ("10.0.0.0/8", nil, 24, [8, 16, 20, 24]), ("10.0.0.0/8", 16, 24, [16, 20, 24]),
      ("0.0.0.0/0", nil, 32, [0, 8, 16, 20, 24, 28, 32]),
    ] as [(String, UInt8?, UInt8?, [Int])])
  func `ge and le bound the lengths that match`(
    text: String, atLeast: UInt8?, atMost: UInt8?, expected: [Int]
  ) {
    let condition = PrefixCondition(IPPrefix(text)!, atLeast: atLeast, atMost: atMost)
    let matching = [0, 8, 16, 20, 24, 28, 32].filter {
      condition.matches(IPPrefix(.v4(IPv4Address(10, 0, 0, 0)), length: $0))
    }
    #expect(matching == expected)
  }

  @Test func `the first rule decides, and what none matches is denied`() {
    var list = PrefixList()
    list.add(permit: true, PrefixCondition(IPPrefix("10.0.0.0/8")!, atMost: 32))
    list.add(permit: false, PrefixCondition(IPPrefix("10.9.0.0/16")!, atMost: 32), sequence: 3)
    #expect(list.rules.map(\.sequence) == [3, 5])
    #expect(list.permits(IPPrefix("10.1.0.0/16")!))
    #expect(!list.permits(IPPrefix("10.9.1.0/24")!))
    #expect(!list.permits(IPPrefix("192.0.2.0/24")!))
    #expect(!list.permits(IPPrefix("2001:db8::/32")!))
  }

  @Test func `a rule without a number goes to the next multiple of five, and once only`() {
    var list = PrefixList()
    for text in ["10.0.0.0/8", "10.0.0.0/8", "11.0.0.0/8"] {
      list.add(permit: true, PrefixCondition(IPPrefix(text)!))
    }
    list.add(permit: true, PrefixCondition(IPPrefix("12.0.0.0/8")!), sequence: 12)
    list.add(permit: true, PrefixCondition(IPPrefix("13.0.0.0/8")!))
    #expect(list.rules.map(\.sequence) == [5, 10, 12, 15])
    let removals = [list.remove(sequence: 12), list.remove(sequence: 12)]
    #expect(removals == [true, false])
  }

  @Test(
    arguments: [
      ("65000:1", 0xFDE8_0001), ("no-export", 0xFFFF_FF01), ("graceful-shutdown", 0xFFFF_0000),
      ("blackhole", 0xFFFF_029A), ("local-AS", 0xFFFF_FF03), ("0:5", 5),
    ] as [(String, UInt32)])
  func `a community's text reads back`(text: String, value: UInt32) {
    #expect(Community(text: text)?.rawValue == value)
    #expect(Community(rawValue: value).description == text)
  }

  @Test(
    arguments: [
      (ExtendedCommunity.Kind.routeTarget, "65000:1", 0x0002_FDE8_0000_0001),
      (.siteOfOrigin, "192.0.2.1:7", 0x0103_C000_0201_0007),
      (.routeTarget, "4200000000:9", 0x0202_FA56_EA00_0009),
    ] as [(ExtendedCommunity.Kind, String, UInt64)])
  func `an extended community has the octets of RFC 4360 and 5668`(
    kind: ExtendedCommunity.Kind, text: String, value: UInt64
  ) {
    #expect(ExtendedCommunity(kind, text: text)?.rawValue == value)
    #expect(ExtendedCommunity(rawValue: value).value == text)
    #expect(ExtendedCommunity(rawValue: value).kind == kind)
  }

  @Test(arguments: ["65536:1", "1:2:3", "", "a:b", "1:", "-1:2", "4294967296"])
  func `a text that is no community is none`(text: String) {
    #expect(Community(text: text) == nil)
  }

  @Test func `a standard community list wants all of a rule's, exact ones no others`() {
    let (a, b) = (Community(rawValue: 1), Community(rawValue: 2))
    var list = CommunityList()
    list.add(permit: true, .all([a, b]))
    #expect(list.permits([b, a], isExact: true))
    #expect(!list.permits([a], isExact: false))
    let more = [a, b, Community.noExport]
    #expect(list.permits(more, isExact: false))
    #expect(!list.permits(more, isExact: true))
  }
}

@Suite struct PathExpressionTests {
  /// Pattern, text, found. What glibc's regexec says, with `_` written out as FRR does.
  static let cases: [(String, String, Bool)] = [
    ("^$", "", true), ("^$", "65001", false), ("_65001_", "65001", true),
    ("_65001_", "64512 65001 3", true), ("_65001_", "165001 650011", false),
    ("^65001_", "65001 2", true), ("^65001_", "650011", false), ("_65001$", "2 65001", true),
    ("^65001( 65001)*$", "65001 65001 65001", true),
    ("^65001( 65001)*$", "65001 65001 65002", false), ("^[0-9]+$", "123", true),
    ("^[0-9]+$", "12 3", false), ("^[0-9]+_[0-9]+$", "12 3", true), ("_{1,2}_", "", true),
    ("_2_", "1 {2,3} 4", true), ("_3_", "1 {2,3} 4", true), ("(1|2)_3", "2 3", true),
    ("^1{3}$", "111", true), ("^1{3}$", "11", false), ("^1{2,}$", "11111", true),
    ("^1{1,2}$", "111", false), ("^(10|20)?_?5$", "5", true), ("[^0-9 ]", "1 2", false),
    ("[]x]", "]", true), ("[a-]", "-", true), ("a\\.b", "a.b", true), ("a\\.b", "axb", false),
    (".*", "", true), ("(1*)*2", String(repeating: "1", count: 2000), false),
    ("^6500[0-9]:.*$", "65001:12", true), ("x{", "x{", true), ("a||b", "", true),
  ]

  @Test(arguments: cases)
  func `a pattern finds what POSIX says`(pattern: String, text: String, isFound: Bool) throws {
    #expect(try PathExpression(pattern).matches(text) == isFound)
  }

  @Test(arguments: ["(1", "[12", "*1", "1)", "a\\", "2-[9-1]", "1{3,2}", "((((1{200}){200}){2}))"])
  func `what is no pattern is refused`(pattern: String) {
    #expect(throws: PathExpression.Mistake.self) { try PathExpression(pattern) }
  }

  @Test func `the longest pattern of repeated stars ends in time`() throws {
    let expression = try PathExpression(String(repeating: "(1*)*", count: 100) + "2")
    #expect(!expression.matches(String(repeating: "1", count: 4000)))
  }
}
