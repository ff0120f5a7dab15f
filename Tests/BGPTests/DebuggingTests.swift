import NetTypes
import Testing

@testable import BGP

/// What `debug bgp …` shows of a speaker.
@Suite struct DebuggingTests {
  private let first = IPPrefix("10.1.0.0/24")!
  private let second = IPPrefix("10.2.0.0/24")!

  /// The traces of a session in which a peer announces two prefixes, of which policy takes one.
  private func traces(_ topic: SpeakerDebugging.Topic, prefix: IPPrefix? = nil) -> [SpeakerTrace] {
    var policy = RoutingPolicy()
    policy.prefixLists["p"] = PrefixList()
    policy.prefixLists["p"]?.add(permit: true, PrefixCondition(first))
    var puppet = Puppet(peerAS: 65001) {
      $0.neighbors[0].settings.importPolicy = PolicyChain(prefixList: "p")
      $0.networks = [IPPrefix("10.9.0.0/24")!]
    }
    puppet.handle(.configure(puppet.speaker.configuration, policy))
    if topic != [] { puppet.speaker.debugging.show(topic, prefix: prefix) }
    puppet.establish(as: 65001)
    puppet.announce("10.1.0.0/24", "10.2.0.0/24", path: [65001])
    return puppet.traces
  }

  @Test func `nothing is put into words while debugging is off`() {
    #expect(traces([]).isEmpty)
  }

  @Test func `updates that come are told with what is denied, and why`() {
    let traces = traces(.updatesIn)
    #expect(traces.allSatisfy { $0.peer == Puppet.peer && $0.topic == .updatesIn })
    #expect(
      traces.map(\.text) == [
        "rcvd UPDATE w/ attr: nexthop 10.0.0.2, origin i, path 65001",
        "rcvd 10.1.0.0/24 IPv4 unicast",
        "rcvd UPDATE about 10.2.0.0/24 IPv4 unicast -- DENIED due to: filter;",
      ])
    #expect(traces.map(\.prefix) == [nil, first, second])
    #expect(traces.last?.reason == "filter")
  }

  @Test func `a prefix that is named is shown alone`() {
    #expect(traces(.updates, prefix: second).map(\.prefix) == [second])
  }

  @Test func `updates that go are read from what is sent`() {
    let texts = traces(.updatesOut).map(\.text)
    #expect(texts.contains("send UPDATE 10.9.0.0/24 IPv4 unicast"))
    #expect(texts.contains("send End-of-RIB for IPv4 unicast"))
  }

  @Test func `events of a session are its states and messages`() {
    let texts = traces(.neighborEvents).map(\.text)
    #expect(texts.contains { $0.hasPrefix("rcvd OPEN, version 4, remote-as (in open) 65001") })
    #expect(texts.contains("went from OpenConfirm to Established"))
    #expect(!texts.contains { $0.contains("KEEPALIVE") })
    #expect(traces(.keepalives).map(\.text).contains("KEEPALIVE rcvd"))
  }

  @Test func `peers and prefixes add up, and the last that is taken away ends a topic`() {
    var debugging = SpeakerDebugging()
    debugging.show(.updatesIn, peer: Puppet.peer)
    debugging.show(.updatesIn, prefix: first)
    #expect(debugging.shows(.updatesIn, Puppet.peer))
    #expect(debugging.shows(.updatesIn, Puppet.own, first))
    #expect(!debugging.shows(.updatesIn, Puppet.own, second))
    #expect(!debugging.shows(.updatesOut, Puppet.peer))
    debugging.hide(.updatesIn, peer: Puppet.peer)
    debugging.hide(.updatesIn, prefix: first)
    #expect(debugging == SpeakerDebugging())
    debugging.show(.updates)
    debugging.show(.updatesIn, peer: Puppet.peer)
    #expect(debugging.shows(.updatesIn, Puppet.own))
    debugging.hide(.all)
    #expect(debugging == SpeakerDebugging())
  }
}
