import HTTP
import Kubernetes
import Linux
import NetTypes
import Testing
import Transport

@testable import KubeClient

/// An API server that answers from a script: one step a request, in order.
@Loop private final class ScriptedServer {
  enum Step {
    /// Whatever text, with a status.
    case answer(Int, String)
    /// Watch lines, then the end of the response.
    case watch([String])
    /// Watch lines, then nothing until the client goes away.
    case hold([String])
    /// Watch lines, then a broken connection.
    case `break`([String])
  }

  private(set) var requests: [RequestTarget] = []
  private var steps: [Step]
  private var server: HTTPServer?
  let client: KubeClient
  private var waiting: [(Int, Waiter)] = []

  init(_ steps: [Step]) throws {
    self.steps = steps
    let listener = try Listener(SocketAddress(.v4(.loopback), port: 0))
    let address = try #require(listener.address)
    var config = Kubeconfig(
      cluster: "x", server: "http://\(address)", certificateAuthority: "", clientCertificate: "",
      clientKey: "")
    config.client = nil
    client = try KubeClient(kubeconfig: config)
    let server = HTTPServer(listener: listener) { [unowned self] in await self.answer($0) }
    server.start()
    self.server = server
  }

  /// Suspends until `count` requests have come.
  func requested(_ count: Int) async throws {
    guard requests.count < count else { return }
    let waiter = Waiter()
    waiting.append((count, waiter))
    try await waiter.wait()
  }

  func stop() async { await server?.stop() }

  private func answer(_ request: HTTPRequest) async -> HTTPResponse {
    requests.append(request.target)
    for (count, waiter) in waiting where requests.count >= count { waiter.resume() }
    let step = steps.isEmpty ? .hold([]) : steps.removeFirst()
    switch step {
    case .answer(let status, let text):
      return HTTPResponse(status: status, contentType: "application/json", body: Array(text.utf8))
    case .watch(let lines): return stream(lines) {}
    case .hold(let lines): return stream(lines) { try await Loop.sleep(.seconds(60)) }
    case .break(let lines): return stream(lines) { throw TransportError.closed }
    }
  }

  private func stream(
    _ lines: [String], _ end: @escaping @Loop () async throws -> Void
  ) -> HTTPResponse {
    .stream(contentType: "application/json") { writer in
      for line in lines { try await writer.write(Array((line + "\n").utf8)) }
      try await end()
    }
  }
}

private func node(_ name: String, _ version: Int) -> String {
  "{\"metadata\":{\"name\":\"\(name)\",\"resourceVersion\":\"\(version)\"}}"
}

private func list(_ version: Int, _ nodes: String...) -> ScriptedServer.Step {
  .answer(
    200,
    """
    {"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"\(version)"},
     "items":[\(nodes.joined(separator: ","))]}
    """)
}

private func event(_ type: String, _ object: String) -> String {
  "{\"type\":\"\(type)\",\"object\":\(object)}"
}

private let gone =
  "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old\"}"

/// Runs an informer against a script until as many requests have come as the script has steps and
/// one more, and returns what it reported and what it holds.
@Loop private func follow(
  _ steps: [ScriptedServer.Step]
) async throws -> (changes: [String], names: [String], requests: [RequestTarget]) {
  let server = try ScriptedServer(steps)
  var changes: [String] = []
  let informer = try Informer<Node>(server.client, .nodes) { change in
    switch change {
    case .added(let node): changes.append("+\(node.name)")
    case .modified(let old, let new):
      changes.append("~\(new.name) \(old.resourceVersion)→\(new.resourceVersion)")
    case .deleted(let node): changes.append("-\(node.name)")
    }
  }
  informer.start()
  try await server.requested(steps.count + 1)
  informer.stop()
  await server.stop()
  return (changes, informer.all.map(\.name), server.requests)
}

struct InformerTests {
  @Test func `a list and a watch make one picture`() async throws {
    let result = try await follow([
      list(5, node("a", 3), node("b", 4)),
      .watch([
        event("ADDED", node("c", 6)), event("MODIFIED", node("a", 7)),
        event("DELETED", node("b", 8)), event("BOOKMARK", node("", 20)),
      ]),
    ])
    #expect(result.changes == ["+a", "+b", "+c", "~a 3→7", "-b"])
    #expect(result.names == ["a", "c"])
    #expect(result.requests[1].queryValue("resourceVersion") == "5")
    #expect(result.requests[2].queryValue("resourceVersion") == "20")
    #expect(result.requests[2].queryValue("watch") == "true")
  }

