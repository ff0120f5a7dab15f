import Delivery
import Engine
import Glibc
import HTTP
import Linux
import NetTypes
import Testing

/// A thousand odd requests through us, nginx and HAProxy, each in front of a backend that writes down
/// what it gets. `DIFFERENTIAL_SEED` and `DIFFERENTIAL_COUNT` choose others.
@Suite(.serialized) struct DifferentialTests {
  private static let isComplete =
    Program.find("nginx") != nil && Program.find("haproxy") != nil

  @Test(.enabled(if: isComplete, "nginx and haproxy are not both installed"))
  func `what we forward is what was sent, and what others or the RFC take it for`() async throws {
    let seed = environment("DIFFERENTIAL_SEED") ?? 20_261_126
    let count = environment("DIFFERENTIAL_COUNT").map { Int($0) } ?? 1000
    let ports = (0..<3).map { _ in freePort() }
    let backends = try (0..<3).map { _ in try RecordingBackend() }
    defer { backends.forEach { $0.stop() } }
    let nginx = try Program.nginx(ports[1], before: backends[1].port)
    let haproxy = try Program.haproxy(ports[2], before: backends[2].port)
    defer { withExtendedLifetime((nginx, haproxy)) {} }
    let lanes = zip(["atoll", "nginx", "haproxy"], zip(ports, backends)).map {
      Lane(name: $0, port: $1.0, backend: $1.1)
    }
    var generator = OddRequests(seed: UInt64(seed))
    let requests = (0..<count).map { generator.next($0) }
    let configuration = single(ports[0], .http, [backends[0].port]) {
      $0.timeouts.header = .seconds(2)
      $0.timeouts.idle = .seconds(2)
    }
    let results = try await withEngineResult(configuration) {
      try await withThrowingTaskGroup(of: (Int, [Lane.Passed]).self) { group in
        for (index, lane) in lanes.enumerated() {
          group.addTask {
            (
              index,
              try await blocking {
                try lane.waitUntilServing()
                return try requests.map { try lane.pass($0.bytes) }
              }
            )
          }
        }
        var all = Array(repeating: [Lane.Passed](), count: 3)
        for try await (index, passed) in group { all[index] = passed }
        return all
      }
    }
    print("differential: \(count) requests of seed \(seed)")
    print("differential: \(Program.version("nginx")), \(Program.version("haproxy"))")
    var table = DifferenceTable()
    for (number, request) in requests.enumerated() {
      let passed = results.map { $0[number] }
      let read = ReferenceReader.all(request.bytes)
      if table.note(request.kind, passed, read.requests) {
        let start = String(decoding: request.bytes.prefix(90), as: UTF8.self).debugDescription
        print("differential: only we take request \(number): \(start)")
      }
      let what: Comment =
        "request \(number), \(request.kind.rawValue): \(String(decoding: request.bytes.prefix(600), as: UTF8.self).debugDescription)"
      #expect(passed[0].malformed == [], what)
      #expect(isPart(passed[0].requests, of: read.requests), what)
    }
    for line in table.lines { print("differential: \(line)") }
    // Where nothing is wrong with a request, all take it.
    let sound = table.rows[.unchanged]
    #expect(sound?.taken == Array(repeating: sound?.cases ?? 0, count: 3))
  }

  private func environment(_ name: String) -> Int? {
    getenv(name).flatMap { Int(String(cString: $0)) }
  }
}

/// Whether these are some of those, in their order: a request may be answered without a backend, and
/// the next be forwarded.
func isPart(_ some: [ReadRequest], of all: [ReadRequest]) -> Bool {
  var rest = all[...]
  return some.allSatisfy { request in
    rest = rest.drop { !isSame(request, $0) }
    return rest.popFirst() != nil
  }
}

/// Whether these are the first of those, as they are the same to a backend.
func isPrefix(_ some: [ReadRequest], of all: [ReadRequest]) -> Bool {
  some.count <= all.count && zip(some, all).allSatisfy(isSame)
}

private func isSame(_ a: ReadRequest, _ b: ReadRequest) -> Bool {
  a.method == b.method && a.body == b.body && normal(a.target) == normal(b.target)
    && (a.host == b.host || a.host == nil || b.host == nil)
}

/// A path in its normal form, which we forward; as it is where it has none.
private func normal(_ target: String) -> String {
  let path = target.prefix { $0 != "?" }
  var input = Array(path.utf8)
  var output = input
  let count = input.withUnsafeMutableBytes { from in
    output.withUnsafeMutableBytes { to in
      PathNormalizer.normalize(UnsafeRawBufferPointer(from), into: to)
    }
  }
  guard let count else { return target }
  return String(decoding: output[..<count], as: UTF8.self) + target.dropFirst(path.count)
}

/// What each proxy made of each class.
struct DifferenceTable {
  struct Row {
    var cases = 0
    /// With at least one request behind the proxy; ours, nginx', HAProxy's.
    var taken = [0, 0, 0]
    /// Those that are not what the RFC's reader finds.
    var other = [0, 0, 0]
    /// We forward what neither of them does; it is what the reader finds.
    var oursOnly = 0
    /// Both of them forward the same, we refuse.
    var bothButOurs = 0
  }

  var rows: [OddRequests.Kind: Row] = [:]

  /// - Returns: whether we alone forward it.
  mutating func note(
    _ kind: OddRequests.Kind, _ passed: [Lane.Passed], _ read: [ReadRequest]
  ) -> Bool {
    var row = rows[kind] ?? Row()
    row.cases += 1
    for (index, one) in passed.enumerated() {
      if !one.requests.isEmpty { row.taken[index] += 1 }
      if !one.malformed.isEmpty || !isPart(one.requests, of: read) { row.other[index] += 1 }
    }
    let others = passed.dropFirst().map(\.requests)
    let ours = passed[0].requests
    let isOursOnly = !ours.isEmpty && !others.contains { isPart(ours, of: $0) }
    if isOursOnly { row.oursOnly += 1 }
    if ours.isEmpty, !others[0].isEmpty, isPrefix(others[0], of: others[1]) {
      row.bothButOurs += 1
    }
    rows[kind] = row
    return isOursOnly
  }

  var lines: [String] {
    let columns = [
      "class", "cases", "atoll", "nginx", "haproxy", "≠RFC a/n/h", "only we", "only they",
    ]
    let body = OddRequests.Kind.allCases.compactMap { kind in
      rows[kind].map { row in
        [
          kind.rawValue, "\(row.cases)", "\(row.taken[0])", "\(row.taken[1])", "\(row.taken[2])",
          row.other.map(String.init).joined(separator: "/"), "\(row.oursOnly)",
          "\(row.bothButOurs)",
        ]
      }
    }
    return ([columns] + body).map { cells in
      zip(cells, [38, 6, 6, 6, 8, 11, 8, 9]).map { cell, width in
        cell + String(repeating: " ", count: max(1, width - cell.count))
      }.joined()
    }
  }
}
