import Glibc
import HTTP
import Linux
import NetTypes
import Transport

/// Probes over real sockets, with kubelet's texts.
@Loop package final class NetworkProbes: ProbeRunner {
  package init() {}

  package func http(
    _ get: LifecycleHandler.HTTPGet, to target: SocketAddress, limit: Duration
  ) async -> ProbeResult {
    let text = "Get \"\(get.isTLS ? "https" : "http")://\(target)\(get.path)\""
    return await within(limit, text) {
      var headers: HTTPHeaders = ["User-Agent": "kube-probe/1.32", "Accept": "*/*"]
      headers["Host"] = "\(target)"
      headers["Connection"] = "close"
      for header in get.headers where header.count == 2 { headers[header[0]] = header[1] }
      let client = HTTPClient(tls: get.isTLS ? try .clientWithoutVerification() : nil)
      defer { client.closeIdle() }
      guard let url = HTTPURL("\(get.isTLS ? "https" : "http")://\(target)/") else {
        return .failure("\(text): bad address")
      }
      let response = try await client.send(
        HTTPRequestHead(method: "GET", target: get.path, headers: headers),
        to: HTTPClient.Origin(url), timeout: limit)
      defer { response.body.cancel() }
      return (200..<400).contains(response.status)
        ? .success : .failure("HTTP probe failed with statuscode: \(response.status)")
    }
  }

  package func tcp(_ target: SocketAddress, limit: Duration) async -> ProbeResult {
    await within(limit, "dial tcp \(target)") {
      _ = try await connectSocket(to: .address(target), timeout: limit)
      return .success
    }
  }

  package func grpc(
    _ target: SocketAddress, service: String, limit: Duration
  ) async -> ProbeResult {
    await within(limit, "grpc \(target)") {
      let stream = try await connectStream(to: .address(target), timeout: limit)
      defer { stream.close() }
      try await stream.write(GRPCHealthCheck.request(service: service, authority: "\(target)"))
      var check = GRPCHealthCheck()
      while true {
        let bytes = try await stream.read(atMost: 16_384)
        if bytes.isEmpty { return .failure("service closed the connection") }
        switch check.receive(bytes) {
        case .needMore(let answer): if !answer.isEmpty { try await stream.write(answer) }
        case .status(1): return .success
        case .status(let status):
          return .failure("service unhealthy (responded with \"\(GRPCHealthCheck.name(status))\")")
        case .failed(let text): return .failure(text)
        }
      }
    }
  }

  /// A probe that takes longer than `limit` has failed.
  private func within(
    _ limit: Duration, _ text: String, _ body: @escaping @Loop () async throws -> ProbeResult
  ) async -> ProbeResult {
    let task = Task { @Loop in try await body() }
    var isLate = false
    let timer = Loop.after(limit) {
      isLate = true
      task.cancel()
    }
    defer { timer.cancel() }
    do {
      let result = try await task.value
      if !isLate { return result }
    } catch let error as SystemError {
      return .failure("\(text): \(error.call): \(error.reason.lowercased())")
    } catch  where !isLate {
      return .failure("\(text): \(error)")
    } catch {
      // Reported below.
    }
    return .failure("\(text): context deadline exceeded")
  }
}
