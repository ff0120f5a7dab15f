import Glibc
import Logging
import Testing

@testable import Telemetry

struct TelemetryTests {
  private func line(
    _ message: Logger.Message, _ metadata: Logger.Metadata = [:]
  ) -> String {
    LineLogHandler(label: "router").line(
      LogEvent(
        level: .info, message: message, metadata: metadata, source: nil, file: "", function: "",
        line: 0),
      at: timespec(tv_sec: 1_795_459_621, tv_nsec: 7_900_000))
  }

  @Test func `a line has time, level, label, message and sorted fields`() {
    #expect(
      line("peer established", ["state": "up", "peer": "172.19.0.2"])
        == "2026-11-23T18:47:01.007Z info router: peer established peer=172.19.0.2 state=up\n")
  }

  @Test func `what a peer sent cannot start a line of its own`() {
    let text = line("a\nb", ["k": "x y\n\"z\""])
    #expect(text.hasSuffix("router: a\\nb k=\"x y\\n\\\"z\\\"\"\n"))
  }

  @Test func `metrics are grouped by name, and label values escaped`() {
    var page = MetricsPage()
    page.add(.gauge, "atoll_routes", "Routes installed.", 3)
    page.add(.counter, "atoll_requests_total", "Requests.", 1, labels: ["server": "a\"b"])
    page.add(.counter, "atoll_requests_total", "Requests.", 2, labels: ["server": "c"])
    #expect(
      page.text == """
        # HELP atoll_routes Routes installed.
        # TYPE atoll_routes gauge
        atoll_routes 3
        # HELP atoll_requests_total Requests.
        # TYPE atoll_requests_total counter
        atoll_requests_total{server="a\\"b"} 1
        atoll_requests_total{server="c"} 2

        """)
  }
}
