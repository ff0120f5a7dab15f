import HTTP
import Kubernetes
import Linux
import NetTypes
import Transport

/// The node's own API on port 10250, for clients with a certificate of the unit's authority.
@Loop package final class KubeletServer {
  private let server: HTTPServer

  /// - Parameter files: PEM, as in `NodeOptions`.
  package init(_ options: NodeOptions, agent: NodeAgent) throws {
    let text = { (path: String) throws in String(decoding: try FileSystem.read(path), as: UTF8.self)
    }
    let tls = try TLSContext.server(
      KeyPair(
        certificatePEM: try text(options.certificatePath), keyPEM: try text(options.keyPath)),
      clientCA: try text(options.authorityPath))
    let listener = try Listener(
      SocketAddress(options.address.address, port: options.kubeletPort))
    server = HTTPServer(listener: listener, tls: tls) { [weak agent] request in
      guard let agent else { return HTTPResponse(status: 503, text: "stopping\n") }
      return Self.answer(request, agent)
    }
  }

  package func start() { server.start() }
  package func stop() async { await server.stop() }

  static func answer(_ request: HTTPRequest, _ agent: NodeAgent) -> HTTPResponse {
    // The handshake lets a client without a certificate in; such a one may see no log, and of
    // those with one only administrators, as the API server is.
    guard let identity = request.identity else {
      return HTTPResponse(status: 401, text: "Unauthorized\n")
    }
    guard identity.organizations.contains("system:masters") else {
      return HTTPResponse(status: 403, text: "Forbidden: user \"\(identity.commonName)\"\n")
    }
    do throws(KubeletRequest.Refusal) {
      switch try KubeletRequest(method: request.method, target: request.target) {
      case .healthz: return HTTPResponse(status: 200, text: "ok")
      case .pods: return pods(agent)
      case .logs(let pod, let container, let options):
        return logs(pod, container, options, agent)
      }
    } catch {
      switch error {
      case .notFound: return HTTPResponse(status: 404, text: "404 page not found\n")
      case .methodNotAllowed: return HTTPResponse(status: 405, text: "method not allowed\n")
      case .badRequest(let text): return HTTPResponse(status: 400, text: text + "\n")
      }
    }
  }

  private static func pods(_ agent: NodeAgent) -> HTTPResponse {
    let items = agent.workers.values.map { worker in
      var object = worker.specification.object
      object["status"] = worker.lifecycle.status(hostAddresses: agent.hostAddresses)
      return object
    }
    let list: JSON = [
      "kind": "PodList", "apiVersion": "v1", "metadata": [:],
      "items": .array(items.sorted { ResourceName(of: $0) < ResourceName(of: $1) }),
    ]
    return HTTPResponse(status: 200, contentType: "application/json", body: list.bytes)
  }

  private static func logs(
    _ pod: ResourceName, _ name: String, _ options: KubeletRequest.LogOptions, _ agent: NodeAgent
  ) -> HTTPResponse {
    guard
      let worker = agent.workers.values.first(where: {
        $0.specification.namespace == pod.namespace && $0.specification.name == pod.name
      })
    else {
      return HTTPResponse(status: 404, text: "pod \"\(pod.name)\" not found on this node\n")
    }
    guard let container = worker.container(name) else {
      return HTTPResponse(
        status: 400, text: "container \(name) is not valid for pod \(pod.name)\n")
    }
    guard let attempt = container.logAttempt(previous: options.isPrevious) else {
      let text =
        options.isPrevious
        ? "previous terminated container \"\(name)\" in pod \"\(pod.name)\" not found"
        : "container \"\(name)\" in pod \"\(pod.name)\" is waiting to start: ContainerCreating"
      return HTTPResponse(status: 400, text: text + "\n")
    }
    let path = agent.files.logPath(worker.specification, container: name, attempt: attempt)
    let reader = LogReader(path: path)
    return .stream(contentType: "text/plain") { writer in
      var left = options.limitBytes ?? Int.max
      func send(_ bytes: [UInt8]) async throws {
        let part = Array(bytes.prefix(left))
        left -= part.count
        try await writer.write(part)
      }
      try reader.seek(tailLines: options.tailLines)
      while left > 0 {
        // Asked before reading: what it wrote last is then read as well.
        let isAlive =
          worker.container(name).map { $0.isRunning && $0.restartCount == attempt } ?? false
        let bytes = reader.read()
        if !bytes.isEmpty {
          try await send(bytes)
        } else if options.follows, isAlive, !writer.isClientGone {
          try await Loop.sleep(.milliseconds(100))
        } else {
          break
        }
      }
    }
  }
}

extension ContainerLifecycle {
  /// Which attempt's log is meant; nil if there is none.
  func logAttempt(previous: Bool) -> Int? {
    switch state {
    case .running, .stopping, .exited:
      return previous ? (restartCount > 0 ? restartCount - 1 : nil) : restartCount
    case .backingOff:
      // The one that crashed is both the last and the one before the next.
      return restartCount
    case .waiting, .failedToCreate, .creating:
      return restartCount > 0 ? restartCount - 1 : nil
    }
  }
}
