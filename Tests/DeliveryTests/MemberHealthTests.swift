import NetTypes
import Testing

@testable import Delivery

@Suite struct MemberHealthTests {
  let monitor = Monitor(kind: .tcp, rise: 2, fall: 3)
  func at(_ milliseconds: Int) -> Instant { Instant.zero.advanced(by: .milliseconds(milliseconds)) }

  @Test func `fall failures in a row take a member out, rise successes bring it back`() {
    var health = MemberHealth(monitor: monitor, at: at(0))
    let events: [(MemberHealth.Event, [MemberHealth.Action])] = [
      (.probeFailed(reason: "a"), []), (.probeFailed(reason: "a"), []), (.probeSucceeded, []),
      (.probeFailed(reason: "a"), []), (.probeFailed(reason: "a"), []),
      (.probeFailed(reason: "b"), [.setAvailable(false)]), (.probeSucceeded, []),
      (.probeFailed(reason: "c"), []), (.probeSucceeded, []),
      (.probeSucceeded, [.setAvailable(true)]),
    ]
    for (step, (event, actions)) in events.enumerated() {
      #expect(health.handle(event, at: at(step)) == actions, "step \(step)")
    }
    #expect(health.state == .up)
    #expect(health.since == at(9))
  }

  @Test func `failed traffic ejects at once, and one probe after the back-off brings it back`() {
    var health = MemberHealth(monitor: monitor, at: at(0))
    #expect(
      health.handle(.trafficFailed(reason: "refused"), at: at(10))
        == [.setAvailable(false), .probe(at: at(110))])
    #expect(health.reason == "refused")
    #expect(health.handle(.probeSucceeded, at: at(50)) == [])
    #expect(health.handle(.trafficFailed(reason: "refused"), at: at(60)) == [.setAvailable(false)])
    #expect(health.handle(.probeSucceeded, at: at(110)) == [.setAvailable(true)])
  }

  @Test func `an ejected member whose probe fails needs rise successes`() {
    var health = MemberHealth(monitor: monitor, at: at(0))
    _ = health.handle(.trafficFailed(reason: "refused"), at: at(0))
    #expect(health.handle(.probeFailed(reason: "refused"), at: at(100)) == [])
    #expect(health.handle(.probeSucceeded, at: at(200)) == [])
    #expect(health.handle(.probeSucceeded, at: at(300)) == [.setAvailable(true)])
  }

  @Test func `without a monitor the back-off's end brings it back, and it doubles up to a limit`() {
    var health = MemberHealth(monitor: .none, at: at(0))
    var now = 0
    for delay in [100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000] {
      #expect(
        health.handle(.trafficFailed(reason: "x"), at: at(now))
          == [.setAvailable(false), .wake(at: at(now + delay))])
      #expect(health.handle(.woke, at: at(now + delay - 1)) == [.wake(at: at(now + delay))])
      now += delay
      #expect(health.handle(.woke, at: at(now)) == [.setAvailable(true)])
    }
    now += 60_001
    #expect(
      health.handle(.trafficFailed(reason: "x"), at: at(now)).last == .wake(at: at(now + 100)))
  }
}
