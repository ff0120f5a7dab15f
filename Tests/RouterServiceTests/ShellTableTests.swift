import BGP
import Intent
import Kubernetes
import Linux
import NetTypes
import Testing

@testable import RouterService

@Loop private final class Host: ShellHost {
  var configuration = ZebosConfiguration()
  var router: Router?
  func apply(_ configuration: ZebosConfiguration) throws {}
  func save() throws {}
  func savedConfiguration() throws -> String { "" }
}

/// Tables through the shell, from a router in a namespace of its own.
@Suite(.serialized, .enabled(if: isRoot, "needs root: network namespaces"))
@Loop struct ShellTableTests {
  /// A pair of routers, of which the left announces a table.
  private func withRouters(
    _ count: Int, _ body: (Shell, TwoNamespaces, (left: Router, right: Router)) async throws -> Void
  ) async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2") {
      $0.networks = (0..<count).map { index in
        IPPrefix(.v4(IPv4Address(rawValue: 0x2000_0000 + UInt32(index) << 8)), length: 24)
      }
      $0.timers.keepalive = .seconds(1)
    }
    let right = net.router(net.right, peer: "10.90.0.1") {
      $0.timers.keepalive = .seconds(1)
      $0.neighbors[0].settings.keepsReceived = true
    }
    try left.start()
    try right.start()
    let isUp = await eventually { right.sessionStatus.sizes[.ipv4]?.paths == count }
    #expect(isUp)
    let host = Host()
    host.router = right
    let shell = Shell(host)
    _ = shell.run("enable")
    try await body(shell, net, (left, right))
    left.stop(graceful: false)
    right.stop(graceful: false)
  }

  private func whole(_ shell: Shell, _ line: String) -> String {
    var answer = shell.run(line)
    var text = answer.output
    while answer.hasMore {
      answer = shell.run(Shell.more)
      text += answer.output
    }
    return text
  }

  @Test func `the forms of a table select, filter and count`() async throws {
    try await withRouters(40) { shell, _, routers in
      let table = whole(shell, "show ip bgp")
      #expect(table.hasSuffix("\nDisplayed  40 routes and 40 total paths\n"))
      #expect(whole(shell, "show bgp ipv4 unicast") == table)
      #expect(whole(shell, "show ip bgp | count 32.0.1") == "11\n")
      let line = whole(shell, "sh ip bgp | inc 32.0.7.0/24")
      #expect(line.hasPrefix("*>i32.0.7.0/24      10.90.0.1"), "\(line)")
      #expect(whole(shell, "show ip bgp | begin Displayed").hasPrefix("Displayed  40"))
      #expect(
        whole(shell, "show ip bgp 32.0.5.9").hasPrefix("BGP routing table entry for 32.0.5.0/24"))
      #expect(
        whole(shell, "show ip bgp 32.0.8.0/22 longer-prefixes").contains("Displayed  4 routes"))
      #expect(whole(shell, "show bgp ipv6 unicast").contains("Displayed  0 routes and 0"))
      #expect(
        whole(shell, "show ip bgp filter-list x") == "% x is not a valid AS-path access-list name\n"
      )
      #expect(whole(shell, "show ip bgp | frob x").hasPrefix("% Unknown command"))
      let json = try JSON(parsing: whole(shell, "show ip bgp json"))
      #expect(json["routes"]["32.0.7.0/24"][0]["bestpath"].bool == true)
      let received = whole(shell, "show ip bgp neighbors 10.90.0.1 received-routes")
      #expect(received.hasSuffix("\nTotal number of prefixes 40\n"))
      let told = try JSON(
        parsing: whole(shell, "show ip bgp neighbors 10.90.0.1 received-routes json"))
      #expect(told["receivedRoutes"]["32.0.7.0/24"]["nextHop"].string == "10.90.0.1")
      #expect(told["totalPrefixCounter"].int == 40 && told["filteredPrefixCounter"].int == 0)
      #expect(
        whole(shell, "show ip bgp neighbors 10.90.0.9 received-routes")
          == "% No such neighbor in this view/vrf\n")
      #expect(
        whole(shell, "show ip bgp neighbors 10.90.0.1 routes").contains("Displayed  40 routes"))
      #expect(whole(shell, "show ip route").contains("B>* 32.0.7.0/24 [200/0] via 10.90.0.1\n"))
      let kernel = try JSON(parsing: whole(shell, "show ip route json"))
      #expect(kernel["32.0.7.0/24"][0]["installed"].bool == true)
      let other = Host()
      other.router = routers.left
      let advertised = whole(Shell(other), "show ip bgp neighbors 10.90.0.2 advertised-routes")
      #expect(advertised.hasSuffix("\nTotal number of prefixes 40\n"))
      let summary = try JSON(parsing: whole(shell, "show bgp summary json"))
      #expect(summary["ipv4Unicast"]["peers"]["10.90.0.1"]["pfxRcd"].int == 40)
    }
  }

  @Test func `a large table comes in short turns, and sessions live on meanwhile`() async throws {
    try await withRouters(6000) { shell, _, routers in
      var (turns, longest, rows) = (0, Duration.zero, 0)
      var answer = Shell.Answer()
      let heard = routers.right.status.sessions[0].counters.received.keepalives
      // As slow as a reader of some seconds, so that keepalives fall due.
      repeat {
        let start = Loop.now
        answer = shell.run(turns == 0 ? "show ip bgp" : Shell.more)
        longest = max(longest, start.duration(to: Loop.now))
        rows += answer.output.split(separator: "\n").count { $0.hasPrefix("*>") }
        turns += 1
        try await Loop.sleep(.milliseconds(300))
      } while answer.hasMore
      #expect(rows == 6000)
      #expect(turns > 10)
      // Optimized it is some ms; the bound is for a debug build on a busy machine.
      #expect(longest < .milliseconds(500))
      #expect(routers.right.status.sessions[0].state == .established)
      let heardNow = routers.right.status.sessions[0].counters.received.keepalives
      #expect(heardNow >= heard + 2)
    }
  }
}
