import Kubernetes
import Linux
import NetTypes

/// Takes a unit, or an application of it, out of the names that it shares, and loses no request.
///
///     1. names   its members are answered to nobody new, by any voter that is heard
///     2. ttl     answers given before are out of clients' caches, or ought to be
///     3. flows   what is in flight ends
///     4. routes  of a unit: its edge withdraws them and stops
///
/// Each name service keeps what is drained: a drain that ran out of time goes on where it was.
@Loop package struct NamesDrain {
  /// Beyond the TTL: who asked in the last moment has its answer by then.
  private static let margin = Duration.seconds(1)
  private static let interval = Duration.milliseconds(50)

  private let unit: UnitRecord
  private let app: String?
  private let plan: MeshPlan
  private let log: ProgressLog
  private let show: @Loop (Progress) -> Void
  private let wait: Duration
  private let deadline: Instant

  /// - Parameter app: Nil for the whole unit.
  package init(
    unit: UnitRecord, app: String?, wait: Duration, show: @escaping @Loop (Progress) -> Void
  ) throws {
    try Preflight.checkRoot()
    guard let mesh = MeshRegistry.mesh(of: unit.name) else {
      throw UnitError("unit \(unit.name) is in no mesh: no name of its is served elsewhere")
    }
    self.unit = unit
    self.app = app
    self.wait = wait
    plan = try MeshPlan(mesh.configuration)
    log = ProgressLog(show: show)
    self.show = show
    deadline = Loop.now.advanced(by: wait)
  }

  private var control: NameControl { NameControl(plan: plan, voter: unit.name) }
  private var subject: String { app.map { "\($0) in \(unit.name)" } ?? "unit \(unit.name)" }

  /// The names concerned, all of them in full.
  private func names() async throws -> [NamesReport.Name] {
    let names = NamesReport(try await control.status()).names(of: unit.name, app: app)
    guard !names.isEmpty else { throw UnitError("\(subject): it has a part in no such name") }
    return names
  }

  private func order(_ names: [NamesReport.Name], force: Bool, undo: Bool) async throws {
    let orders: [JSON] =
      app == nil ? [["unit": JSON(unit.name)]] : names.map { ["app": JSON($0.name)] }
    for var order in orders {
      if force { order["force"] = true }
      try await control.drain(order, undo: undo)
    }
  }

  /// - Throws: `UnitError`, also where this would leave a name without a healthy member and is not
  ///   forced.
  package func drain(force: Bool) async throws {
    let ttl = try await log.step("names") {
      let names = try await names()
      try await order(names, force: force, undo: false)
      try await untilUnanswered()
      let list = names.map(\.name).joined(separator: ", ")
      return (names.map(\.ttl).max() ?? .zero, "\(list): answered without \(unit.name)")
    }
    try await log.step("ttl") {
      try await Loop.sleep(ttl + Self.margin)
      return ((), "answers of before are \((ttl + Self.margin).components.seconds) s old")
    }
    guard app == nil else {
      log.notice(
        "\(subject) is drained; `atoll undrain app \(app ?? "") --name \(unit.name)` brings it back"
      )
      return
    }
    try await EdgeDrain(unit, wait: wait, show: show).drain()
  }

  package func undo() async throws {
    if app == nil, FileSystem.exists(unit.directory.drainMark(of: "edge")) {
      try await EdgeDrain(unit, wait: wait, show: show).undo()
    }
    try await log.step("names") {
      try await order(try await names(), force: false, undo: true)
      return ((), "\(subject) takes part again")
    }
  }

  /// Voters that cannot be asked have no say: who hears them does not hear this machine either.
  private func untilUnanswered() async throws {
    while true {
      var reason: String?
      for voter in plan.voters {
        guard let status = try? await NameControl(plan: plan, voter: voter.name).status() else {
          continue
        }
        let names = NamesReport(status).answered(with: unit.name, app: app)
        if let name = names.first { reason = "\(voter.name) still answers \(name) with it" }
      }
      guard let reason else { return }
      guard Loop.now < deadline else { throw UnitError("names: \(reason)") }
      try await Loop.sleep(Self.interval)
    }
  }
}
