import Delivery
import Linux
import NetTypes

/// Where mode kernel and egress keep their rules.
package struct KernelSettings: Sendable {
  /// Of family inet; no other table is touched.
  package var table = "atoll-edge"
  /// The named namespace that has it; nil: the process's own.
  package var namespace: String?
}

/// Virtual servers of mode kernel, and egress: keeps the edge's own nftables table as they ask for.
///
/// What is wanted and what is up may change at any time; one transaction is under way at a time, and
/// the next leads to the latest. A table that another process has left is taken over, counters and all.
@Loop final class KernelPlane {
  /// What has been served so far is now served by the kernel too.
  var onServing: @Loop () -> Void = {}
  /// A transaction has failed; it is tried again.
  var onProblem: @Loop (Problem) -> Void = { _ in }
  private(set) var counts = KernelCounts()
  private let settings: KernelSettings
  private let isUp: @Loop (Member, Pool) -> Bool
  private var servers: [(server: VirtualServer, pool: Pool)] = []
  private var egress: [Egress] = []
  /// What was written last: its marks and counters hold until something else is.
  private var current: KernelRuleset?
  private var hasTable: Bool?
  /// As far as is known, nobody has changed the table since.
  private var isKnown = false
  /// Names whose rules are in the kernel.
  private var serving: Set<String> = []
  private var isDirty = false
  private var runner: Task<Void, Never>?
  private var poll: Timer?
  private var isStopped = false
  private var isHeld = false
  /// As of the latest transaction.
  private var down: Set<UInt32> = []

  static let pollInterval = Duration.seconds(2)
  /// Where only egress counts.
  static let egressPollInterval = Duration.seconds(15)
  static let retryDelay = Duration.seconds(2)

  init(_ settings: KernelSettings, isUp: @escaping @Loop (Member, Pool) -> Bool) {
    self.settings = settings
    self.isUp = isUp
  }

  func isServing(_ server: String) -> Bool { serving.contains(server) }

  func apply(_ servers: [(server: VirtualServer, pool: Pool)], _ egress: [Egress]) {
    self.servers = servers
    self.egress = egress
    // A process that never had to do with the kernel leaves it alone.
    guard !isIdle || hasTable != nil else { return }
    refresh()
  }

  /// Takes over, or empties, what a process before this one may have left.
  func recover() {
    isHeld = false
    guard !isKnown, NFTables.isInstalled else { return }
    refresh()
  }

  /// Leaves the table alone until `recover()`.
  func hold() { isHeld = true }

  /// A member has come up or gone down.
  func healthChanged() {
    if !servers.isEmpty { refresh() }
  }

  /// The table is as was wanted when this was called.
  func settle() async { await runner?.value }

  private var isIdle: Bool { servers.isEmpty && egress.isEmpty }

  private func refresh() {
    isDirty = true
    guard runner == nil, !isStopped, !isHeld else { return }
    runner = Task { @Loop [weak self] in
      while let self, self.isDirty, !self.isStopped {
        self.isDirty = false
        do {
          try await self.transact()
        } catch {
          self.failed("\(error)")
        }
      }
      self?.runner = nil
    }
  }

  private func failed(_ reason: String) {
    // Somebody else may have changed it.
    isKnown = false
    // Without the right to look there is nothing of ours to find.
    if isIdle { return }
    onProblem(
      Problem(
        object: "table inet \(settings.table)", field: "rules", found: reason,
        expected: "a transaction that the kernel takes"))
    Loop.after(Self.retryDelay) { [weak self] in self?.refresh() }
  }

  private func transact() async throws {
    var old = hasTable == true ? current : nil
    if !isKnown {
      let tables = try await NFTables.list(["tables", "inet"], inNamespace: settings.namespace)
      let known = tables.split(separator: "\n").contains("table inet \(settings.table)")
      old = nil
      if known {
        let listing = try await NFTables.list(
          ["table", "inet", settings.table], inNamespace: settings.namespace)
        old = KernelRuleset(listing: listing)
      }
      (hasTable, isKnown) = (known, true)
    }
    if hasTable == false, isIdle { return }
    let entries = servers.map { server, pool in
      KernelServer(server, pool, isUp: pool.members.map { isUp($0, pool) })
    }
    let names = Set(servers.map(\.server.name))
    let wanted = KernelRuleset(servers: entries, egress: egress)
    if let old, !old.counters.isSubset(of: wanted.counters) { try await readCounts() }
    if let script = wanted.transaction(table: settings.table, from: old) {
      try await NFTables.apply(script, inNamespace: settings.namespace)
    }
    (current, hasTable) = (wanted, true)
    try actOnServiceDown(entries, wanted)
    counts.keep(wanted.counters)
    serving = names
    onServing()
    schedulePoll()
  }

  /// Connections of members that have gone down since, where their pool does not let them go on.
  private func actOnServiceDown(_ entries: [KernelServer], _ rules: KernelRuleset) throws {
    var (now, forgotten): (Set<UInt32>, Set<UInt32>) = ([], [])
    for entry in entries {
      for (member, isUp) in zip(entry.pool.members, entry.isUp) where !isUp {
        guard let mark = rules.mark(entry.server.name, member.socketAddress) else { continue }
        now.insert(mark)
        if entry.pool.serviceDown != .none { forgotten.insert(mark) }
      }
    }
    forgotten.subtract(down)
    if !forgotten.isEmpty {
      try withConnections { try $0.deleteConnections(marks: forgotten) }
    }
    // Only now: after a failure they are still to be forgotten.
    down = now
  }

  private func withConnections<Value>(_ body: (Netlink) throws -> Value) throws -> Value {
    let netlink: Netlink
    if let namespace = settings.namespace {
      netlink = try NetworkNamespace.open(named: namespace).with { try Netlink.connections() }
    } else {
      netlink = try Netlink.connections()
    }
    return try body(netlink)
  }

  private func schedulePoll() {
    guard poll == nil, !isStopped, !isIdle else { return }
    poll = Loop.after(servers.isEmpty ? Self.egressPollInterval : Self.pollInterval) {
      [weak self] in
      Task { @Loop [weak self] in
        try? await self?.readCounts()
        self?.poll = nil
        self?.schedulePoll()
      }
    }
  }

  /// Reads the counters back.
  func readCounts() async throws {
    guard hasTable == true else { return }
    let listing = try await NFTables.list(
      ["counters", "table", "inet", settings.table], inNamespace: settings.namespace)
    counts.take(KernelRuleset.counts(listing: listing))
  }

  /// What has been counted for a member of a virtual server.
  func counts(server: String, member: SocketAddress) -> EngineSnapshot.Counts {
    counts.of(current?.markName(server, member) ?? "")
  }

  /// TCP connections that are not yet closing.
  func activeConnections() -> Int {
    guard let marks = current?.allMarks, !marks.isEmpty else { return 0 }
    return (try? withConnections { try $0.countConnections(marks: marks) }) ?? 0
  }

  /// New connections are refused from here on; those that there are go on.
  func drain() async {
    servers = servers.map { server, pool in
      var pool = pool
      for index in pool.members.indices { pool.members[index].state = .draining }
      return (server, pool)
    }
    if !servers.isEmpty { refresh() }
    await settle()
  }

  /// - Parameter forGood: Removes the table; otherwise it is left to the process that comes next.
  func stop(forGood: Bool) async {
    guard !isStopped else { return }
    isStopped = true
    poll?.cancel()
    await settle()
    guard hasTable == true, forGood else { return }
    hasTable = false
    try? await NFTables.apply(
      "delete table inet \(settings.table)\n", inNamespace: settings.namespace)
  }
}
