import Glibc
import HTTP

/// Connections to members, for HTTP and TCP alike: opening, pooling, closing.
extension Worker {
  enum OpenOutcome {
    case opened(UInt32)
    case failed(Int32)
  }

  /// Starts a connection to a member.
  func openUpstream(_ slot: UInt32, _ kind: Connection.Kind, timeout: Int64) -> OpenOutcome {
    guard let member = members[Int(slot)] else { return .failed(ENOENT) }
    // What is reserved goes with a connection that does not come to be.
    defer { dropReservation(slot) }
    let type = Int32(
      SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(member.raw.family, type, 0)
    guard descriptor >= 0 else { return .failed(errno) }
    setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    let code = member.raw.withPointer { connect(descriptor, $0, $1) }
    let error = code == 0 ? 0 : errno
    guard error == 0 || error == EINPROGRESS || error == EINTR else {
      close(descriptor)
      return .failed(error)
    }
    guard let index = open(descriptor, kind) else { return .failed(EMFILE) }
    at(index).pointee.member = slot
    at(index).pointee.phase = .connecting
    setDeadline(index, timeout)
    member.counters.add(.connections)
    member.pool.counters.add(.connections)
    beginUse(index)
    return .opened(index)
  }

  func beginUse(_ index: UInt32) {
    at(index).pointee.set(.inFlight)
    keepReservation(index)
    upstreamsInUse += 1
    beganUse(at(index).pointee.member)
  }

  func endUse(_ index: UInt32) {
    guard at(index).pointee.has(.inFlight) else { return }
    at(index).pointee.clear(.inFlight)
    endReservation(index)
    upstreamsInUse -= 1
    endedUse(at(index).pointee.member)
  }

  /// The latest pooled connection to a member, which is most likely still open.
  func takeIdle(_ slot: UInt32) -> UInt32? {
    guard let member = members[Int(slot)], member.idle != Connection.none else { return nil }
    let index = member.idle
    unlinkIdle(index, member)
    at(index).pointee.set(.reused)
    beginUse(index)
    return index
  }

  /// Puts a connection that is between messages into the pool.
  func pool(_ index: UInt32) {
    let connection = at(index)
    if connection.pointee.stream != nil { return closeUpstream(index) }
    guard let member = members[Int(connection.pointee.member)], member.position >= 0,
      // One that was said to be somebody's is nobody else's.
      member.pool.settings.proxyProtocol == nil, member.idleCount < settings.idlePerMember,
      !connection.pointee.has(.peerClosed),
      !connection.pointee.has(.readable)
    else { return closeUpstream(index) }
    buffers.release(&connection.pointee.input)
    buffers.release(&connection.pointee.output)
    connection.pointee.phase = .idle
    connection.pointee.peer = Connection.none
    connection.pointee.server = Connection.none
    connection.pointee.previous = Connection.none
    connection.pointee.next = member.idle
    if member.idle != Connection.none { at(member.idle).pointee.previous = index }
    member.idle = index
    member.idleCount += 1
    setDeadline(index, settings.idleUpstream)
    endUse(index)
  }

  private func unlinkIdle(_ index: UInt32, _ member: WorkerMember) {
    let connection = at(index)
    let next = connection.pointee.next
    let previous = connection.pointee.previous
    if previous != Connection.none { at(previous).pointee.next = next } else { member.idle = next }
    if next != Connection.none { at(next).pointee.previous = previous }
    connection.pointee.next = Connection.none
    connection.pointee.previous = Connection.none
    member.idleCount -= 1
  }

  /// Closes a connection to a member and forgets it there. The client's side is the caller's.
  func closeUpstream(_ index: UInt32) {
    let connection = at(index)
    guard connection.pointee.kind != .closed else { return }
    let slot = connection.pointee.member
    if connection.pointee.phase == .idle, let member = members[Int(slot)] {
      unlinkIdle(index, member)
    }
    closeSlot(index)
    endUse(index)
    dropIfUnused(slot)
  }
}
