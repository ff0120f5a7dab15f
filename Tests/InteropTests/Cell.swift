import BGP
import Linux
import NetTypes
import RouterService
import Testing

/// One cell of the matrix: our router, a cable, and the peer's program.
@Loop final class Cell {
  let cable: Cable
  let exchange: Exchange
  let peer: PeerProcess
  private(set) var router: Router
  /// Changes of the session's state, as the log would have them.
  private(set) var history: [String] = []

  /// Runs `body` with both ends started, and notes how it went.
  static func run(
    _ feature: Feature, _ implementation: Implementation, _ exchange: Exchange = Exchange(),
    _ body: @Loop (Cell) async throws -> Void
  ) async throws {
    try await Matrix.enter()
    defer { Matrix.leave() }
    let cell = try Cell(implementation, exchange)
    do {
      try await cell.peer.start()
      try cell.startRouter()
      try await body(cell)
      Matrix.cells[feature, default: [:]][implementation] = .passed
    } catch {
      Matrix.cells[feature, default: [:]][implementation] = .failed
      cell.router.stop(graceful: false)
      await cell.peer.remove()
      throw error
    }
    cell.router.stop(graceful: false)
    await cell.peer.remove()
  }

  private init(_ implementation: Implementation, _ exchange: Exchange) throws {
    cable = try Cable()
    self.exchange = exchange
    peer = try PeerProcess(implementation.dialect, exchange, cable)
    router = Self.router(exchange.configuration(), cable)
  }

  static func router(_ configuration: RouterConfiguration, _ cable: Cable) -> Router {
    var options = Router.Options()
    options.namespace = cable.path(cable.ours)
    return Router(configuration: configuration, options: options)
  }

  /// What it was is forgotten; the kernel's routes stay, and nobody is told.
  func stopRouter() { router.stop(graceful: true) }

  func startRouter() throws {
    router = Self.router(router.configuration, cable)
    let start = Loop.now
    router.onSessionChange = { [weak self] change in
      let reason = change.reason.map { ": \($0)" } ?? ""
      let time = start.duration(to: Loop.now)
      self?.history.append("\(time) \(change.from.rawValue) -> \(change.to.rawValue)\(reason)")
    }
    try router.start()
  }

  /// An external peer of ours that the test speaks for, established.
  func scripted(as number: UInt32, from local: String = Cable.scripted[0]) async throws
    -> ScriptedPeer
  {
    var configuration = router.configuration
    configuration.neighbors.append(
      Neighbor(address: address(local), remoteAS: ASNumber(number)))
    configuration.neighbors[configuration.neighbors.count - 1].settings.passive = true
    try router.apply(configuration)
    let peer = try await ScriptedPeer(cable, from: local)
    try await peer.establish(as: number)
    return peer
  }

  var session: SessionStatus? {
    router.status.sessions.first { $0.peer == address(exchange.theirAddress) }
  }

  var isEstablished: Bool { session?.state == .established }

  /// Our path to `route` by the peer.
  func path(_ route: IPPrefix) -> RouteStatus? {
    router.status.routes.map(\.path).first {
      $0.prefix == route && $0.origin == .peer(address(exchange.theirAddress))
    }
  }

  /// - Throws: `NotSeen` with the peer's log, if `condition` does not come to hold.
  func wait(for what: String, _ condition: @Loop () async throws -> Bool) async throws {
    let deadline = Loop.now.advanced(by: .seconds(45))
    while Loop.now < deadline {
      if try await condition() { return }
      try await Loop.sleep(.milliseconds(50))
    }
    throw await notSeen(what)
  }

  /// What did not come, with all that both ends know of it.
  func notSeen(_ what: String) async -> NotSeen {
    let state = session.map { "\($0.state) \($0.lastError.map { "\($0)" } ?? "")" } ?? "no session"
    let theirs = (try? await peer.sessions()) ?? ""
    let lines = [state] + history + [String(theirs.prefix(2000)), peer.log]
    return NotSeen(what: what, log: lines.joined(separator: "\n"))
  }

  /// Both ends have the other's routes, and the kernel has the peer's.
  func exchangeRoutes() async throws {
    for route in exchange.theirRoutes {
      try await wait(for: "\(route) here") { path(prefix(route)) != nil }
      try await wait(for: "\(route) in the kernel") {
        try cable.installedRoutes()[prefix(route)]?.nextHops
          == [address(exchange.theirNextHop(route))]
      }
    }
    for route in exchange.families.map({ $0 == .ipv4 ? ourRoute : ourRoute6 }) {
      try await wait(for: "\(route) there") { try await peer.learnt("\(route)") != nil }
    }
  }
}
