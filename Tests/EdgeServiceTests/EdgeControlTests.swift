import Engine
import Foundation
import Glibc
import HTTP
import Kubernetes
import Linux
import NetTypes
import Testing
import Transport

@testable import EdgeService

/// An edge by a file, with its control socket, in front of one backend.
@Loop private final class ControlledEdge {
  let folder: String
  let port: UInt16
  let service: EdgeFileService
  let backend: HTTPServer
  let backendPort: UInt16
  var path: String { folder + "/edge.yaml" }
  var socket: String { folder + "/edge.sock" }

  init(_ change: (inout EdgeFileService.Options) -> Void = { _ in }) throws {
    var template = Array("/tmp/atoll-edge-XXXXXX".utf8CString)
    folder = String(cString: mkdtemp(&template))
    port = try freePort()
    let listener = try Listener(SocketAddress(.v4(.loopback), port: 0))
    backend = HTTPServer(listener: listener) { _ in HTTPResponse(status: 200, text: "a") }
    backend.start()
    backendPort = try #require(listener.address).port
    var options = EdgeFileService.Options(path: folder + "/edge.yaml")
    options.workers = 1
    options.interval = .milliseconds(10)
    options.socket = folder + "/edge.sock"
    change(&options)
    try FileSystem.write(
      """
      apiVersion: atoll.dev/v1alpha1
      kind: EdgeConfiguration
      virtualServers:
      - name: web
        address: 127.0.0.1
        port: \(port)
        protocol: http
        pool: web
        accessLog: {path: \(folder)/access.log}
      pools:
      - {name: web, loadBalancing: ratio, members: [{address: 127.0.0.1, port: \(backendPort)}]}
      """, to: options.path)
    service = try EdgeFileService(options)
    try service.start()
  }

  func status() async throws -> Int {
    let url = try #require(HTTPURL("http://127.0.0.1:\(port)/"))
    return try await HTTPClient().get(url).status
  }

  func ask(_ method: String, _ target: String, _ body: JSON? = nil) async throws -> (Int, String) {
    let answer = try await HTTPClient().send(
      HTTPRequestHead(method: method, target: target), body: body?.bytes ?? [],
      to: HTTPClient.Origin(unixPath: socket))
    return (
      answer.status, String(decoding: try await answer.body.collect(limit: 1 << 22), as: UTF8.self)
    )
  }

  func end() async {
    await service.stop()
    await backend.stop(drain: .zero)
    try? FileManager.default.removeItem(atPath: folder)
  }
}

@Suite struct EdgeControlTests {
  @Loop @Test func `the socket is for its owner only, and tells what is served`() async throws {
    let edge = try ControlledEdge()
    #expect(try await edge.status() == 200)
    var information = stat()
    #expect(stat(edge.socket, &information) == 0 && information.st_mode & 0o777 == 0o600)
    let (status, text) = try await edge.ask("GET", "/edge")
    #expect(status == 200)
    let report = EdgeReport(try JSON(parsing: text))
    let server = try #require(report.servers.first)
    #expect(server.name == "web" && server.counts.requests == 1)
    #expect(server.counts.statuses == [0, 1, 0, 0, 0])
    #expect(server.times == edge.service.engine.snapshot().servers[0].times)
    #expect(report.pools.first?.members.first?.isUp == true)
    await edge.end()
  }

