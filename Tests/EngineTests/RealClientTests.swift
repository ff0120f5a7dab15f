import Delivery
import Engine
import Foundation
import Testing
import Transport

/// Programs that speak TLS and HTTP/2 as the world does. What is not installed is skipped, aloud.
@Suite struct RealClientTests {
  private static func path(_ tool: String) -> String? {
    ["/usr/bin/\(tool)", "/usr/local/bin/\(tool)"].first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }

  private static func has(_ tools: String...) -> Bool { tools.allSatisfy { path($0) != nil } }

  /// Runs a tool and returns what it printed on both channels.
  private static func run(_ tool: String, _ arguments: [String], input: String = "") throws
    -> String
  {
    guard let path = path(tool) else { throw TestFailure("\(tool) is not installed") }
    // By popen(3): Foundation's Process crashed in a process of many threads and descriptors.
    let source = "/tmp/atoll-input-\(UInt64.random(in: 0 ... .max))"
    try Data(input.utf8).write(to: URL(filePath: source))
    defer { unlink(source) }
    let words = ([path] + arguments).map { word in
      "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        + "'"
    }
    guard let stream = popen("\(words.joined(separator: " ")) <\(source) 2>&1", "re") else {
      throw TestFailure("popen: \(errno)")
    }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while case let count = fread(&buffer, 1, buffer.count, stream), count > 0 {
      output += buffer[..<count]
    }
    pclose(stream)
    return String(decoding: output, as: UTF8.self)
  }

  /// An engine with HTTPS at the first port and HTTP/2 without TLS at the second.
  private func serving(
    _ change: (inout ServerTLS) -> Void = { _ in },
    _ body: @escaping @Sendable (UInt16, UInt16) throws -> Void
  ) async throws {
    let backend = try httpBackend { request, client in
      try client.answer("\(request.line.prefix { $0 != "?" }) \(request.body.count)\n")
    }
    let authority = try CertificateAuthority.mint(commonName: "test")
    var tls = ServerTLS(
      certificates: try ["a.example", "b.example"].map {
        try authority.issue(.server($0, dnsNames: [$0])).source
      })
    change(&tls)
    let (secure, plain) = (freePort(), freePort())
    var configuration = single(secure, .https, [backend.port]) { $0.tls = tls }
    var server = VirtualServer(
      name: "plain", address: home, port: plain, protocol: .http, pool: "pool")
    server.http2 = true
    configuration.virtualServers.append(server)
    try await withEngine(configuration) { _ in try await blocking { try body(secure, plain) } }
    backend.kill()
  }

  @Test(.enabled(if: has("curl"), "curl is not installed"))
  func `curl speaks each version of HTTP`() async throws {
    try await serving { secure, plain in
      let format = "%{http_version} %{http_code}\n"
      for (flag, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let text = try Self.run(
          "curl", ["-sk", flag, "-w", format, "-d", "hello", "https://127.0.0.1:\(secure)/x"])
        #expect(text == "POST /x HTTP/1.1 5\n\(version) 200\n")
      }
      let text = try Self.run(
        "curl", ["-s", "--http2-prior-knowledge", "-w", format, "http://127.0.0.1:\(plain)/x"])
      #expect(text == "GET /x HTTP/1.1 0\n2 200\n")
    }
  }