  @Test func `a broken watch goes on from where it was`() async throws {
    let result = try await follow([
      list(5, node("a", 3)), .break([event("ADDED", node("b", 6))]),
      .answer(503, "upstream away"),
    ])
    #expect(result.changes == ["+a", "+b"])
    #expect(result.requests.map { $0.queryValue("resourceVersion") } == [nil, "5", "6", "6"])
  }

  @Test(arguments: [
    ScriptedServer.Step.watch([event("ERROR", gone)]), .answer(410, gone),
  ])
  private func `an expired version lists again and reports the difference`(
    expiry: ScriptedServer.Step
  ) async throws {
    let result = try await follow([
      list(5, node("a", 3), node("b", 4)), expiry, list(50, node("a", 3), node("c", 40)),
    ])
    #expect(result.changes == ["+a", "+b", "-b", "+c"])
    #expect(result.requests[3].queryValue("resourceVersion") == "50")
  }

  @Test(arguments: [
    ScriptedServer.Step.answer(500, "{}"), .answer(200, "{}"), .answer(200, "[]"),
    .answer(200, "not json"), .answer(200, ""), .break([]),
    .answer(200, "{\"kind\":\"NodeList\",\"items\":[]}"),
    .answer(200, "{\"kind\":\"Status\",\"status\":\"Failure\",\"metadata\":{}}"),
    .answer(403, gone.replacing("410", with: "403")),
  ])
  private func `a failed list deletes nothing`(failure: ScriptedServer.Step) async throws {
    let result = try await follow([list(5, node("a", 3)), .answer(410, gone), failure])
    #expect(result.changes == ["+a"])
    #expect(result.names == ["a"])
    // The version is lost, so it is the list that is tried again.
    #expect(result.requests[3].queryValue("watch") == nil)
  }

  @Test(arguments: ["not json", "{}", event("ODD", "{}"), event("DELETED", "{}")])
  func `a bad event changes nothing, and the watch starts again`(line: String) async throws {
    let result = try await follow([list(5, node("a", 3)), .watch([line])])
    #expect(result.changes == ["+a"])
    #expect(result.requests[2].queryValue("resourceVersion") == "5")
  }

  @Test func `a true empty list deletes`() async throws {
    let result = try await follow([list(5, node("a", 3)), .answer(410, gone), list(9)])
    #expect(result.changes == ["+a", "-a"])
  }

  @Test func `a list comes in pages`() async throws {
    let result = try await follow([
      .answer(
        200,
        """
        {"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"5","continue":"x/y"},
         "items":[\(node("a", 1))]}
        """),
      list(5, node("b", 2)),
    ])
    #expect(result.names == ["a", "b"])
    #expect(result.requests[1].queryValue("continue") == "x/y")
  }

  @Test func `who waits for the first list is woken by it`() async throws {
    let server = try await ScriptedServer([.answer(503, ""), list(5, node("a", 1))])
    let informer = try await Informer<Node>(server.client, .nodes)
    await informer.start()
    try await informer.waitForSync()
    let names = await informer.all.map(\.name)
    #expect(names == ["a"])
    await informer.stop()
    await server.stop()
  }
}

struct KubeClientTests {
  @Test func `a refusal is the server's Status`() async throws {
    let server = try await ScriptedServer([
      .answer(404, APIStatus.notFound(.services, "web").json.text), .answer(502, "<html>"),
    ])
    let name = ResourceName(namespace: "default", name: "web")
    await #expect {
      try await server.client.get(.services, name)
    } throws: {
      ($0 as? APIStatus)?.reason == "NotFound" && "\($0)" == "services \"web\" not found"
    }
    await #expect {
      try await server.client.get(.services, name)
    } throws: { ($0 as? APIStatus)?.code == 502 && "\($0)".contains("<html>") }
    await server.stop()
  }

  @Test func `retry pauses double, vary, and stop at five seconds`() {
    var retry = RetryPause()
    var bound = Duration.milliseconds(40)
    for _ in 0..<12 {
      let pause = retry.next()
      #expect(pause <= bound && pause >= bound / 2)
      bound = min(bound * 2, .seconds(5))
    }
    #expect(retry.afterExpiry() == .zero)
    #expect(retry.afterExpiry() > .zero)
    retry.reset()
    #expect(retry.next() <= .milliseconds(40))
  }
}
