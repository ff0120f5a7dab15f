import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Transport

/// `atoll-bench soak SECONDS`: an engine under everything at once, and a verdict.
///
/// This process is the engine alone. Backends and clients are processes of their own: clients that
/// count every failure, `wrk` over TLS, clients that leave half way, clients of a relay. Every second
/// the configuration changes; every few seconds a backend is killed, and returns. In the end
///
/// 1. every failure that a client saw is one that the engine counted, by reason, and none is missing;
/// 2. nothing that came was wrong, and nobody was kept waiting;
/// 3. memory and descriptors were flat after the first third;
/// 4. no connection and no descriptor is left.
@Loop final class Soak {
  private let seconds: Int
  private let engine: Engine
  private let folder: String
  private let plan: SoakPlan
  private var backends: [UInt16: ChildProcess] = [:]
  private var clients: [String: ChildProcess] = [:]
  private var samples: [Sample] = []
  private var kills = 0
  private var complaints: [String] = []

  /// What this process holds.
  struct Sample {
    var memory: Int
    var descriptors: Int
  }

  static func run(_ arguments: [String]) async -> Int32 {
    guard let seconds = arguments.first.flatMap({ Int($0) }), seconds >= 15 else { Bench.usage() }
    do {
      let complaints = try await Soak(seconds).run()
      for complaint in complaints.prefix(50) { print("soak: \(complaint)") }
      print("soak: \(complaints.isEmpty ? "passed" : "FAILED")")
      return complaints.isEmpty ? 0 : 1
    } catch {
      print("soak: FAILED: \(error)")
      return 1
    }
  }

  private init(_ seconds: Int) throws {
    self.seconds = seconds
    engine = try Engine()
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    folder = "\(parent)/atoll-soak.\(getpid())"
    mkdir(folder, 0o700)
    plan = try SoakPlan()
  }

  private func run() async throws -> [String] {
    defer { for child in Array(backends.values) + Array(clients.values) { child.signal(SIGKILL) } }
    // What is made with the first objects stays for good: it is there before anything is counted.
    apply(0)
    engine.apply(DeliveryConfiguration())
    try await Loop.sleep(.milliseconds(500))
    let before = sample()
    for port in plan.ports { try startBackend(port) }
    try await Loop.sleep(.milliseconds(500))
    apply(0)
    try await Loop.sleep(.milliseconds(500))
    let warm = sample()
    try startClients()
    for second in 1...seconds {
      try await Loop.sleep(.seconds(1))
      apply(second)
      try disturb(second)
      samples.append(sample())
      if second % 10 == 0 { report(second) }
    }
    try await endClients()
    try await check(before, warm)
    return complaints
  }

  // MARK: What goes on

  private func startBackend(_ port: UInt16) throws {
    let kind = plan.echo.contains(port) ? "echo" : "http"
    backends[port] = try ChildProcess.spawn(["/proc/self/exe", "soak-backend", kind, "\(port)"])
  }

  private func startClients() throws {
    let own = [
      ("plain", plan.plainPort, 16), ("leaving", plan.leavingPort, 8), ("relay", plan.relayPort, 4),
    ]
    for (name, port, count) in own {
      clients[name] = try ChildProcess.spawn(
        ["/proc/self/exe", "soak-clients", name, "\(port)", "\(count)"],
        output: .append("\(folder)/\(name)"))
    }
    do {
      clients["tls"] = try ChildProcess.spawn(
        [
          "wrk", "-t1", "-c16", "--timeout", "30s", "-d\(seconds)s",
          "https://127.0.0.1:\(plan.tlsPort)/bytes/1000",
        ],
        output: .append("\(folder)/tls"))
    } catch { print("soak: skipped: nothing is sent over TLS: \(error)") }
  }

  private func apply(_ second: Int) {
    complaints += engine.apply(plan.configuration(second)).map { "refused: \($0)" }
  }

  /// One backend at a time is away, for a second.
  private func disturb(_ second: Int) throws {
    for (port, child) in backends where !child.isRunning { try startBackend(port) }
    guard second % 3 == 0, second < seconds - 2 else { return }
    let port = plan.ports[second / 3 % plan.ports.count]
    backends[port]?.signal(SIGKILL)
    kills += 1
  }

  private func sample() -> Sample {
    Sample(memory: memory("Rss:"), descriptors: (try? FileSystem.list("/proc/self/fd"))?.count ?? 0)
  }

