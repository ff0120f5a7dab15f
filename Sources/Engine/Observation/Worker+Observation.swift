import Delivery
import Glibc

/// What is timed and counted of a request, or of a connection that shows none.
struct Timing {
  /// When the head was there, microseconds of CLOCK_MONOTONIC; 0: nothing is under way.
  var began: Int64 = 0
  /// Microseconds from `began`; 0: not yet.
  var firstByte: UInt32 = 0
  /// Microseconds that the connection to the member took; 0: it was there.
  var connect: UInt32 = 0
  var bytesIn: UInt64 = 0
  var bytesOut: UInt64 = 0
  /// What the client was answered; 0: nothing.
  var status: UInt16 = 0
  /// Why we answered ourselves.
  var reason = AnswerReason.none
  /// The last one that was tried.
  var member = Connection.none
  /// See `WorkerServer.rule(_:)`.
  var rule = UInt32.max
}

extension Worker {
  /// Microseconds of CLOCK_MONOTONIC, read once an event: what it takes to handle one is not
  /// worth a second look at the clock.
  var moment: Int64 {
    if stamp == 0 {
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      stamp = Int64(time.tv_sec) &* 1_000_000 &+ Int64(time.tv_nsec) / 1000
    }
    return stamp
  }

  func beginRequest(_ index: UInt32) {
    at(index).pointee.timing = Timing(began: moment)
  }

  /// The first byte of an answer is about to leave.
  func noteFirstByte(_ client: UInt32) {
    guard at(client).pointee.timing.began != 0, at(client).pointee.timing.firstByte == 0 else {
      return
    }
    at(client).pointee.timing.firstByte = UInt32(
      clamping: max(1, moment &- at(client).pointee.timing.began))
  }

  /// A connection to the member is there.
  func noteConnected(_ upstream: UInt32) {
    let client = at(upstream).pointee.peer
    let began = at(upstream).pointee.timing.began
    guard client != Connection.none, began != 0 else { return }
    at(client).pointee.timing.connect = UInt32(clamping: max(1, moment &- began))
  }

  func noteReason(_ client: UInt32, _ reason: AnswerReason) {
    at(client).pointee.timing.reason = reason
  }

  func noteStatus(_ client: UInt32, _ status: Int) {
    at(client).pointee.timing.status = UInt16(clamping: status)
  }

  @inline(__always)
  func countIn(_ client: UInt32, _ server: WorkerServer, _ member: WorkerMember?, _ bytes: Int) {
    at(client).pointee.timing.bytesIn &+= UInt64(bytes)
    server.counters.add(.bytesIn, UInt64(bytes))
    guard let member else { return }
    member.counters.add(.bytesIn, UInt64(bytes))
    member.pool.counters.add(.bytesIn, UInt64(bytes))
  }

  @inline(__always)
  func countOut(_ client: UInt32, _ server: WorkerServer, _ member: WorkerMember?, _ bytes: Int) {
    at(client).pointee.timing.bytesOut &+= UInt64(bytes)
    server.counters.add(.bytesOut, UInt64(bytes))
    guard let member else { return }
    member.counters.add(.bytesOut, UInt64(bytes))
    member.pool.counters.add(.bytesOut, UInt64(bytes))
  }

  /// The member has sent all of its answer, or ended its side of a relay.
  func recordMember(_ upstream: UInt32, _ client: UInt32) {
    guard let member = members[Int(at(upstream).pointee.member)] else { return }
    let now = moment
    let timing = at(client).pointee.timing
    if at(upstream).pointee.timing.began != 0 {
      member.latencies.total.record(now &- at(upstream).pointee.timing.began)
    }
    guard timing.began != 0 else { return }
    member.pool.latencies.total.record(now &- timing.began)
    if timing.firstByte != 0 { member.pool.latencies.firstByte.record(Int64(timing.firstByte)) }
  }

  /// The request has had its answer.
  func finishRequest(_ index: UInt32) {
    let timing = at(index).pointee.timing
    guard timing.began != 0, let server = servers[Int(at(index).pointee.server)] else { return }
    writeLog(index, server, timing)
    at(index).pointee.timing.began = 0
    // How long a flow was idle says nothing.
    if server.configuration.protocol != .udp {
      server.latencies.total.record(moment &- timing.began)
    }
    if timing.firstByte != 0 { server.latencies.firstByte.record(Int64(timing.firstByte)) }
  }

  /// The client goes while its request is under way, or an answer that has begun cannot end.
  func abandonRequest(_ index: UInt32) {
    guard at(index).pointee.timing.began != 0 else { return }
    if let server = servers[Int(at(index).pointee.server)] {
      server.counters.add(.aborted)
      var timing = at(index).pointee.timing
      if timing.reason == .none { timing.reason = .clientLeft }
      writeLog(index, server, timing)
    }
    at(index).pointee.timing.began = 0
  }

  // MARK: Relays

  func noteRelayFirstByte(_ upstream: UInt32, _ client: UInt32) {
    guard at(client).pointee.timing.firstByte == 0, at(upstream).pointee.timing.began != 0 else {
      return
    }
    noteFirstByte(client)
    members[Int(at(upstream).pointee.member)]?.latencies.firstByte.record(
      moment &- at(upstream).pointee.timing.began)
  }

  /// The member's first answer to a flow.
  func noteFlowFirstByte(_ flow: UInt32) {
    guard at(flow).pointee.timing.firstByte == 0 else { return }
    noteFirstByte(flow)
    guard let member = members[Int(at(flow).pointee.member)] else { return }
    let time = Int64(at(flow).pointee.timing.firstByte)
    member.latencies.firstByte.record(time)
    member.pool.latencies.firstByte.record(time)
  }

  /// Both sides are about to be closed.
  func finishRelay(_ index: UInt32, _ peer: UInt32) {
    let isClient = at(index).pointee.kind == .tcpClient
    let (client, upstream) = isClient ? (index, peer) : (peer, index)
    guard client != Connection.none, at(client).pointee.timing.began != 0 else { return }
    if upstream != Connection.none { recordMember(upstream, client) }
    finishRequest(client)
  }
}
