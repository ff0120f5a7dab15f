import DNS
import Delivery
import Engine
import GSLB
import Linux
import Logging
import NetTypes

/// Gives a voter its time, its probes and its peers, and a name server the answers that follow.
///
///     probe's end, view, unit's word, operator ─▶ Voter ─▶ probes, views, steered sets
@Loop package final class SteeringService {
  struct Counts: Equatable, Sendable {
    var viewsReceived = 0
    var viewsRefused = 0
    var probes = 0
    var probesFailed = 0
    var changes = 0
    var failOvers = 0
  }

  private(set) var voter: Voter
  private(set) var sets: [SteeredSet] = []
  /// All that is wrong with what this name service, and the units, want steered.
  private(set) var problems: [Problem] = []
  /// The last one of each name.
  private(set) var failOvers: [DomainName: Voter.FailOver] = [:]
  private(set) var counts = Counts()
  private(set) var exchange: ViewExchange?
  /// Called when answers or verdicts are others.
  var onChange: @Loop () -> Void = {}
  private var probes: [VirtualServerName: Probe] = [:]
  private var timer: Timer?
  private let server: NameServer
  private let log: Logger

  /// - Parameter state: The folder where the incarnation is kept; nil: the clock alone tells it.
  package init(name: String, state: String?, server: NameServer, log: Logger) throws {
    self.server = server
    self.log = log
    voter = Voter(
      name: name, incarnation: try Incarnation.next(path: state.map { "\($0)/incarnation" }),
      seed: .random(in: 0 ... .max), at: Loop.now)
  }

  /// Exchanges views with other voters from now on.
  /// - Throws: an address that cannot be bound, a certificate that is none.
  package func join(listen: SocketAddress, peers: [VoterAddress], trust: VoterTrust) throws {
    let exchange = try ViewExchange(
      listen: listen, peers: peers, trust: trust, longest: View.longest, log: log
    ) { [weak self] view, peer in self?.receive(view, from: peer) }
    self.exchange = exchange
    exchange.start()
  }

  package func configure(_ configuration: GSLBConfiguration, geography: GeographicDatabase?) {
    handle(
      .configure(configuration) { source in
        switch source {
        case .country(let code): geography?.prefixes(ofCountry: code) ?? []
        case .continent(let code): geography?.prefixes(ofContinent: code) ?? []
        case .subnet, .region: []
        }
      })
  }

  package func stop() {
    timer?.cancel()
    for probe in probes.values { probe.cancel() }
    probes = [:]
    exchange?.stop()
  }

  package func handle(_ event: Voter.Event) {
    for action in voter.handle(event, at: Loop.now) { perform(action) }
    server.extendSteering(until: voter.answersUntil)
    timer?.cancel()
    timer = Loop.after(max(.zero, Loop.now.duration(to: voter.deadline))) { [weak self] in
      self?.handle(.tick)
    }
  }

  /// - Parameter peer: The voter that its certificate names.
  private func receive(_ bytes: [UInt8], from peer: String) {
    do {
      let view = try View(decoding: bytes)
      counts.viewsReceived += 1
      handle(.received(view))
    } catch {
      counts.viewsRefused += 1
      log.warning("view refused", metadata: ["voter": "\(peer)", "reason": "\(error)"])
    }
  }

  private func perform(_ action: Voter.Action) {
    switch action {
    case .probe(let target): probe(target)
    case .send(let view, let peers): exchange?.send(view.encoded, of: view.voter, to: peers)
    case .publish(let sets):
      self.sets = sets
      server.publish(sets)
      onChange()
    case .changed(let change):
      counts.changes += 1
      log.notice(
        "member \(change.isUp ? "up" : "down")",
        metadata: ["member": "\(change.member)", "why": "\(change.why)"])
      onChange()
    case .isolated(let isIsolated, let why):
      log.warning(isIsolated ? "isolated" : "no longer isolated", metadata: ["why": "\(why)"])
      onChange()
    case .failedOver(let failOver):
      counts.failOvers += 1
      failOvers[failOver.wideIP] = failOver
      log.notice(
        "failed over",
        metadata: [
          "name": "\(failOver.wideIP)", "from": "\(failOver.member)",
          "milliseconds": "\(failOver.time.inNanoseconds / 1_000_000)",
        ])
    case .problems(let problems):
      self.problems = problems
      for problem in problems { log.warning("not steered", metadata: ["why": "\(problem)"]) }
      onChange()
    }
  }

  private func probe(_ target: Voter.Target) {
    counts.probes += 1
    probes[target.member]?.cancel()
    let began = Loop.now
    let address = SocketAddress(target.address, port: target.port)
    let probe = Probe(address, target.monitor) { [weak self] failure in
      guard let self else { return }
      probes[target.member] = nil
      guard let failure else {
        return handle(.answered(target.member, roundTrip: began.duration(to: Loop.now)))
      }
      counts.probesFailed += 1
      handle(.failed(target.member, reason: failure))
    }
    probes[target.member] = probe
    probe.start()
  }
}
