import Kubernetes
import NetTypes
import Testing

@testable import Unit

@Suite struct DriveTests {
  static let east = IPAddress.v4(IPv4Address(10, 10, 20, 10))
  static let west = IPAddress.v4(IPv4Address(10, 10, 21, 10))

  private func report(_ samples: [DriveReport.Sample], marks: [DriveReport.Mark] = [])
    -> DriveReport
  {
    var options = DriveOptions(name: "whoami.gslb.example")
    options.rate = 10
    var report = DriveReport(
      options,
      sites: [
        (IPPrefix(.v4(IPv4Address(10, 10, 20, 0)), length: 24), "east"),
        (IPPrefix(.v4(IPv4Address(10, 10, 21, 0)), length: 24), "west"),
      ])
    for sample in samples { report.add(sample) }
    report.marks = marks
    return report
  }

  private func answered(
    _ start: Int, _ latency: Int = 5, by address: IPAddress = east, status: Int = 200
  ) -> DriveReport.Sample {
    .init(
      start: .milliseconds(start), latency: .milliseconds(latency),
      outcome: .answered(status: status), address: address)
  }

  private func failed(_ start: Int, _ latency: Int = 1000) -> DriveReport.Sample {
    .init(
      start: .milliseconds(start), latency: .milliseconds(latency),
      outcome: .failed("no answer in time"), address: Self.west)
  }

  @Test func `requests leave at a steady rate`() {
    var options = DriveOptions(name: "a.example")
    options.rate = 500
    options.duration = .seconds(20)
    #expect(options.requests == 10_000)
    #expect(options.start(of: 1) == .milliseconds(2) && options.start(of: 500) == .seconds(1))
  }

  @Test func `an answer is good for as long as it says, or for ever`() {
    var cache = AnswerCache()
    let start = Instant(nanoseconds: 0)
    #expect(cache.addresses(at: start) == nil)
    cache.store([Self.east], ttl: .seconds(5), policy: .ttl, at: start)
    #expect(cache.addresses(at: start.advanced(by: .milliseconds(4999))) == [Self.east])
    #expect(cache.addresses(at: start.advanced(by: .seconds(5))) == nil)
    cache.store([Self.west], ttl: .zero, policy: .ttl, at: start)
    #expect(cache.addresses(at: start) == nil)
    cache.store([Self.west], ttl: .zero, policy: .forever, at: start)
    #expect(cache.addresses(at: start.advanced(by: .seconds(1_000_000))) == [Self.west])
  }

  @Test func `percentiles are of answered requests, by nearest rank`() {
    let report = report((1...100).map { answered($0, $0) } + [failed(200)])
    #expect(report.percentile(50) == .milliseconds(50))
    #expect(report.percentile(99) == .milliseconds(99))
    #expect(report.percentile(99.9) == .milliseconds(100))
    #expect(self.report([failed(1)]).percentile(50) == nil)
  }

  @Test func `a server's error is a failure, another site's answer is not`() {
    let report = report([answered(1, status: 503), answered(2, by: Self.west), answered(3, 700)])
    #expect(report.failed == 1 && report.slow == 1)
    #expect(report.rows.first?.answered == ["east": 1, "west": 1])
  }

  @Test func `failures are told against the faults, those of one reason in a row as one`() {
    let report = report(
      [answered(900), failed(1900), failed(2100), failed(2300), answered(2500), failed(9000)],
      marks: [
        .init(at: .seconds(2), text: "kill unit west"),
        .init(at: .seconds(8), text: "healed: kill unit west"),
      ])
    #expect(
      report.timeline.map(\.text) == [
        "west: no answer in time", "kill unit west", "healed: kill unit west",
        "west: no answer in time",
      ])
    #expect(report.timeline.map(\.count) == [3, 1, 1, 1])
    #expect(report.recoveries.map(\.time) == [.milliseconds(300), .seconds(1)])
  }

  @Test func `the sum is in JSON, and the picture has a dot a request and a line a fault`() {
    let report = report(
      [answered(0), answered(100, by: Self.west), failed(200)],
      marks: [.init(at: .milliseconds(150), text: "cut link west <wan>")])
    #expect(report.json["summary"]["requests"].int == 3)
    #expect(report.json["summary"]["failed"].int == 1)
    #expect(report.json["summary"]["answeredBy"]["west"].int == 1)
    #expect(report.json["requests"].elements.count == 1)
    let svg = DrivePicture(report).svg
    #expect(svg.split(separator: "<circle").count - 1 == 3)
    #expect(svg.contains("cut link west &lt;wan>") && svg.contains("stroke-dasharray"))
  }

  @Test func `the terminal shows a row a second, with the faults beside`() {
    let text = report(
      [answered(0), failed(1200)], marks: [.init(at: .milliseconds(1100), text: "kill unit west")]
    ).text
    #expect(text.contains("◀ kill unit west at 1.100 s"))
    #expect(text.contains("failed 1 at 1.200 s: west: no answer in time"))
    #expect(text.contains("2 requests for whoami.gslb.example, 1 failed"))
  }
}
