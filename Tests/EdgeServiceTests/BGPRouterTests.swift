import Glibc
import Kubernetes
import Linux
import Testing

@testable import EdgeService

@Loop struct BGPRouterTests {
  private func withFile(_ text: String?, _ body: (BGPRouter, String) async throws -> Void)
    async throws
  {
    let path = "/tmp/atoll-router-\(getpid())-\(UInt32.random(in: 0 ... .max)).conf"
    if let text { try FileSystem.write(text, to: path) }
    defer { unlink(path) }
    let router = BGPRouter(path: path)
    try await router.start()
    try await body(router, path)
    await router.stop()
  }

  @Test func `a text that cannot be read leaves the router down, and says where it is wrong`()
    async throws
  {
    try await withFile("router bgp 64512\n neighbor 10.0.0.1 timers 9 3\n") { router, path in
      #expect(router.router == nil)
      let failure = router.status["failure"].string ?? ""
      #expect(failure.hasPrefix("\(path): line 2: "))
    }
  }

  @Test func `what the shell writes is what the next start reads`() async throws {
    try await withFile(nil) { router, path in
      for line in ["en", "conf t", "hostname lab", "wr"] {
        _ = await router.shell(line, session: "1")
      }
      #expect(try FileSystem.readText(path).contains("hostname lab\n"))
      let other = await router.shell("", session: "2")
      #expect(other["prompt"].string == "lab[0]>")
      let again = BGPRouter(path: path)
      try await again.start()
      #expect(again.configuration == router.configuration)
      let over = await router.shell("exit", session: "2")
      #expect(over["isOver"].bool == true)
    }
  }
}
