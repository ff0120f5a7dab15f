import Engine
import Glibc
import HTTP
import Kubernetes
import Linux
import NetTypes
import Telemetry
import Transport

/// The control socket of an edge that runs alone, and where metrics may be scraped.
extension EdgeFileService {
  /// Where the edge of a file listens: `/run/atoll/edge-NAME.sock`, NAME being the file's without
  /// its extension; of a user who may not write there, in the folder of `XDG_RUNTIME_DIR`.
  package nonisolated static func defaultSocket(_ path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? "edge"
    let name = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
    return "\(runtimeFolder)/edge-\(name).sock"
  }

  private nonisolated static var runtimeFolder: String {
    if geteuid() == 0 { return "/run/atoll" }
    return getenv("XDG_RUNTIME_DIR").map { String(cString: $0) + "/atoll" }
      ?? "/tmp/atoll-\(geteuid())"
  }

  /// The default sockets that are there.
  package nonisolated static func sockets() -> [String] {
    let names = (try? FileSystem.list(runtimeFolder)) ?? []
    return names.filter { $0.hasPrefix("edge-") && $0.hasSuffix(".sock") }.sorted().map {
      "\(runtimeFolder)/\($0)"
    }
  }

  /// - Throws: EADDRINUSE if another process serves the socket.
  func startControl() throws {
    var limits = HTTPServer.Limits()
    limits.connections = 64
    limits.bodyBytes = 1 << 20
    if let path = options.socket {
      if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
        try FileSystem.makeDirectories(String(path[..<slash]), mode: 0o700)
      }
      let server = HTTPServer(listener: try Listener(unixPath: path), limits: limits) {
        [unowned self] request in
        if let answer = await answerHandover(request) { return answer }
        return answer(request)
      }
      server.start()
      controlServers.append(server)
    }
    if let address = options.metrics {
      let server = HTTPServer(listener: try Listener(address), limits: limits) {
        [unowned self] request in
        switch (request.method, request.target.path) {
        case ("GET", "/metrics"), ("GET", "/healthz"): answer(request)
        default: HTTPResponse(status: 404, text: "\(request.target.path) is not served here\n")
        }
      }
      server.start()
      controlServers.append(server)
    }
  }

  func stopControl() async {
    for server in controlServers { await server.stop(drain: .milliseconds(200)) }
    controlServers = []
  }

  private func answer(_ request: HTTPRequest) -> HTTPResponse {
    if let answer = EdgeControl(engine: engine).answer(request) { return answer }
    switch (request.method, request.target.path) {
    case ("GET", "/status"): return EdgeControl.json(200, status)
    case ("GET", "/metrics"):
      return HTTPResponse(
        status: 200, contentType: MetricsPage.contentType, text: metrics.text)
    case ("GET", "/healthz"): return HTTPResponse(status: 200, text: "ok")
    default:
      return HTTPResponse(status: 404, text: "\(request.target.path) is not served here\n")
    }
  }

  package var status: JSON {
    [
      "file": .string(options.path), "pid": JSON(Int(getpid())),
      "uptimeSeconds": JSON(Int(started.duration(to: Loop.now).components.seconds)),
      "workers": JSON(engine.workerCount),
      "problems": JSON(problems.map { "\($0)" }),
      "edge": engine.snapshot().json,
    ]
  }

  package var metrics: MetricsPage {
    var page = MetricsPage()
    page.add(
      .gauge, "atoll_edge_problems", "Objects and lines of the file that are not served.",
      problems.count)
    engine.snapshot().addMetrics(to: &page)
    return page
  }
}
