import HTTP
import Kubernetes
import Linux
import Telemetry
import Transport

/// A router's control socket: HTTP/1.1 over a Unix socket, for whoever may open the file.
///
///     GET /status   what is routed, and by an edge served, as JSON
///     GET /metrics  Prometheus text
///     POST /shell   a line of the routing shell; JSON with output and prompt
///     POST /drain   by an edge: leave traffic in good order, then stop
@Loop package final class ControlServer {
  /// What the socket shows and does.
  package struct Actions {
    package var status: @Loop () -> JSON
    package var metrics: @Loop () -> MetricsPage
    /// - Parameter session: Whose modes and history the line belongs to.
    package var shell: @Loop (_ line: String, _ session: String) async -> JSON

    /// Begins to leave; nil: not served.
    package var drain: (@Loop () -> Void)?
    /// What the role serves besides; nil: it does not know the request.
    package var more: (@Loop (HTTPRequest) -> HTTPResponse?)?

    package init(
      status: @escaping @Loop () -> JSON, metrics: @escaping @Loop () -> MetricsPage,
      shell: @escaping @Loop (_ line: String, _ session: String) async -> JSON
    ) {
      self.status = status
      self.metrics = metrics
      self.shell = shell
    }
  }

  private let server: HTTPServer

  /// - Parameter path: Of the socket; its folder is made if it is not there.
  package init(path: String, actions: Actions) throws {
    if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
      try FileSystem.makeDirectories(String(path[..<slash]), mode: 0o700)
    }
    var limits = HTTPServer.Limits()
    limits.connections = 64
    limits.bodyBytes = 1 << 20
    server = HTTPServer(listener: try Transport.Listener(unixPath: path), limits: limits) {
      request in
      await Self.answer(request, actions)
    }
  }

  package func start() { server.start() }
  package func stop() async { await server.stop(drain: .milliseconds(200)) }

  private static func answer(_ request: HTTPRequest, _ actions: Actions) async -> HTTPResponse {
    if let answer = actions.more?(request) { return answer }
    let target = request.target
    switch (request.method, target.path) {
    case ("GET", "/status"): return json(actions.status())
    case ("GET", "/metrics"):
      return HTTPResponse(
        status: 200, contentType: MetricsPage.contentType, text: actions.metrics().text)
    case ("GET", "/healthz"): return HTTPResponse(status: 200, text: "ok")
    case ("POST", "/shell"):
      guard let line = String(validating: request.body, as: UTF8.self) else {
        return HTTPResponse(status: 400, text: "the line is not UTF-8\n")
      }
      return json(await actions.shell(line, target.queryValue("session") ?? ""))
    case ("POST", "/drain"):
      guard let drain = actions.drain else { break }
      drain()
      return HTTPResponse(status: 202, text: "draining\n")
    case (_, "/status"), (_, "/metrics"), (_, "/shell"), (_, "/healthz"):
      return HTTPResponse(status: 405, text: "\(request.method) is not served here\n")
    default: break
    }
    return HTTPResponse(status: 404, text: "\(target.path) is not served here\n")
  }

  private static func json(_ json: JSON) -> HTTPResponse {
    HTTPResponse(status: 200, contentType: "application/json", body: json.bytes)
  }
}

extension Shell.Answer {
  /// As the socket gives it.
  package var json: JSON {
    [
      "output": .string(output), "prompt": .string(prompt), "isOver": JSON(isOver),
      "completions": JSON(completions), "log": JSON(log),
      "isMonitoring": JSON(isMonitoring), "hasMore": JSON(hasMore),
      "pageLength": JSON(pageLength),
    ]
  }
}
