import Glibc
import Linux
import NetTypes
import Synchronization

/// `atoll-bench soak-clients plain|leaving|relay PORT COUNT`: until SIGTERM, then one line of what was
/// seen. A request that was begun is ended first.
final class SoakClients: Sendable {
  /// What came of a request.
  private enum Outcome: String, CaseIterable {
    case requests
    /// A status of 400 or more.
    case refused
    /// The connection ended within a response, or instead of one.
    case cut
    /// No connection.
    case connect
    /// Other bytes than asked for.
    case wrong
    /// Nothing for 30 s.
    case timeout
  }

  private let port: UInt16
  private let tally = Mutex<[Outcome: Int]>([:])
  private let running = Atomic<Int>(0)

  static func run(_ arguments: [String]) {
    guard arguments.count == 3, let port = UInt16(arguments[1]), let count = Int(arguments[2])
    else {
      Bench.usage()
    }
    endWithParent()
    let clients = SoakClients(port)
    for number in 0..<count {
      clients.running.add(1, ordering: .relaxed)
      Thread.spawn(name: "soak") {
        var random = SeededRandom(seed: UInt64(number))
        while Bench.wanted == 0 {
          switch arguments[0] {
          case "plain": clients.plain(&random)
          case "leaving": clients.leave(&random)
          default: clients.relay(&random)
          }
        }
        clients.running.subtract(1, ordering: .releasing)
      }
    }
    while clients.running.load(ordering: .acquiring) > 0 { usleep(50_000) }
    let tally = clients.tally.withLock { $0 }
    print(Outcome.allCases.map { "\($0)=\(tally[$0] ?? 0)" }.joined(separator: " "))
  }

  private init(_ port: UInt16) { self.port = port }

  private func note(_ outcome: Outcome) { tally.withLock { $0[outcome, default: 0] += 1 } }

  private func connected() -> SoakSocket? {
    do { return try SoakSocket(connecting: port) } catch {
      note(.connect)
      usleep(100_000)
      return nil
    }
  }

  /// Requests on one connection until it ends; each is told from the others by its size.
  private func plain(_ random: inout SeededRandom) {
    guard let socket = connected() else { return }
    while Bench.wanted == 0 {
      let size = [10, 1000, 1000, 1000, 20_000, 150_000].randomElement(using: &random) ?? 10
      let content = Int.random(in: 0..<5, using: &random) == 0 ? 5000 : 0
      let isLast = Int.random(in: 0..<50, using: &random) == 0
      var fields = "Host: soak\r\n"
      if content > 0 { fields += "Content-Length: \(content)\r\n" }
      if isLast { fields += "Connection: close\r\n" }
      let head = "\(content > 0 ? "POST" : "GET") /bytes/\(size) HTTP/1.1\r\n\(fields)\r\n"
      note(.requests)
      do {
        try socket.send(Array(head.utf8) + [UInt8](repeating: 121, count: content))
        let answer = try socket.head()
        var isWrong = false
        let length = number(answer, after: "Content-Length: ") ?? 0
        let isRefused = answer.dropFirst(9).first.map { $0 >= "4" } ?? true
        try socket.take(length) { part in
          if !isRefused, !part.allSatisfy({ $0 == UInt8(ascii: "x") }) { isWrong = true }
        }
        if isRefused { note(.refused) } else if isWrong || length != size { note(.wrong) }
        if answer.contains("Connection: close") { return }
      } catch {
        return note(error is SoakSocket.TimedOut ? .timeout : .cut)
      }
    }
  }

  /// Begins, and leaves somewhere on the way.
  private func leave(_ random: inout SeededRandom) {
    guard let socket = connected() else { return }
    let requests = [
      "GET /bytes/150000 HTTP/1.1\r\nHost: soak\r\n\r\n", "GET /bytes/1000 HT",
      "POST /bytes/10 HTTP/1.1\r\nHost: soak\r\nContent-Length: 100000\r\n\r\nsome",
      "GET /bytes/20000 HTTP/1.1\r\nHost: soak\r\n\r\nGET /bytes/20000 HTTP/1.1\r\nHost: soak\r\n\r\n",
      "",
    ]
    let request = requests.randomElement(using: &random) ?? ""
    note(.requests)
    try? socket.send(Array(request.utf8))
    if request.hasSuffix("\r\n\r\n"), Bool.random(using: &random) {
      try? socket.take(Int.random(in: 1...20_000, using: &random))
    }
    if Bool.random(using: &random) { socket.resetOnClose() }
    usleep(UInt32.random(in: 0..<10_000, using: &random))
  }

  private func relay(_ random: inout SeededRandom) {
    guard let socket = connected() else { return }
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
    for _ in 0..<Int.random(in: 1...50, using: &random) where Bench.wanted == 0 {
      do {
        note(.requests)
        try socket.send(bytes)
        var echoed: [UInt8] = []
        try socket.take(bytes.count) { echoed += $0 }
        if echoed != bytes { note(.wrong) }
      } catch { return note(error is SoakSocket.TimedOut ? .timeout : .cut) }
    }
  }
}
