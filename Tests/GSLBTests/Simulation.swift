import DNS
import GSLB
import NetTypes

/// Name services on a simulated clock, and a network between them that is cut, delays, reorders,
/// repeats and loses. Unit `i` has voter `i` and a member; voters beyond the units are witnesses.
struct Simulation {
  static let names = ["east", "west", "north", "client"]

  enum Event {
    case tick(voter: Int)
    case view([UInt8], to: Int)
    case result(VirtualServerName, of: Int, incarnation: UInt64, reason: String?, Duration)
    case fault(Fault)
  }

  struct Queued {
    var at: Instant
    var order: Int
    var event: Event
  }

  let units: Int
  let count: Int
  let seed: UInt64
  var random: SeededRandom
  var now = Instant.zero
  private var queue: [Queued] = []
  private var order = 0

  var voters: [Voter]
  private var incarnations: [UInt64]
  private var nextTick: [Instant]
  /// The process does not run.
  var isCrashed: [Bool]
  /// The process stands still; what comes waits.
  private var waiting: [[Event]?]
  /// The unit's application does not answer.
  var isDead: [Bool]
  var insides: [View.Inside]
  /// `cut[i][j]`: nothing passes from i to j.
  var cut: [[Bool]]
  var loss = 0.0
  var delay = Duration.milliseconds(1)...Duration.milliseconds(20)

  /// Units that each voter answers with; nil: it refuses.
  var answers: [[Int]?]
  var check: InvariantCheck
  private(set) var failOvers: [Duration] = []
  private(set) var handled = 0

  init(units: Int, witnesses: Int = 0, seed: UInt64, mode: LoadBalancing = .roundRobin) {
    self.units = units
    count = units + witnesses
    self.seed = seed
    random = SeededRandom(seed: seed)
    incarnations = Array(repeating: 1, count: count)
    nextTick = Array(repeating: .zero, count: count)
    isCrashed = Array(repeating: false, count: count)
    waiting = Array(repeating: nil, count: count)
    isDead = Array(repeating: false, count: units)
    insides = Array(repeating: View.Inside(), count: units)
    cut = Array(repeating: Array(repeating: false, count: count), count: count)
    answers = Array(repeating: nil, count: count)
    let configuration = Self.configuration(units: units, count: count, mode)
    check = InvariantCheck(units: units, voters: count, configuration.health)
    voters = []
    for index in 0..<count {
      voters.append(
        Voter(name: Self.names[index], incarnation: 1, seed: random.next(), at: now))
    }
    self.configuration = configuration
    for index in 0..<count { boot(index) }
  }

  private let configuration: GSLBConfiguration

  private static func configuration(
    units: Int, count: Int, _ mode: LoadBalancing
  ) -> GSLBConfiguration {
    var configuration = sites(Array(names.prefix(units)), mode: mode) {
      $0.maxAnswers = 4
    }
    configuration.health.voters = Array(names.prefix(count))
    // So that a run need not be long to see every member back.
    configuration.health.longestHoldDown = .seconds(4)
    return configuration
  }

  private mutating func boot(_ voter: Int) {
    handle(voter, .configure(configuration, geography: { _ in [] }))
    if voter < units { handle(voter, .inside(web(Self.names[voter]), insides[voter])) }
  }

  // MARK: Time

  mutating func schedule(_ event: Event, at time: Instant) {
    order += 1
    queue.append(Queued(at: time, order: order, event: event))
    var child = queue.count - 1
    while child > 0, case let parent = (child - 1) / 2, isBefore(child, parent) {
      queue.swapAt(child, parent)
      child = parent
    }
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    (queue[a].at, queue[a].order) < (queue[b].at, queue[b].order)
  }

