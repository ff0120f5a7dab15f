import Glibc
import Intent
import Kubernetes
import Linux
import Testing

@testable import RouterService

@Loop struct TextRouterTests {
  private func withFile(_ text: String?, _ body: (TextRouter, String) async throws -> Void)
    async throws
  {
    let path = "/tmp/atoll-router-\(getpid())-\(UInt32.random(in: 0 ... .max)).conf"
    if let text { try FileSystem.write(text, to: path) }
    defer { unlink(path) }
    let router = TextRouter(path: path)
    try await router.start()
    try await body(router, path)
    await router.stop(graceful: true)
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
      let again = TextRouter(path: path)
      try await again.start()
      #expect(again.configuration == router.configuration)
      let over = await router.shell("exit", session: "2")
      #expect(over["isOver"].bool == true)
    }
  }
}

/// The file read again while the router runs.
@Loop struct TextRouterReloadTests {
  private func withRouter(_ body: (TextRouter, String) throws -> Void) async throws {
    let path = "/tmp/atoll-router-\(getpid())-\(UInt32.random(in: 0 ... .max)).conf"
    try FileSystem.write("hostname lab\n", to: path)
    defer { unlink(path) }
    var options = Router.Options()
    options.installsRoutes = false
    let router = TextRouter(path: path, options: options)
    try await router.start()
    try body(router, path)
    await router.stop(graceful: false)
  }

  @Test(arguments: [
    ("router bgp 64512\n neighbor 10.0.0.1 remote-as zero\n", "line 2: "),
    // Right line by line, and wrong as a whole.
    (
      "hostname lab\nrouter bgp 64512\n neighbor nodes peer-group\n"
        + " neighbor 10.0.0.1 peer-group nodes\n", "remote AS"
    ),
  ])
  func `a text that is refused leaves the last good one in force, and says why`(
    text: String, reason: String
  ) async throws {
    try await withRouter { router, path in
      let before = router.configuration
      try FileSystem.write(text, to: path)
      router.reload()
      #expect(router.configuration == before)
      #expect(router.failure?.contains(reason) == true, "\(router.failure ?? "no failure")")
      try FileSystem.write("hostname other\n", to: path)
      router.reload()
      #expect(router.configuration.hostname == "other")
      #expect(router.failure == nil)
    }
  }
}
