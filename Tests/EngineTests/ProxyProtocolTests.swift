import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Testing

@Suite struct ProxyProtocolTests {
  @Test func `the client that the proxy names is the client`() async throws {
    let backend = try httpBackend { request, client in try client.answer(request.head) }
    let port = freePort()
    let configuration = single(port, .http, [backend.port]) { $0.acceptsProxyProtocol = true }
    try await withEngine(configuration) { engine in
      try await blocking {
        for (header, address) in [
          ("PROXY TCP4 192.0.2.7 198.51.100.1 4000 80\r\n", "192.0.2.7"),
          ("PROXY UNKNOWN\r\n", "127.0.0.1"),
        ] {
          let client = try TestClient(port)
          // In pieces, and with the request in the last one.
          for byte in header.utf8.dropLast(2) { try client.send([byte]) }
          try client.send("\r\n")
          let first = try client.get()
          #expect(first.text.contains("X-Forwarded-For: \(address)\r\n"), "\(first.text)")
          #expect(try client.get().status == 200)
        }
        let together = try TestClient(port)
        try together.send(
          "PROXY TCP4 192.0.2.8 198.51.100.1 1 2\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try together.response().text.contains("X-Forwarded-For: 192.0.2.8\r\n"))
        // Who says nothing of the kind is dropped.
        #expect(throws: TestFailure.self) { try TestClient(port).get() }
      }
      #expect(engine.snapshot().servers[0].counts.failures == 1)
      try await eventually("all have left") {
        engine.snapshot().servers[0].counts.activeConnections == 0
      }
    }
  }

  @Test(arguments: ProxyProtocol.Version.allCases)
  func `members are told, and no connection serves two clients`(
    _ version: ProxyProtocol.Version
  ) async throws {
    for kind in [VirtualServer.TransportProtocol.http, .tcp] {
      let backend = try TestServer { client in
        var bytes = try client.receive(exactly: 16)
        if version == .v2 {
          bytes += try client.receive(exactly: Int(bytes[15]))
        } else {
          bytes += Array(try client.receive(until: "\r\n").utf8)
        }
        guard case .complete(let header) = ProxyProtocol.read(bytes.span) else { return }
        while try client.request() != nil { try client.answer("\(header.source?.port ?? 0)") }
      }
      let port = freePort()
      var configuration = single(port, kind, [backend.port])
      configuration.pools[0].proxyProtocol = version
      try await withEngine(configuration, { $0.workers = 1 }) { _ in
        try await blocking {
          var ports: Set<String> = []
          for _ in 0..<3 {
            let client = try TestClient(port)
            let answer = try client.get()
            #expect(answer.text == "\(client.localPort)")
            ports.insert(answer.text)
          }
          #expect(ports.count == 3)
        }
      }
    }
  }
}

extension TestClient {
  fileprivate var localPort: UInt16 {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = getsockname(descriptor, $0, &length)
      }
    }
    return UInt16(bigEndian: address.sin_port)
  }
}