  @Loop @Test func `a member is changed and reset, and what is not there is told`() async throws {
    let edge = try ControlledEdge()
    let member = "127.0.0.1:\(edge.backendPort)"
    let (status, text) = try await edge.ask(
      "POST", "/members", ["pool": "web", "member": .string(member), "state": "disabled"])
    #expect(status == 200)
    let changed = try JSON(parsing: text)["members"].elements.first
    #expect(changed?["state"] == "disabled" && changed?["runtimeChange"]["state"] == "disabled")
    #expect(try await edge.status() == 503)
    // The file is read again; its member is the same.
    edge.service.reload()
    #expect(try await edge.status() == 503)
    #expect(
      try await edge.ask("POST", "/members", ["pool": "web", "reset": true]).0 == 200)
    #expect(try await edge.status() == 200)
    let (missing, problem) = try await edge.ask(
      "POST", "/members", ["pool": "web", "member": "127.0.0.1:1", "weight": 2])
    #expect(missing == 404)
    #expect(try JSON(parsing: problem)["expected"] == .string("one of \(member)"))
    for body: JSON in [
      ["pool": "web"], ["pool": "web", "weight": 300], ["pool": "web", "state": "up"], [],
    ] {
      #expect(try await edge.ask("POST", "/members", body).0 == 422, "\(body.text)")
    }
    #expect(try await edge.ask("GET", "/members").0 == 405)
    await edge.end()
  }

  @Loop @Test func `a second edge with the same socket does not start`() async throws {
    let edge = try ControlledEdge()
    var options = edge.service.options
    options.socket = edge.socket
    let second = try EdgeFileService(options)
    #expect(throws: SystemError.self) { try second.start() }
    #expect(try await edge.status() == 200)
    await second.stop()
    await edge.end()
  }

  @Loop @Test func `metrics are scraped by TCP, which changes nothing`() async throws {
    let port = try freePort()
    let edge = try ControlledEdge { $0.metrics = SocketAddress(.v4(.loopback), port: port) }
    func get(_ target: String) async throws -> Int {
      let url = try #require(HTTPURL("http://127.0.0.1:\(port)\(target)"))
      return try await HTTPClient().get(url).status
    }
    #expect(try await get("/metrics") == 200)
    #expect(try await get("/edge") == 404)
    await edge.end()
  }

  /// Name and type of every row of docs/metrics.md between the heading and the next.
  private func documented() throws -> [String: String] {
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/metrics.md")
    let text = try String(contentsOf: path, encoding: .utf8)
    let section = try #require(text.split(separator: "\n## ").first { $0.hasPrefix("Delivery\n") })
    return Dictionary(
      section.matches(of: /\| `(atoll_[a-z_]+)` \| (gauge|counter|histogram) \|/).map {
        (String($0.1), String($0.2))
      }, uniquingKeysWith: { $1 })
  }

  @Loop @Test func `the page is what the document says, and sound`() async throws {
    let edge = try ControlledEdge()
    #expect(try await edge.status() == 200)
    let (status, text) = try await edge.ask("GET", "/metrics")
    #expect(status == 200)
    var types: [String: String] = [:]
    for match in text.matches(of: /# TYPE (\S+) (\S+)\n/) {
      types[String(match.1)] = String(match.2)
    }
    let documented = try documented()
    for (name, type) in types {
      #expect(documented[name] == type, "\(name) is not in docs/metrics.md as \(type)")
    }
    for (name, type) in documented
    where !["_tls_", "_packets_", "_egress_"].contains(where: name.contains) {
      #expect(types[name] == type, "\(name) is documented, and not there")
    }
    // Buckets go up to the count, which is that of the requests.
    let buckets = text.matches(
      of: /atoll_request_duration_seconds_bucket\{server="web",le="([^"]+)"\} ([0-9]+)\n/
    ).map { (String($0.1), Int($0.2) ?? -1) }
    #expect(buckets.count == 22)
    #expect(buckets.last?.0 == "+Inf" && buckets.last?.1 == 1)
    #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0.1 <= $1.1 })
    #expect(text.contains("\natoll_request_duration_seconds_count{server=\"web\"} 1\n"))
    #expect(text.contains("atoll_pool_responses_total{pool=\"web\",status=\"2xx\"} 1\n"))
    await edge.end()
  }
}

@Suite struct EdgeTopTests {
  private func report(_ requests: Int, _ buckets: [String: JSON], state: String = "enabled")
    -> EdgeReport
  {
    let counts: JSON = [
      "requests": JSON(requests), "statuses": [0, JSON(requests - 1), 0, 0, 1],
      "bytesOut": JSON(requests * 1000), "activeConnections": 3,
    ]
    let times: JSON = ["total": ["buckets": .object(buckets)]]
    return EdgeReport([
      "virtualServers": [
        [
          "name": "web", "address": "127.0.0.1:80", "protocol": "http", "counts": counts,
          "times": times,
        ]
      ],
      "pools": [
        [
          "name": "p", "counts": counts, "times": times,
          "members": [
            [
              "address": "127.0.0.1:1", "state": .string(state), "health": "up",
              "counts": counts, "times": times,
            ]
          ],
        ]
      ],
    ])
  }

  @Test func `rates and times are those of the interval`() {
    let top = EdgeTop(
      from: report(1001, ["200": 1001]), to: report(1501, ["200": 1001, "100": 499, "120": 1]),
      in: .milliseconds(500))
    let lines = top.text.split(separator: "\n")
    #expect(
      lines[1].split(separator: " ")
        == [
          "web", "1000", "1000", "0.0", "0.0", "0.0", "0.0", "656µs", "656µs", "0.0", "1000.0k",
          "3",
        ],
      "\(top.text)")
    #expect(lines[4].hasPrefix("      127.0.0.1:1  up"))
  }

  @Test func `an edge that began anew is counted from zero`() {
    let top = EdgeTop(
      from: report(1001, ["200": 1001]), to: report(11, ["100": 11]), in: .seconds(1))
    #expect(top.text.contains("656µs"))
    #expect(top.text.split(separator: "\n")[1].split(separator: " ")[1] == "11")
  }

  @Test(arguments: [
    (Duration.microseconds(999), "999µs"), (.microseconds(1500), "1.50ms"),
    (.microseconds(12_340), "12.3ms"), (.milliseconds(999), "999ms"),
    (.milliseconds(2345), "2.35s"),
  ])
  func `times have three digits`(_ time: Duration, _ text: String) {
    #expect(EdgeReport.text(time) == text)
  }
}
