import BGP
import Foundation
import Linux
import NetTypes
import RouterService
import Telemetry
import Testing

/// A page in Prometheus' text format 0.0.4, read as a scraper reads it.
private struct Page {
  var types: [String: String] = [:]
  var samples: [(name: String, labels: String, value: Double)] = []
  var mistakes: [String] = []

  init(_ text: String) {
    var helped: Set<String> = []
    let sample = /([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? (-?[0-9.]+)/
    for line in text.split(separator: "\n") {
      if let match = line.wholeMatch(of: /# HELP (\S+) (.+)/) {
        helped.insert(String(match.1))
      } else if let match = line.wholeMatch(of: /# TYPE (\S+) (counter|gauge)/) {
        types[String(match.1)] = String(match.2)
      } else if let match = line.wholeMatch(of: sample), let value = Double(match.3) {
        let name = String(match.1)
        if types[name] == nil || !helped.contains(name) { mistakes.append("\(line): before HELP") }
        if (types[name] == "counter") != name.hasSuffix("_total") {
          mistakes.append("\(name): counters end in _total, and only they")
        }
        samples.append((name, String(match.2 ?? ""), value))
      } else {
        mistakes.append(String(line))
      }
    }
  }

  func value(_ name: String, _ labels: String = "") -> Double? {
    samples.first { $0.name == name && $0.labels == labels }?.value
  }
}

@Suite struct MetricsDocumentTests {
  /// Name and type of every metric that docs/metrics.md has a row for.
  static func documented() throws -> [String: String] {
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/metrics.md")
    let text = try String(contentsOf: path, encoding: .utf8)
    return Dictionary(
      text.matches(of: /\| `(atoll_[a-z_]+)` \| (gauge|counter) \|/).map {
        (String($0.1), String($0.2))
      }, uniquingKeysWith: { $1 })
  }

  @Test func `durations are seconds, to the microsecond`() {
    var page = MetricsPage()
    page.add(.counter, "a_seconds_total", "A.", seconds: .milliseconds(1_050))
    #expect(page.text.hasSuffix("\na_seconds_total 1.050000\n"))
  }
}

@Suite(.serialized, .enabled(if: isRoot, "needs root: network namespaces"))
struct MetricsTests {
  @Loop private func page(_ router: Router) -> Page {
    var page = MetricsPage()
    router.addMetrics(to: &page)
    return Page(page.text)
  }

  @Loop @Test func `a router's page can be scraped, and is what the document says`() async throws {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2")
    let right = net.router(net.right, peer: "10.90.0.1") {
      $0.networks = [prefix("10.92.0.0/24"), prefix("10.93.0.0/24")]
    }
    try left.start()
    try right.start()
    #expect(await eventually { try net.routes(in: net.left).count == 2 })
    let up = page(left)
    let peer = "{peer=\"10.90.0.2\"}"
    #expect(up.mistakes == [])
    #expect(up.value("atoll_bgp_session_up", peer) == 1)
    #expect(up.value("atoll_bgp_session_established_total", peer) == 1)
    #expect(up.value("atoll_bgp_session_flaps_total", peer) == 0)
    #expect(up.value("atoll_bgp_prefixes_received", peer) == 2)
    #expect(up.value("atoll_bgp_rib_prefixes", "{family=\"ipv4\"}") == 2)
    #expect(up.value("atoll_bgp_rib_paths", "{family=\"ipv4\"}") == 2)
    #expect(up.value("atoll_bgp_routes_installed") == 2)
    // Two, where the peers' connections crossed.
    let opens = up.value("atoll_bgp_messages_received_total", "{peer=\"10.90.0.2\",type=\"open\"}")
    #expect(opens == 1 || opens == 2)
    #expect(up.samples.contains { $0.name == "atoll_bgp_session_state" && $0.value == 1 })

    right.stop(graceful: false)
    #expect(await eventually { page(left).value("atoll_bgp_session_up", peer) == 0 })
    let down = page(left)
    #expect(down.mistakes == [])
    #expect(down.value("atoll_bgp_session_flaps_total", peer) == 1)
    #expect(down.samples.contains { $0.name == "atoll_bgp_session_last_error" && $0.value == 1 })
    let documented = try MetricsDocumentTests.documented()
    for (name, type) in up.types.merging(down.types, uniquingKeysWith: { $1 }) {
      #expect(documented[name] == type, "\(name) is not in docs/metrics.md as \(type)")
    }
    left.stop(graceful: false)
  }

  @Loop @Test func `prefixes that are not to be programmed stay out of the kernel, and come back`()
    async throws
  {
    let net = try TwoNamespaces()
    let left = net.router(net.left, peer: "10.90.0.2")
    let right = net.router(net.right, peer: "10.90.0.1") { $0.networks = [prefix("10.92.0.0/24")] }
    try left.start()
    try right.start()
    #expect(await eventually { page(left).value("atoll_bgp_routes_installed") == 1 })
    var configuration = left.configuration
    configuration.unprogrammed = [prefix("10.92.0.0/16")]
    try left.apply(configuration)
    #expect(await eventually { try net.routes(in: net.left).isEmpty })
    #expect(page(left).value("atoll_bgp_routes_installed") == 0)
    configuration.unprogrammed = []
    try left.apply(configuration)
    #expect(await eventually { try net.routes(in: net.left).count == 1 })
    left.stop(graceful: false)
    right.stop(graceful: false)
  }
}
