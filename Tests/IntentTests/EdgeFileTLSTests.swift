import Delivery
import Intent
import Testing

@Suite struct EdgeFileTLSTests {
  private static let head = "apiVersion: atoll.dev/v1alpha1\nkind: EdgeConfiguration\n"

  private func parse(_ text: String, file: String = "edge.yaml") throws -> EdgeFile.Parsed {
    try EdgeFile.parse(Self.head + text, file: file)
  }

  @Test func `certificates are read from their files, in both forms`() throws {
    var parsed = try parse(
      """
      virtualServers:
      - {name: one, address: 127.0.0.1, port: 1, protocol: https, pool: p, tls: {certificate: a.pem, key: /k/a.key}}
      - name: two
        address: 127.0.0.1
        port: 2
        protocol: tcp
        pool: p
        tls:
          certificates: [{certificate: a.pem, key: a.key}, {certificate: b.pem, key: b.key}]
          minimumVersion: 1.3
          cipherSuites: [TLS_AES_128_GCM_SHA256]
          alpn: [http/1.1]
          clientAuthentication: {mode: optional, ca: ca.pem, forward: true}
      pools:
      - {name: p, protocol: h2, tls: {serverName: m.example, ca: ca.pem, verify: true}}
      """, file: "/etc/atoll/edge.yaml")
    #expect(parsed.notices.isEmpty && parsed.problems.isEmpty)
    parsed.readFiles { Array("text of \($0)".utf8) }
    #expect(parsed.allProblems.isEmpty)
    #expect(parsed.files.first == "/etc/atoll/a.key" && parsed.files.contains("/k/a.key"))
    let servers = parsed.configuration.virtualServers
    #expect(servers[0].tls?.certificates.first?.key.text == "text of /k/a.key")
    let tls = try #require(servers[1].tls)
    #expect(tls.certificates.count == 2 && tls.minimumVersion == .v13)
    #expect(tls.clientAuthentication?.authorities.text == "text of /etc/atoll/ca.pem")
    #expect(tls.clientAuthentication?.mode == .optional)
    let pool = try #require(parsed.configuration.pools.first)
    #expect(pool.protocol == .http2 && pool.tls?.serverName == "m.example")
  }

  @Test func `a file that cannot be read refuses its object alone, with its line`() throws {
    struct Missing: Error, CustomStringConvertible { var description: String { "no such file" } }
    var parsed = try parse(
      """
      virtualServers:
      - {name: good, address: 127.0.0.1, port: 1, protocol: http, pool: p}
      - name: bad
        address: 127.0.0.1
        port: 2
        protocol: https
        pool: p
        tls:
          certificate: a.pem
          key: gone.key
      pools: [{name: p}]
      """)
    parsed.readFiles { path in
      if path == "gone.key" { throw Missing() }
      return Array(path.utf8)
    }
    let problem = try #require(parsed.allProblems.first)
    #expect(problem.line == 12, "\(problem)")
    #expect(
      problem.message
        == "virtual server bad: tls.certificates[0].key is \"gone.key\" (no such file), expected a file that can be read"
    )
    #expect(parsed.refused.virtualServers == ["bad"])
    #expect(parsed.configuration.virtualServers.map(\.name) == ["good"])
  }

  @Test func `rules of TLS that passes through go by server name`() throws {
    let parsed = try parse(
      """
      virtualServers:
      - name: t
        address: 127.0.0.1
        port: 1
        protocol: tls-passthrough
        pool: p
        rules: [{match: {host: a.example}, pool: q}]
      pools: [{name: p}, {name: q, loadBalancing: consistent-hash, hash: {on: sni}}]
      """)
    #expect(parsed.allProblems.isEmpty && parsed.notices.isEmpty)
    #expect(
      parsed.configuration.virtualServers.first?.routes == [
        HTTPRoute(host: "a.example", pool: "q")
      ])
    #expect(parsed.configuration.pools.last?.hash == .serverName)
  }
}
