import BGP
import Glibc
import Kubernetes
import Linux
import NetTypes
import Testing

@testable import RouterService

/// `debug bgp …` typed, and its lines.
@Loop struct ShellDebuggingTests {
  @Test func `debugging is switched and listed in FRR's words`() {
    var debugging = SpeakerDebugging()
    func run(_ line: String) -> String {
      debugging.run(line.split(separator: " ").map(String.init))
    }
    let first = [run("debug bgp updates"), run("debug bgp keepalives")]
    #expect(
      first == ["BGP updates debugging is on\n", "BGP keepalives debugging is on\n"])
    #expect(
      debugging.text == """
        BGP debugging status:
          BGP keepalives debugging is on
          BGP updates debugging is on


        """)
    let second = [run("no debug bgp updates"), run("debug bgp updates in 10.0.0.2")]
    #expect(
      second == [
        "BGP updates debugging is off\n",
        "BGP updates debugging is on (inbound) for 10.0.0.2\n",
      ])
    #expect(debugging.text.contains("  BGP updates debugging is on (inbound) for 10.0.0.2\n"))
    let third = [run("debug bgp bestpath 10.1.0.0/24"), run("undebug all")]
    #expect(
      third == [
        "BGP bestpath debugging is on for 10.1.0.0/24\n",
        "All possible debugging has been turned off\n",
      ])
    #expect(debugging == SpeakerDebugging())
  }

  @Test func `a burst of lines is told, the rest is counted`() {
    var budget = NoticeBudget.ofDebugging
    let start = Instant(nanoseconds: 1_000_000_000_000)
    var told = 0
    for _ in 0..<budget.burst + 50 where budget.admit(at: start) != nil { told += 1 }
    #expect(told == budget.burst)
    let later = start.advanced(by: .seconds(1))
    let withheld = [budget.admit(at: later), budget.admit(at: later)]
    #expect(withheld == [50, 0])
  }

  @Test(.enabled(if: isRoot, "needs root: network namespaces"))
  func `lines come to the shells that asked, by the next answer`() async throws {
    let path = "/tmp/atoll-router-\(getpid())-\(UInt32.random(in: 0 ... .max)).conf"
    try FileSystem.write(
      """
      router bgp 64512
       bgp router-id 10.0.0.1
       neighbor 127.0.0.2 remote-as 65001
       neighbor 127.0.0.2 shutdown
      """, to: path)
    defer { unlink(path) }
    var options = Router.Options()
    options.installsRoutes = false
    let net = try TwoNamespaces()
    options.namespace = "/run/netns/\(net.left)"
    let router = TextRouter(path: path, options: options)
    try await router.start()
    for line in ["enable", "debug bgp neighbor-events", "terminal monitor"] {
      _ = await router.shell(line, session: "1")
    }
    for line in ["enable", "config terminal", "router bgp 64512"] {
      _ = await router.shell(line, session: "2")
    }
    let other = await router.shell("no neighbor 127.0.0.2 shutdown", session: "2")
    #expect(other["log"].elements.isEmpty)
    let answer = await router.shell("", session: "1")
    #expect(answer["isMonitoring"].bool == true)
    let lines = answer["log"].elements.compactMap(\.string)
    #expect(lines.contains { $0.contains(" BGP: 127.0.0.2 went from Idle to ") }, "\(lines)")
    _ = await router.shell("undebug all", session: "1")
    #expect(await router.shell("", session: "1")["log"].elements.isEmpty)
    await router.stop(graceful: false)
  }
}
