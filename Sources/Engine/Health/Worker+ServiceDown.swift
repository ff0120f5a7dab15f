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
      case .http2Upstream where action == .drop: closeSilently(index)
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

  private func silence(_ upstream: UInt32) {
    mute(upstream)
    let client = at(upstream).pointee.peer
    if client != Connection.none { mute(client) }
  }

  /// What closes then closes without a segment: tcp(7), a socket under repair. Without the right to
  /// that, the peer is reset. A stream ends without a frame, and its connection goes on.
  private func mute(_ index: UInt32) {
    if let stream = at(index).pointee.stream { return forget(stream) }
    let repair: Int32 = 19
    setOption(at(index).pointee.descriptor, Int32(IPPROTO_TCP), repair, 1)
  }

  /// What else the connection has is for the same member.
  private func closeSilently(_ connection: UInt32) {
    mute(connection)
    closeSession(connection)
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
