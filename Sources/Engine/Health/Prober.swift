import Delivery
import Glibc
import Linux
import NetTypes
import Synchronization

/// Active health: one probe for each address and monitor, whatever the number of pools and workers,
/// and the state machine that also hears what traffic met.
@Loop final class Prober {
  private struct Key: Hashable {
    var address: SocketAddress
    var monitor: Monitor
  }

  private final class Target {
    let key: Key
    let shared: SharedHealth
    var health: MemberHealth
    var seenFailures: UInt32 = 0
    var timer: Timer?
    var probe: Probe?

    init(_ key: Key, isAvailable: Bool) {
      self.key = key
      shared = SharedHealth(isAvailable: isAvailable)
      health = MemberHealth(monitor: key.monitor, at: Loop.now)
    }
  }

  /// A member has come up or gone down.
  var onChange: @Loop (_ isUp: Bool) -> Void = { _ in }
  private let state: SharedState
  private var targets: [Key: Target] = [:]

  init(state: SharedState) { self.state = state }

  /// Probes the members of `pools`, and nothing else.
  func apply(_ pools: [Pool]) {
    var wanted: Set<Key> = []
    for pool in pools {
      for member in pool.members where member.state != .disabled {
        wanted.insert(Key(address: member.socketAddress, monitor: member.monitor ?? pool.monitor))
      }
      for member in pool.members where member.state == .disabled {
        // Not probed, but with a state to show.
        let key = Key(address: member.socketAddress, monitor: member.monitor ?? pool.monitor)
        if targets[key] == nil { targets[key] = Target(key, isAvailable: true) }
      }
    }
    let listed = Set(
      pools.flatMap { pool in
        pool.members.map { Key(address: $0.socketAddress, monitor: $0.monitor ?? pool.monitor) }
      })
    for (key, target) in targets where !listed.contains(key) {
      end(target)
      targets[key] = nil
    }
    for key in wanted {
      if let target = targets[key] {
        if target.timer == nil, target.probe == nil { begin(target) }
      } else {
        let target = Target(key, isAvailable: true)
        targets[key] = target
        begin(target)
      }
    }
    for (key, target) in targets where !wanted.contains(key) { end(target) }
  }

  func stop() {
    for target in targets.values { end(target) }
  }

  func health(_ address: SocketAddress, _ monitor: Monitor) -> SharedHealth? {
    targets[Key(address: address, monitor: monitor)]?.shared
  }

  func state(_ address: SocketAddress, _ monitor: Monitor) -> MemberHealth? {
    targets[Key(address: address, monitor: monitor)]?.health
  }

  /// A worker has met failures.
  func takeFailures() {
    for target in targets.values {
      let count = target.shared.trafficFailures.load(ordering: .acquiring)
      guard count != target.seenFailures else { continue }
      target.seenFailures = count
      let code = target.shared.lastError.load(ordering: .relaxed)
      let reason =
        code < 0
        ? "\(-code) failed requests in a row" : "connect: \(String(cString: strerror(code)))"
      handle(target, .trafficFailed(reason: reason))
    }
  }

  private func begin(_ target: Target) {
    guard target.key.monitor.kind != .none else { return }
    // The first probe soon, but not all at once.
    schedule(target, after: target.key.monitor.interval * Double.random(in: 0..<0.5))
  }

  private func end(_ target: Target) {
    target.timer?.cancel()
    target.timer = nil
    target.probe?.cancel()
    target.probe = nil
  }

  private func schedule(_ target: Target, after delay: Duration) {
    target.timer?.cancel()
    target.timer = Loop.after(delay) { [weak self, weak target] in
      guard let self, let target else { return }
      target.timer = nil
      self.probe(target)
    }
  }

  private func probe(_ target: Target) {
    guard target.probe == nil else { return }
    target.probe = Probe(target.key.address, target.key.monitor) {
      [weak self, weak target] failure in
      guard let self, let target else { return }
      target.probe = nil
      // A tenth either way keeps probes of many members apart.
      self.schedule(target, after: target.key.monitor.interval * Double.random(in: 0.9..<1.1))
      if let failure {
        self.handle(target, .probeFailed(reason: failure))
      } else {
        self.handle(target, .probeSucceeded)
      }
    }
    target.probe?.start()
  }

  private func handle(_ target: Target, _ event: MemberHealth.Event) {
    let actions = target.health.handle(event, at: Loop.now)
    for action in actions {
      switch action {
      case .setAvailable(let available):
        target.shared.isAvailable.store(available, ordering: .relaxed)
        state.healthEpoch.add(1, ordering: .releasing)
        onChange(available)
      case .probe(let time):
        // A probe under way began before the failure: its result says nothing.
        target.probe?.cancel()
        target.probe = nil
        schedule(target, after: max(.zero, Loop.now.duration(to: time)))
      case .wake(let time):
        Loop.after(max(.zero, Loop.now.duration(to: time))) { [weak self, weak target] in
          guard let self, let target else { return }
          self.handle(target, .woke)
        }
      }
    }
  }
}
