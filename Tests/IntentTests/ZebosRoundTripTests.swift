import BGP
import NetTypes
import Testing

@testable import Intent

/// Statements of every kind, with values drawn from a seed.
private struct StatementGenerator {
  var random: SeededRandom

  mutating func pick<Value>(_ values: [Value]) -> Value {
    values[Int.random(in: 0..<values.count, using: &random)]
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  mutating func name() -> String { pick(["a", "b", "pods", "7", "150"]) }

  private mutating func neighbor() -> String {
    pick(["10.0.0.1", "10.0.0.2", "2001:db8::2", "group", "eth0"])
  }

  private mutating func prefix() -> String {
    pick(["10.0.0.0/8", "10.53.0.0/16", "0.0.0.0/0", "2001:db8::/32", "::/0"])
  }

  private mutating func setting() -> String {
    pick([
      "remote-as \(number(1...9))", "remote-as external", "remote-as internal",
      "description to the  lab", "shutdown",
      "shutdown message back soon", "passive", "password secret", "timers 3 9", "timers 5 20",
      "timers connect \(number(1...9))", "next-hop-self", "next-hop-self force",
      "route-reflector-client", "default-originate", "update-source 10.0.0.9", "ebgp-multihop",
      "ebgp-multihop 3", "ttl-security hops 2", "local-role customer",
      "local-role peer strict-mode",
      "allowas-in", "allowas-in 2", "bfd", "bfd 3 50 100", "addpath-tx-all-paths",
      "addpath-tx-bestpath-per-AS", "addpath-tx-best-selected 3", "disable-addpath-rx",
      "maximum-prefix 100", "maximum-prefix 100 80 warning-only", "maximum-prefix 9 restart 5",
      "prefix-list \(name()) in", "filter-list \(name()) out", "distribute-list \(name()) in",
      "route-map \(name()) out", "activate", "peer-group group", "peer-group", "interface",
      "interface remote-as external", "interface peer-group group",
    ])
  }

  private mutating func router() -> String {
    let source = pick(["connected", "kernel", "static"])
    return pick([
      "bgp router-id 10.0.0.1", "bgp graceful-restart", "bgp graceful-restart restart-time 60",
      "bgp graceful-restart stalepath-time 100", "bgp graceful-shutdown", "bgp cluster-id 1.1.1.1",
      "bgp always-compare-med", "bgp client-to-client reflection",
      "bgp bestpath as-path multipath-relax", "bgp default local-preference 200",
      "bgp default ipv4-unicast", "bgp listen limit 7",
      "bgp listen range \(prefix()) peer-group group", "timers bgp 10 30",
      "maximum-paths \(number(1...8))", "maximum-paths ibgp 4", "network \(prefix())",
      "redistribute \(source)", "redistribute \(source) metric 5 route-map \(name())",
    ])
  }

  private mutating func clause() -> String {
    pick([
      "match ip address prefix-list \(name())", "match ip address \(name())",
      "match ipv6 address prefix-len 48", "match ip next-hop prefix-list \(name())",
      "match ip next-hop address 10.0.0.1", "match ipv6 next-hop 2001:db8::1",
      "match as-path \(name())", "match community \(name()) exact-match",
      "match large-community \(name())", "match extcommunity \(name())", "match metric 5",
      "match local-preference 100", "match origin egp", "match peer 10.0.0.1",
      "match source-protocol static", "match tag 7", "set local-preference +10", "set metric -5",
      "set metric 9", "set weight 100", "set origin incomplete", "set as-path prepend 1 2 3",
      "set as-path prepend last-as 3", "set as-path exclude 1 2", "set community 1:1 no-export",
      "set community 1:1 additive", "set community none", "set comm-list \(name()) delete",
      "set large-community 1:2:3 additive", "set large-comm-list \(name()) delete",
      "set extcommunity rt 1:2 3:4", "set extcommunity soo 1.2.3.4:5", "set extcommunity none",
      "set ip next-hop 10.0.0.1", "set ip next-hop peer-address", "set ip next-hop unchanged",
      "set ipv6 next-hop global 2001:db8::1", "set originator-id 1.2.3.4", "set atomic-aggregate",
      "set aggregator as 1 1.2.3.4", "set tag 5", "call \(name())", "description a clause",
      "on-match next", "on-match goto 90", "continue", "continue 95",
    ])
  }

  private mutating func list() -> String {
    let verdict = pick(["permit", "deny"])
    let head = pick(["\(name())", "\(name()) seq \(number(1...20))"])
    return pick([
      "ip prefix-list \(head) \(verdict) 10.0.0.0/8 ge 16 le 24",
      "ip prefix-list \(head) \(verdict) any", "ip prefix-list \(name()) description of pods",
      "ipv6 prefix-list \(head) \(verdict) 2001:db8::/32 le 64",
      "access-list \(head) \(verdict) 10.0.0.0/8 exact-match",
      "ipv6 access-list \(head) \(verdict) any",
      "bgp as-path access-list \(head) \(verdict) ^65_(1|2)$",
      "ip as-path access-list \(head) \(verdict) ^$",
      "bgp community-list standard \(head) \(verdict) 1:1 no-export",
      "bgp community-list expanded \(head) \(verdict) _1:[0-9]+_",
      "bgp community-list \(head) \(verdict) 1:1",
      "bgp large-community-list standard \(head) \(verdict) 1:2:3",
      "bgp extcommunity-list standard \(head) \(verdict) rt 1:2 soo 3:4",
    ])
  }

  mutating func statement() -> String {
    let no = number(0...4) == 0 ? "no " : ""
    return switch number(0...11) {
    case 0: "router bgp 64512"
    case 1: "address-family \(pick(["ipv4", "ipv6"])) unicast"
    case 2: "route-map \(name()) \(pick(["permit", "deny"])) \(number(1...80))"
    case 3: pick(["exit", "exit-address-family", "!"])
    case 4, 5: no + clause()
    case 6: no + list()
    case 7: no + router()
    default: no + "neighbor \(neighbor()) \(setting())"
    }
  }
}

@Suite struct ZebosRoundTripTests {
  @Test(arguments: 1...60)
  func `what is printed reads back as the same configuration, whatever was typed`(
    _ seed: UInt64
  ) throws {
    var generator = StatementGenerator(random: SeededRandom(seed: seed))
    var configuration = ZebosConfiguration()
    var context = ZebosConfiguration.Context.global
    var typed: [String] = []
    func type(_ statement: String) {
      // What is refused changes nothing: it belongs to another section, or removes what is not.
      if (try? configuration.apply(statement, in: &context)) != nil { typed.append(statement) }
    }
    for statement in ["router bgp 64512", "neighbor group peer-group"] { type(statement) }
    for _ in 0..<400 { type(generator.statement()) }
    let text = configuration.runningConfiguration
    let again = try ZebosConfiguration(parsing: text)
    #expect(again == configuration, "seed \(seed)\n\(text)")
    #expect(again.runningConfiguration == text, "seed \(seed)")
  }
}
