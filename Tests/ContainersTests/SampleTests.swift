import Containers
import Glibc
import Linux
import NetTypes
import Testing

/// The sample's executable, as it is built beside the tests.
enum Sample {
  static let path: String? = {
    guard let own = try? FileSystem.executablePath(), let slash = own.lastIndex(of: "/") else {
      return nil
    }
    let path = own[..<slash] + "/atoll-sample"
    return FileSystem.exists(String(path)) ? String(path) : nil
  }()
}

/// The sample as a process, asked by curl(1) and by plain sockets.
@Suite(.serialized, .enabled(if: Sample.path != nil, "atoll-sample is not built"))
struct SampleTests {
  /// Runs a server on a free port, gives its address to `body`, and ends it with SIGTERM.
  @Loop private func serving(
    _ arguments: String..., body: (String, ChildProcess) async throws -> Void
  ) async throws {
    let path = try #require(Sample.path)
    let probe = try Sockets.listen(on: SocketAddress(.v4(IPv4Address(127, 0, 0, 1)), port: 0))
    let port = try #require(Sockets.localAddress(probe.rawValue)?.port)
    _ = consume probe
    let child = try ChildProcess.spawn(
      [path] + arguments + ["--port", "\(port)"],
      environment: ["POD_NAME": "pod-1", "NODE_NAME": "agent-0"])
    let address = SocketAddress(.v4(IPv4Address(127, 0, 0, 1)), port: port)
    while !(try accepts(address)) { try await Loop.sleep(.milliseconds(5)) }
    do {
      try await body("\(address)", child)
    } catch {
      child.signal(SIGKILL)
      throw error
    }
    child.signal(SIGTERM)
    #expect(try await child.wait() == .exited(0))
  }

  private func accepts(_ address: SocketAddress) throws -> Bool {
    let socket = try Sockets.stream(for: address.address)
    do { try Sockets.beginConnect(socket.rawValue, to: address) } catch { return false }
    var watched = pollfd(fd: socket.rawValue, events: Int16(POLLOUT), revents: 0)
    return poll(&watched, 1, 1000) == 1 && Sockets.takeError(socket.rawValue) == 0
  }

  @Loop private func curl(_ arguments: String...) async throws -> String {
    let result = try await ChildProcess.run(["curl", "-sS", "--max-time", "20"] + arguments)
    #expect(result.ending.isSuccess, "\(result.errorText)")
    return result.outputText
  }

  @Test @Loop func `whoami names its pod and node, and repeats the request`() async throws {
    try await serving("whoami") { address, _ in
      let text = try await curl("-H", "X-Test: yes", "http://\(address)/a/b?c=d")
      for line in [
        "Name: pod-1", "Node: agent-0", "Address: 127.0.0.1", "GET /a/b?c=d HTTP/1.1",
        "X-Test: yes", "Host: \(address)",
      ] {
        #expect(text.split(separator: "\n").contains { $0 == line }, "\(line)")
      }
      #expect(try await curl("http://\(address)/healthz") == "ok\n")
    }
  }

  @Test @Loop func `httpbin answers with the status, bytes and stream asked for`() async throws {
    try await serving("httpbin") { address, _ in
      let status = ["-o", "/dev/null", "-w", "%{http_code} %{size_download}"]
      for (path, expected) in [
        ("status/503", "503 0"), ("status/204", "204 0"), ("bytes/70000", "200 70000"),
        ("status/999", "404"), ("bytes/-1", "404"), ("no/such", "404"),
      ] {
        let result = try await ChildProcess.run(
          ["curl", "-sS"] + status + ["http://\(address)/\(path)"])
        #expect(result.outputText.hasPrefix(expected), "\(path): \(result.outputText)")
      }
      let stream = try await curl("http://\(address)/stream/5")
      #expect(stream.split(separator: "\n").count == 5)
      let echo = try await curl(
        "-H", "Transfer-Encoding: chunked", "--data-binary", "hello=world",
        "http://\(address)/post?q=1")
      #expect(echo.contains("\"data\": \"hello=world\"") && echo.contains("\"q\": \"1\""))
      // Two requests on one connection.
      let twice = try await curl(
        "-w", "%{num_connects}", "http://\(address)/ip", "http://\(address)/ip")
      #expect(twice.hasSuffix("0"))
    }
  }

  @Test @Loop func `SIGTERM lets a request under way finish`() async throws {
    try await serving("httpbin") { address, child in
      async let answer = curl("-i", "http://\(address)/delay/1")
      try await Loop.sleep(.milliseconds(300))
      child.signal(SIGTERM)
      let text = try await answer
      #expect(text.hasPrefix("HTTP/1.1 200"))
    }
  }

  @Test @Loop func `an echo over TCP and UDP returns what it is sent`() async throws {
    for (kind, option) in [("tcp-echo", "/dev/tcp"), ("udp-echo", "/dev/udp")] {
      let path = try #require(Sample.path)
      let port = 20000 + getpid() % 10000
      let child = try ChildProcess.spawn([path, kind, "--port", "\(port)"])
      let script = """
        for i in 1 2 3 4 5 6 7 8 9 10; do
          { exec 3<>\(option)/127.0.0.1/\(port) && echo hello >&3 && line=$(timeout 1 head -c 6 <&3); } \
            2>/dev/null && break
          sleep 0.05
        done; echo "$line"
        """
      let result = try await ChildProcess.run(["bash", "-c", script])
      #expect(result.outputText == "hello\n", "\(kind)")
      child.signal(SIGTERM)
      #expect(try await child.wait() == .exited(0))
    }
  }

  @Test(arguments: [
    [], ["nosuch"], ["whoami", "--port", "0"], ["whoami", "--port"], ["httpbin", "x"],
  ])
  @Loop func `wrong arguments are said so`(arguments: [String]) async throws {
    let result = try await ChildProcess.run([try #require(Sample.path)] + arguments)
    #expect(result.ending == .exited(64))
    #expect(result.errorText.hasPrefix("error: "))
  }
}
