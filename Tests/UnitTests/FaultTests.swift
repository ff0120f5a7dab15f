import Kubernetes
import NetTypes
import Testing

@testable import Unit

@Suite struct FaultTests {
  private func order(_ words: String) throws -> FaultOrder {
    try FaultOrder(words.split(separator: " ").map(String.init))
  }

  static let orders: [(String, FaultOrder)] = [
    ("kill unit west", .kill(.unit("west"))),
    ("kill control-plane west", .kill(.role("apiserver", unit: "west"))),
    ("pause pod whoami in east", .pause(.pod("whoami", unit: "east"))),
    ("resume node west-agent-0", .resume(.node("west-agent-0", unit: nil))),
    ("cut link east west", .cut("east", "west")), ("mend link east", .mend("east", "wan")),
    ("delay link east 50ms 5ms", .delay(site: "east", .milliseconds(50), jitter: .milliseconds(5))),
    ("lose link east 0.5%", .lose(site: "east", permille: 5)),
    ("answer 503 from whoami", .answer(status: 503, application: "whoami", unit: nil)),
    ("hang whoami in west", .hang(application: "whoami", unit: "west")),
    ("heal", .heal(nil)), ("heal 3", .heal(3)),
  ]

  @Test(arguments: orders)
  func `a line of words is an order`(words: String, expected: FaultOrder) throws {
    #expect(try order(words) == expected)
  }

  @Test(arguments: [
    ("break everything", "found \"break\", expected kill, pause"),
    ("kill", "found the end, expected unit, edge, dns"),
    ("kill planet mars", "found \"planet\", expected unit, edge"),
    ("cut east west", "found \"east\", expected link"),
    ("delay link east soon", "found \"soon\", expected a time"),
    ("lose link east 5", "found \"5\", expected a share, as 5%"),
    ("answer 99 from whoami", "found \"99\", expected a status"),
    ("kill unit west now", "found \"now\", expected the end"),
  ])
  func `what is no order is refused with what was found`(words: String, expected: String) {
    let error = #expect(throws: UnitError.self) { try order(words) }
    #expect(error?.description.hasPrefix("fault: \(expected)") == true, "\(error as Any)")
  }

  @Test func `a timeline has its steps in the order of their times`() throws {
    let timeline = try FaultTimeline.parse(
      """
      apiVersion: atoll.dev/v1alpha1
      kind: FaultTimeline
      spec:
        seed: 7
        steps:
        - {at: 20s, fault: heal}
        - {at: 500ms, fault: kill unit west}
      """, file: "faults.yaml")
    #expect(timeline.seed == 7)
    #expect(timeline.steps.map(\.order) == [.kill(.unit("west")), .heal(nil)])
    #expect(timeline.steps.map(\.at) == [.milliseconds(500), .seconds(20)])
  }

  @Test func `a mistake in a timeline names its step`() {
    let text = """
      {apiVersion: atoll.dev/v1alpha1, kind: FaultTimeline,
       spec: {steps: [{at: 1s, fault: heal}, {at: 2s, fault: kill time}]}}
      """
    let error = #expect(throws: (any Error).self) {
      try FaultTimeline.parse(text, file: "faults.yaml")
    }
    #expect("\(error as Any)".contains("spec.steps[1].fault: found \"time\""))
  }

  @Test func `what is written down of a fault is read again`() throws {
    let fault = Fault(
      number: 4, text: "kill unit west", since: Timestamp(unixSeconds: 1_700_000_000),
      undo: [
        .plug(mesh: "mesh", site: "west"), .up(unit: "west"),
        .release(owner: "west", role: "edge"), .proceed(pid: 7, started: "99"),
        .linkUp(namespace: "atoll-west-agent-0", interface: "eth0"), .reconnect(mesh: "mesh"),
        .endRelay(pid: 8, started: "98"), .behave(application: "whoami", unit: "west"),
      ])
    #expect(Fault(json: fault.json) == fault)
    #expect(fault.owners == ["west", "mesh"])
  }
}

@Suite struct LineImpairmentTests {
  @Test func `frames leave in the order they came, each after the delay and at most the jitter`() {
    var line = LineImpairment(seed: 1)
    line.delay = .milliseconds(50)
    line.jitter = .milliseconds(10)
    var last = Instant(nanoseconds: 0)
    for step in 0..<1000 {
      let now = Instant(nanoseconds: Int64(step) * 100_000)
      guard let due = line.admit(at: now) else { continue }
      #expect(due >= last && due >= now.advanced(by: line.delay))
      #expect(due <= now.advanced(by: .milliseconds(60)))
      last = due
    }
  }

  @Test func `the share that is lost is the one asked for, and the same by the same seed`() {
    func lost(_ seed: UInt64) -> [Int] {
      var line = LineImpairment(seed: seed)
      line.permille = 50
      return (0..<10_000).filter { _ in line.admit(at: Instant(nanoseconds: 0)) == nil }
    }
    #expect((400...600).contains(lost(3).count))
    #expect(lost(3) == lost(3) && lost(3) != lost(4))
  }
}
