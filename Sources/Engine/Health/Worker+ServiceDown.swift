import Delivery
import Glibc
import Synchronization

/// What becomes of the connections of a member that goes down: BIG-IP's "action on service down".
extension Worker {
  /// Looks at the pools that act when a member goes down.
  func healthChanged() {
    for pool in pools.values where pool.settings.serviceDown != .none { refresh(pool) }
  }

  /// `slot`'s member has just gone down.
  func serviceDown(_ slot: UInt32, _ action: Pool.ServiceDown) {
    guard action != .none else { return }
    for index in 0..<used where at(index).pointee.member == slot {
      switch at(index).pointee.kind {
      case .flow: if action != .none { closeFlow(index) }
      case .tcpUpstream: endRelay(index, action)
      case .httpUpstream where at(index).pointee.phase != .idle: endExchange(index, action)
      default: break
      }
    }
  }

  private func endRelay(_ upstream: UInt32, _ action: Pool.ServiceDown) {
    // Nothing has passed yet: the client will not notice.
    if action == .reselect, at(upstream).pointee.phase == .connecting {
      return relayConnectFailed(upstream, ECONNABORTED)
    }
    if action == .drop { silence(upstream) }
    abortRelay(upstream)
  }

  private func endExchange(_ upstream: UInt32, _ action: Pool.ServiceDown) {
    let client = at(upstream).pointee.peer
    guard client != Connection.none else { return closeUpstream(upstream) }
    // As if the connection had ended: the request is sent again where it may be.
    if action == .reselect, at(upstream).pointee.phase != .body { return upstreamDied(upstream) }
    if action == .drop { silence(upstream) }
    closeClient(client, reset: true)
  }

  /// Closes without a segment, on both sides: tcp(7), a socket under repair. Without the right to
  /// that, the peers are reset.
  private func silence(_ upstream: UInt32) {
    let repair: Int32 = 19
    setOption(at(upstream).pointee.descriptor, Int32(IPPROTO_TCP), repair, 1)
    let client = at(upstream).pointee.peer
    if client != Connection.none {
      setOption(at(client).pointee.descriptor, Int32(IPPROTO_TCP), repair, 1)
    }
  }

  // MARK: Failures of requests

  /// A member has answered: 5xx in a row take it out, as long as another is there.
  func noteAnswer(_ slot: UInt32, isFailure: Bool) {
    guard let member = members[Int(slot)], let limit = member.pool.settings.ejectAfter else {
      return
    }
    guard isFailure else {
      member.failuresInRow = 0
      return
    }
    member.failuresInRow += 1
    guard member.failuresInRow >= limit, member.position >= 0 else { return }
    let isAlone = !member.pool.members.contains { other in
      other != slot && members[Int(other)]?.health.isAvailable.load(ordering: .relaxed) == true
    }
    guard !isAlone else { return }
    // Below zero it is no errno, but how many.
    reportFailure(slot, -Int32(clamping: member.failuresInRow))
    member.failuresInRow = 0
  }
}