  @Test(.enabled(if: has("openssl"), "openssl is not installed"))
  func `openssl sees the certificate of the name, the version and the protocol`() async throws {
    try await serving { secure, _ in
      func connect(_ arguments: String...) throws -> String {
        try Self.run("openssl", ["s_client", "-connect", "127.0.0.1:\(secure)"] + arguments)
      }
      let b = try connect("-servername", "b.example", "-alpn", "h2,http/1.1")
      #expect(b.contains("subject=CN = b.example") && b.contains("ALPN protocol: h2"))
      #expect(try connect("-tls1_2").contains("Protocol  : TLSv1.2"))
      let old = try connect("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
      #expect(old.contains("alert protocol version"))
    }
  }

  @Test(.enabled(if: has("openssl"), "openssl is not installed"))
  func `openssl gets what the issuer says of the certificate`() async throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    try write("V\t401231235959Z\t\t1234\tunknown\t/CN=a.example\n", to: folder + "/index")
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for words in [
      ["req", "-x509", "-subj", "/CN=ca", "-days", "2", "-keyout", "ca.key", "-out", "ca"] + curve,
      ["req", "-subj", "/CN=a.example", "-keyout", "key", "-out", "request"] + curve,
      [
        "x509", "-req", "-in", "request", "-CA", "ca", "-CAkey", "ca.key", "-set_serial", "4660",
        "-days", "2", "-out", "certificate",
      ],
      [
        "ocsp", "-index", "index", "-CA", "ca", "-rsigner", "ca", "-rkey", "ca.key", "-issuer",
        "ca", "-cert", "certificate", "-respout", "response", "-ndays", "1", "-noverify",
      ],
    ] {
      let inside = words.map { word in
        ["ca", "key", "certificate", "request", "response", "index", "ca.key"].contains(word)
          ? folder + "/" + word : word
      }
      _ = try Self.run("openssl", inside)
    }
    func text(_ name: String) throws -> PEMSource {
      PEMSource(text: try String(contentsOfFile: folder + "/" + name, encoding: .utf8))
    }
    var source = CertificateSource(certificate: try text("certificate"), key: try text("key"))
    source.ocsp = DERSource(bytes: Array(try Data(contentsOf: URL(filePath: folder + "/response"))))
    let stapled = source
    try await serving({ $0.certificates.insert(stapled, at: 0) }) { secure, _ in
      for version in ["-tls1_2", "-tls1_3"] {
        let text = try Self.run(
          "openssl", ["s_client", "-connect", "127.0.0.1:\(secure)", "-status", version])
        #expect(text.contains("OCSP Response Status: successful"), "\(version) \(text)")
        #expect(text.contains("Cert Status: good"))
      }
      // Another certificate has none.
      let other = try Self.run(
        "openssl",
        [
          "s_client", "-connect", "127.0.0.1:\(secure)", "-status", "-servername", "b.example",
        ])
      #expect(other.contains("OCSP response: no response sent"))
    }
    // Of another certificate, or no response at all.
    var configuration = single(freePort(), .https, [])
    let authority = try CertificateAuthority.mint(commonName: "test")
    var wrong = try authority.issue(.server("h", dnsNames: ["h"])).source
    for bytes in [source.ocsp?.bytes ?? [], [1, 2, 3]] {
      wrong.ocsp = DERSource(bytes: bytes)
      configuration.virtualServers[0].tls = ServerTLS(certificates: [wrong])
      #expect(Engine.tlsProblems(configuration).map(\.field) == ["tls.certificates[0].ocsp"])
    }
  }

  @Test(.enabled(if: has("openssl"), "openssl is not installed"))
  func `openssl may not renegotiate`() async throws {
    try await serving { secure, _ in
      let text = try Self.run(
        "openssl", ["s_client", "-connect", "127.0.0.1:\(secure)", "-tls1_2"], input: "R\n")
      #expect(text.contains("no renegotiation") || !text.contains("read R BLOCK"))
    }
  }

  @Test(.enabled(if: has("testssl"), "testssl is not installed"))
  func `testssl finds nothing wrong with protocols, ciphers and known attacks`() async throws {
    try await serving { secure, _ in
      let file = FileManager.default.temporaryDirectory.appending(path: "testssl-\(secure).json")
      defer { try? FileManager.default.removeItem(at: file) }
      // Not -S: the certificate is of an authority that nobody knows.
      let text = try Self.run(
        "testssl",
        [
          "--warnings", "off", "--quiet", "--color", "0", "-n", "none", "--connect-timeout", "5",
          "--openssl-timeout", "10", "-p", "-s", "-f", "-P", "-U", "--jsonfile", file.path,
          "127.0.0.1:\(secure)",
        ])
      let json = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
      let findings = try #require(json as? [[String: String]], "\(text)")
      let tally = Dictionary(grouping: findings) { $0["severity"] ?? "?" }
      #expect(tally["OK", default: []].count > 25, "\(text)")
      for severity in ["HIGH", "CRITICAL", "FATAL"] {
        let found = tally[severity, default: []].map {
          "\($0["id"] ?? "?"): \($0["finding"] ?? "?")"
        }
        #expect(found == [])
      }
      let counts = tally.map { "\($0.value.count) \($0.key)" }.sorted()
      print("interop: testssl \(counts.joined(separator: ", "))")
    }
  }

  @Test(.enabled(if: has("h2load"), "h2load is not installed"))
  func `h2load finds no failure`() async throws {
    try await serving { secure, plain in
      for target in ["https://127.0.0.1:\(secure)/", "http://127.0.0.1:\(plain)/"] {
        let text = try Self.run("h2load", ["-n", "2000", "-c", "10", "-m", "20", target])
        #expect(text.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(text)")
      }
    }
  }

  @Test(.enabled(if: has("nghttp"), "nghttp is not installed"))
  func `nghttp sends content and trailers`() async throws {
    try await serving { _, plain in
      let file = FileManager.default.temporaryDirectory.appending(path: "nghttp-\(plain)")
      try pattern(200_000).withUnsafeBytes { try Data($0).write(to: file) }
      defer { try? FileManager.default.removeItem(at: file) }
      let text = try Self.run(
        "nghttp", ["--trailer", "x-sum: 7", "-d", file.path, "http://127.0.0.1:\(plain)/"])
      #expect(text == "POST / HTTP/1.1 200000\n")
    }
  }
}
