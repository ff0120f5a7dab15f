import DNS
import Glibc
import HTTP
import Intent
import KubeClient
import Kubernetes
import Linux
import NetTypes
import Transport

/// Sends requests from a client site by name, at a steady rate, whatever becomes of them.
@Loop package final class Drive {
  private let options: DriveOptions
  private let name: DomainName
  private let namespace: String
  private let servers: [SocketAddress]
  /// Of the client site, once it drives.
  private var resolver: StubResolver?
  private var caches: [AnswerCache]
  private var lookups: [Int: Task<[IPAddress], any Error>] = [:]
  private var report: DriveReport
  private var random = SeededRandom(seed: 1)

  /// - Throws: `UnitError` for a client, a name or a path that is none.
  package init(_ options: DriveOptions, mesh record: MeshRecord, client: String?) throws {
    try Preflight.checkRoot()
    let plan = try MeshPlan(record.configuration)
    guard let site = client ?? plan.configuration.clients.first,
      plan.configuration.clients.contains(site)
    else {
      let known = plan.configuration.clients.joined(separator: ", ")
      throw UnitError("client: mesh \(record.name) has \(known.isEmpty ? "none" : known)")
    }
    guard let name = DomainName(options.name) else {
      throw UnitError("name: found \"\(options.name)\", expected a domain name")
    }
    guard HTTPURL("http://127.0.0.1\(options.path)") != nil else {
      throw UnitError("path: found \"\(options.path)\", expected one of a URL")
    }
    self.options = options
    self.name = name
    namespace = plan.namespace(ofClient: site)
    servers = plan.nameservers.map { SocketAddress($0, port: 53) }
    caches = Array(repeating: AnswerCache(), count: max(1, options.users))
    report = DriveReport(
      options,
      sites: plan.units.map { ($0.configuration.vipCIDR, $0.configuration.name) })
  }

  /// Drives for the options' duration, and waits for the last answers. The process's sockets are the
  /// client site's from here on.
  package func run() async throws -> DriveReport {
    try NetworkNamespace.open(named: namespace).enter()
    resolver = try StubResolver(servers: servers, timeout: .seconds(1))
    let beganAt = Timestamp.now
    let began = Loop.now
    let tasks = try await sendAll(from: began)
    for task in tasks { await task.value }
    report.marks = FaultJournal.entries(since: beganAt).map {
      DriveReport.Mark(at: beganAt.duration(to: $0.at), text: $0.text)
    }
    return report
  }

  /// Every request is its own task, so that one that hangs holds up none.
  private func sendAll(from began: Instant) async throws -> [Task<Void, Never>] {
    var tasks: [Task<Void, Never>] = []
    for request in 0..<options.requests {
      let due = began.advanced(by: options.start(of: request))
      let pause = Loop.now.duration(to: due)
      if pause > .zero { try await Loop.sleep(pause) }
      tasks.append(Task { @Loop in await self.send(request, due, began) })
    }
    return tasks
  }

  /// A request counts from when it was due: what this process is late by is not hidden.
  private func send(_ request: Int, _ due: Instant, _ began: Instant) async {
    let user = request % caches.count
    var tried: [IPAddress] = []
    var outcome = DriveReport.Outcome.failed("not sent")
    for _ in 0..<(options.retryOnce ? 2 : 1) {
      do {
        let address = try await address(for: user, avoiding: tried)
        tried.append(address)
        outcome = .answered(status: try await exchange(with: address))
      } catch {
        outcome = .failed(Self.reason(error))
      }
      if case .answered(let status) = outcome, status < 500 { break }
    }
    report.add(
      DriveReport.Sample(
        start: began.duration(to: due), latency: due.duration(to: Loop.now), outcome: outcome,
        address: tried.last, attempts: max(1, tried.count)))
  }

  /// The first address of the answer; of a second attempt one that has not been tried, if there is.
  private func address(
    for user: Int, avoiding tried: [IPAddress]
  ) async throws -> IPAddress {
    var addresses = caches[user].addresses(at: Loop.now) ?? []
    var others = addresses.filter { !tried.contains($0) }
    if others.isEmpty {
      addresses = try await lookUp(for: user)
      others = addresses.filter { !tried.contains($0) }
    }
    guard let address = others.first ?? addresses.first else {
      throw StubResolver.Failure(description: "\(name) has no address")
    }
    return address
  }

  /// Requests of one user that need the name at once share a lookup.
  private func lookUp(for user: Int) async throws -> [IPAddress] {
    if let task = lookups[user] { return try await task.value }
    guard let resolver else { throw StubResolver.Failure(description: "nothing drives yet") }
    let isFirst = caches[user].addresses.isEmpty
    let task = Task { @Loop in
      let (addresses, ttl) = try await resolver.resolve(name)
      let left = isFirst ? age(ttl) : ttl
      caches[user].store(addresses, ttl: left, policy: options.cache, at: Loop.now)
      return addresses
    }
    lookups[user] = task
    defer { lookups[user] = nil }
    return try await task.value
  }

  /// Users did not all come in the moment in which the drive began: what each knows then is of any age,
  /// so that their caches do not run out together.
  private func age(_ ttl: Duration) -> Duration {
    .nanoseconds(Int64.random(in: 0...max(0, ttl.inNanoseconds), using: &random))
  }

  /// On a connection of its own, as a new visitor's.
  private func exchange(with address: IPAddress) async throws -> Int {
    var timeouts = HTTPClient.Timeouts()
    timeouts.connect = options.timeout
    timeouts.response = options.timeout
    timeouts.body = options.timeout
    let client = HTTPClient(timeouts: timeouts)
    defer { client.closeIdle() }
    guard let url = HTTPURL("http://\(address):\(options.port)\(options.path)") else {
      throw UnitError("path: found \"\(options.path)\", expected one of a URL")
    }
    var head = HTTPRequestHead(method: "GET", target: url.target)
    head.headers.add("Host", options.name)
    head.headers.add("Connection", "close")
    let response = try await client.send(head, to: HTTPClient.Origin(url))
    _ = try await response.body.collect(limit: 64 << 20)
    return response.status
  }

  /// Without the address, which the site stands for.
  private static func reason(_ error: any Error) -> String {
    switch error {
    case let failure as StubResolver.Failure: failure.description
    case let error as SystemError: String(cString: strerror(error.code)).lowercased()
    case TransportError.timedOut: "no answer in time"
    default: "\(error)"
    }
  }
}

extension Timestamp {
  fileprivate func duration(to other: Timestamp) -> Duration {
    .microseconds(
      (other.unixSeconds - unixSeconds) * 1_000_000
        + Int64(other.microseconds - microseconds))
  }
}
