import DNS
import Glibc
import HTTP
import Kubernetes
import Linux
import NetTypes
import Telemetry
import Transport

/// A name server's control socket: HTTP/1.1 over a Unix socket, for whoever may open the file.
///
///     GET /status             what is served and steered, and why, as JSON
///     GET /metrics            Prometheus text
///     POST /drain             {"unit"} or {"app"}: no new clients; with "force" also the last one
///     DELETE /drain           the same undoes it
///     POST /resume            {"member": "west/web"}: lets a member return that waits for it
@Loop final class NameControl {
  struct Actions {
    var status: @Loop () -> JSON
    var metrics: @Loop () -> MetricsPage
    /// - Throws: `Refusal`.
    var drain: @Loop (_ order: JSON, _ isDraining: Bool) throws(Refusal) -> Void
    var resume: @Loop (_ member: String) throws(Refusal) -> Void
  }

  /// Why an order is not followed.
  struct Refusal: Error {
    var status: Int
    var reason: String
    init(_ status: Int, _ reason: String) {
      self.status = status
      self.reason = reason
    }
  }

  private var servers: [HTTPServer] = []
  private let actions: Actions

  /// - Throws: EADDRINUSE if another process serves the socket.
  init(socket: String?, metrics: SocketAddress?, actions: Actions) throws {
    self.actions = actions
    var limits = HTTPServer.Limits()
    limits.connections = 64
    limits.bodyBytes = 1 << 20
    if let socket {
      if let slash = socket.lastIndex(of: "/"), slash > socket.startIndex {
        try FileSystem.makeDirectories(String(socket[..<slash]), mode: 0o700)
      }
      servers.append(
        HTTPServer(listener: try Listener(unixPath: socket), limits: limits) {
          [unowned self] request in answer(request)
        })
    }
    if let metrics {
      servers.append(
        HTTPServer(listener: try Listener(metrics), limits: limits) { [unowned self] request in
          switch (request.method, request.target.path) {
          case ("GET", "/metrics"), ("GET", "/healthz"): answer(request)
          default: Self.notServed(request)
          }
        })
    }
    for server in servers { server.start() }
  }

  func stop() async {
    for server in servers { await server.stop(drain: .milliseconds(200)) }
  }

  private func answer(_ request: HTTPRequest) -> HTTPResponse {
    switch (request.method, request.target.path) {
    case ("GET", "/status"): return json(actions.status())
    case ("GET", "/healthz"): return HTTPResponse(status: 200, text: "ok")
    case ("GET", "/metrics"):
      return HTTPResponse(
        status: 200, contentType: MetricsPage.contentType, text: actions.metrics().text)
    case ("POST", "/drain"), ("DELETE", "/drain"), ("POST", "/resume"):
      do throws(Refusal) {
        guard let order = try? JSON(parsing: request.body) else {
          throw Refusal(400, "the body is no JSON")
        }
        if request.target.path == "/resume" {
          guard let member = order["member"].string else {
            throw Refusal(400, "member: found nothing, expected SERVER/VIRTUALSERVER")
          }
          try actions.resume(member)
        } else {
          try actions.drain(order, request.method == "POST")
        }
        return json(actions.status())
      } catch {
        return HTTPResponse(status: error.status, text: error.reason + "\n")
      }
    default: return Self.notServed(request)
    }
  }

  private func json(_ json: JSON) -> HTTPResponse {
    HTTPResponse(status: 200, contentType: "application/json", body: json.bytes)
  }

  private static func notServed(_ request: HTTPRequest) -> HTTPResponse {
    HTTPResponse(
      status: 404, text: "\(request.method) \(request.target.path) is not served here\n")
  }
}