  /// What they stand for.
  private func descriptors() -> String {
    let names = (try? FileSystem.list("/proc/self/fd")) ?? []
    return names.map { name in
      var target = [CChar](repeating: 0, count: 256)
      let count = readlink("/proc/self/fd/\(name)", &target, target.count)
      return String(
        decoding: target[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }.joined(separator: " ")
  }

  /// KiB, of proc(5)'s smaps_rollup.
  private func memory(_ name: String) -> Int {
    let text = (try? FileSystem.readText("/proc/self/smaps_rollup")) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
    return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  }

  private func report(_ second: Int) {
    let counts = engine.snapshot().servers.map(\.counts)
    let requests = counts.reduce(0) { $0 + $1.requests }
    let failures = counts.reduce(0) { $0 + $1.failures }
    let now = samples.last ?? sample()
    print(
      "soak: \(second) s, \(requests) requests, \(failures) failed, \(second) changes, \(kills) kills, "
        + "RSS \(now.memory) KiB, PSS \(memory("Pss:")) KiB, \(now.descriptors) descriptors")
    fflush(nil)
  }

  private func endClients() async throws {
    for (name, child) in clients {
      if name != "tls" { child.signal(SIGTERM) }
      let alarm = Loop.after(.seconds(40)) { child.signal(SIGKILL) }
      let ending = try await child.wait()
      alarm.cancel()
      if !ending.isSuccess {
        complaints.append("clients \(name) did not end by themselves: \(ending)")
      }
    }
  }

  // MARK: The verdict

  private func check(_ before: Sample, _ warm: Sample) async throws {
    for _ in 0..<100 where inFlight() > 0 { try await Loop.sleep(.milliseconds(100)) }
    expect(inFlight() == 0, "\(inFlight()) connections are stuck")
    accountPlain()
    accountTLS()
    let relay = tally("relay")
    expect(relay["wrong"] == 0 && relay["timeout"] == 0, "relay: \(relay)")
    expect((relay["requests"] ?? 0) > 0, "relay: nothing passed")
    print("soak: relay \(relay), leaving \(tally("leaving"))")
    checkFlatness()
    engine.apply(DeliveryConfiguration())
    for child in backends.values { child.signal(SIGKILL) }
    for child in backends.values { _ = try await child.wait() }
    backends = [:]
    clients = [:]
    try await Loop.sleep(.seconds(1))
    let after = sample()
    // The runtime makes an epoll instance, an eventfd and a timerfd of its own when it first needs them.
    expect(
      after.descriptors <= before.descriptors + 3 && !descriptors().contains("socket:"),
      "\(after.descriptors) descriptors in the end, \(before.descriptors) at first: \(descriptors())"
    )
    print(
      "soak: RSS \(before.memory) KiB at first, \(warm.memory) KiB before clients, \(after.memory) KiB in the end"
    )
  }

  private func inFlight() -> UInt64 {
    let now = engine.snapshot()
    return now.servers.reduce(0) { $0 + $1.counts.activeConnections }
      + now.pools.flatMap(\.members).reduce(0) { $0 + $1.counts.activeConnections }
  }

  /// Every failure by its reason, as the clients saw it and as the engine counted it.
  private func accountPlain() {
    let seen = tally("plain")
    guard let counts = counts("plain") else { return }
    let cut = counts.failures - counts.statuses[3] - counts.statuses[4]
    print(
      "soak: plain clients \(seen); engine: \(counts.requests) requests, \(counts.statuses), \(cut) cut"
    )
    expect(seen["requests"] == Int(counts.requests), "requests are not all accounted for")
    expect(
      seen["refused"] == Int(counts.statuses[3] + counts.statuses[4]),
      "refusals are not all accounted for")
    expect(seen["cut"] == Int(cut), "responses that were cut are not all accounted for")
    for name in ["wrong", "timeout", "connect"] {
      expect(seen[name] == 0, "plain: \(name) \(seen[name] ?? -1) times")
    }
  }

  /// What `wrk` says of errors, give or take the connections that it closed in the end.
  private func accountTLS() {
    guard let text = try? FileSystem.readText("\(folder)/tls"), let counts = counts("tls") else {
      return
    }
    var seen = 0
    for line in text.split(separator: "\n")
    where line.contains("errors") || line.contains("Non-2xx") {
      seen += line.split { !$0.isNumber }.compactMap { Int($0) }.reduce(0, +)
      if line.contains("Non-2xx") { seen -= 5 }
    }
    print(
      "soak: wrk over TLS saw \(seen) failures; engine: \(counts.requests) requests, \(counts.failures) failed"
    )
    expect(abs(seen - Int(counts.failures)) <= 16, "failures over TLS are not all accounted for")
    expect(counts.statuses[1] > 0, "nothing passed over TLS")
  }

  private func checkFlatness() {
    let rest = samples.dropFirst(samples.count / 3)
    let (early, late) = (rest.prefix(rest.count / 2), rest.suffix(rest.count / 2))
    func median(_ values: [Int]) -> Int { values.sorted()[values.count / 2] }
    let memory = (median(early.map(\.memory)), median(late.map(\.memory)))
    let descriptors = (early.map(\.descriptors).max() ?? 0, late.map(\.descriptors).max() ?? 0)
    print(
      "soak: RSS median \(memory.0) then \(memory.1) KiB, descriptors at most \(descriptors.0) then \(descriptors.1)"
    )
    expect(memory.1 <= memory.0 * 105 / 100 + 1024, "memory grows")
    expect(descriptors.1 <= descriptors.0 * 11 / 10 + 16, "descriptors grow")
  }

  private func counts(_ name: String) -> EngineSnapshot.Counts? {
    engine.snapshot().servers.first { $0.name == name }?.counts
  }

  /// `name=count` of a client process' last line.
  private func tally(_ name: String) -> [String: Int] {
    let text = (try? FileSystem.readText("\(folder)/\(name)")) ?? ""
    var tally: [String: Int] = [:]
    for pair in text.split(whereSeparator: \.isWhitespace) {
      let sides = pair.split(separator: "=")
      if sides.count == 2 { tally[String(sides[0])] = Int(sides[1]) }
    }
    return tally
  }

  private func expect(_ holds: Bool, _ complaint: String) {
    if !holds { complaints.append(complaint) }
  }
}