  private mutating func next() -> Queued {
    queue.swapAt(0, queue.count - 1)
    let first = queue.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < queue.count && isBefore(child, least) {
        least = child
      }
      if least == parent { return first }
      queue.swapAt(parent, least)
      parent = least
    }
  }

  mutating func run(for duration: Duration) {
    let end = now.advanced(by: duration)
    while let first = queue.first, first.at <= end {
      let event = next()
      now = max(now, event.at)
      take(event.event)
      verify()
    }
    now = end
    verify()
  }

  private mutating func take(_ event: Event) {
    switch event {
    case .tick(let voter):
      guard !isCrashed[voter], nextTick[voter] <= now, !keep(event, voter) else { return }
      handle(voter, .tick)
    case .view(let bytes, let voter):
      guard !isCrashed[voter], !keep(event, voter) else { return }
      guard let view = try? View(decoding: bytes) else { fatalError("a view that does not decode") }
      handle(voter, .received(view))
    case .result(let member, let voter, let incarnation, let reason, let roundTrip):
      guard !isCrashed[voter], incarnations[voter] == incarnation, !keep(event, voter) else {
        return
      }
      handle(
        voter, reason.map { .failed(member, reason: $0) } ?? .answered(member, roundTrip: roundTrip)
      )
    case .fault(let fault): apply(fault)
    }
  }

  /// A process that stands still takes it later.
  private mutating func keep(_ event: Event, _ voter: Int) -> Bool {
    guard waiting[voter] != nil else { return false }
    waiting[voter]?.append(event)
    return true
  }

  mutating func pause(_ voter: Int) { if waiting[voter] == nil { waiting[voter] = [] } }

  mutating func resume(_ voter: Int) {
    guard let events = waiting[voter] else { return }
    waiting[voter] = nil
    check.resumed(voter, at: now)
    for event in events { take(event) }
    if voter < units { learn(voter, insides[voter]) }
  }

  func isPaused(_ voter: Int) -> Bool { waiting[voter] != nil }

  mutating func crash(_ voter: Int) {
    isCrashed[voter] = true
    waiting[voter] = nil
    answers[voter] = nil
  }

  mutating func start(_ voter: Int) {
    guard isCrashed[voter] else { return }
    isCrashed[voter] = false
    incarnations[voter] += 1
    voters[voter] = Voter(
      name: Self.names[voter], incarnation: incarnations[voter], seed: random.next(), at: now)
    check.started(voter, at: now)
    boot(voter)
  }

  mutating func learn(_ unit: Int, _ inside: View.Inside) {
    insides[unit] = inside
    guard !isCrashed[unit], !isPaused(unit) else { return }
    handle(unit, .inside(web(Self.names[unit]), inside))
  }

  // MARK: The network

  mutating func handle(_ voter: Int, _ event: Voter.Event) {
    handled += 1
    for action in voters[voter].handle(event, at: now) {
      switch action {
      case .probe(let target): probe(target.member, voter)
      case .send(let view, let names):
        let bytes = view.encoded
        for name in names {
          guard let peer = Self.names.firstIndex(of: name) else { continue }
          send(bytes, from: voter, to: peer)
        }
      case .publish(let sets): published(sets[0], voter)
      case .changed(let change):
        check.changed(voter, change, at: now, seed: seed)
      case .failedOver(let failOver): failOvers.append(failOver.time)
      case .isolated, .problems: break
      }
    }
    let deadline = max(voters[voter].deadline, now)
    if deadline != nextTick[voter] || nextTick[voter] <= now {
      nextTick[voter] = deadline
      schedule(.tick(voter: voter), at: deadline)
    }
  }

  private mutating func wait(_ range: ClosedRange<Duration>) -> Instant {
    now.advanced(
      by: .nanoseconds(
        Int64.random(
          in: range.lowerBound.inNanoseconds...range.upperBound.inNanoseconds, using: &random)))
  }

  private mutating func isLost() -> Bool {
    loss > 0 && Double.random(in: 0..<1, using: &random) < loss
  }

  private mutating func send(_ bytes: [UInt8], from: Int, to: Int) {
    guard !cut[from][to], !isLost() else { return }
    schedule(.view(bytes, to: to), at: wait(delay))
    // Now and then one comes twice, the second time late.
    if Int.random(in: 0..<50, using: &random) == 0 {
      schedule(.view(bytes, to: to), at: wait(delay.lowerBound...(.seconds(2))))
    }
  }

  private mutating func probe(_ member: VirtualServerName, _ voter: Int) {
    guard let unit = Self.names.firstIndex(of: member.server) else { return }
    let passes = voter == unit || !(cut[voter][unit] || cut[unit][voter] || isLost())
    let began = now
    let incarnation = incarnations[voter]
    guard passes, !isDead[unit] else {
      // The application refuses, or nothing comes back.
      let isRefused = passes && Bool.random(using: &random)
      let end = isRefused ? wait(delay) : now.advanced(by: .milliseconds(200))
      schedule(
        .result(
          member, of: voter, incarnation: incarnation,
          reason: isRefused ? "connection refused" : "timed out", .zero), at: end)
      return
    }
    let end = wait(delay)
    schedule(
      .result(
        member, of: voter, incarnation: incarnation, reason: nil, began.duration(to: end)),
      at: end)
  }

  private mutating func published(_ set: SteeredSet, _ voter: Int) {
    if case .fail = set.whenEmpty {
      answers[voter] = nil
    } else {
      let records = Set(set.tables[0].rows.flatMap(\.self))
      answers[voter] = records.map { Int(set.records[Int($0)].bytes[1]) - 1 }.sorted()
    }
  }

  private mutating func verify() {
    let running = (0..<count).map { !isCrashed[$0] && !isPaused($0) }
    check.verify(
      answers: answers, running: running, dead: isDead,
      empty: insides.map { !$0.isAnnounced || $0.readyEndpoints == 0 }, cut: cut,
      isLossy: loss > 0, at: now, seed: seed)
  }
}
