import CLinux
import CNGHTTP2
import COpenSSL
import CZlib
import Glibc
import HTTP
import Linux
import Synchronization

/// One thread of the data plane: its own epoll instance, listeners, connections and upstream pools.
///
/// - A descriptor is registered once, edge-triggered for everything, and never modified.
/// - Bytes are received into `scratch` and sent from there. A connection owns a buffer only while it
///   stalls: a head cut short, a slow receiver, a request that may have to be sent again.
/// - Connections are slots of one slab and refer to each other by index. A slot that is closed is
///   free again after the event batch; events of its former owner are known by their generation.
/// - Deadlines lie in one array that is swept when the earliest may be due: setting one is a store.
///
/// `@unchecked Sendable`: after `start` everything but `mailbox` belongs to the thread.
final class Worker: @unchecked Sendable {
  enum Message: Sendable {
    case apply(Plan)
    /// A member has gone down.
    case healthChanged
    /// Close the listeners and let connections end.
    case drain
    /// Another process accepts now.
    case handedOver
    /// A password of a client's slot and generation has been checked.
    case verified(UInt32, UInt32, CredentialCache.Key, Bool)
    case stop
  }

  struct Settings: Sendable {
    var index: Int
    /// Connections of both sides together.
    var capacity: Int
    var headLimit: Int
    var maximumAttempts: UInt8
    var idlePerMember: Int
    var idleUpstream: Int64
  }

  static let scratchSize = 64 << 10

  let settings: Settings
  let state: SharedState
  private let mailbox = Mutex<[Message]>([])
  private let wake: Int32
  let epoll: Int32

  let connections: UnsafeMutablePointer<Connection>
  private let deadlines: UnsafeMutablePointer<Int64>
  private var firstFree = Connection.none
  private var highWater: UInt32 = 0
  private var closed: [UInt32] = []
  private var runQueue: [UInt32] = []
  private var running: [UInt32] = []
  var live = 0
  /// Clients, flows among them, and the upstreams that work for them: the difference is what
  /// clients may still ask for.
  var clients = 0
  var upstreamsInUse = 0
  private var earliestDeadline = Int64.max
  private var lastSweep: Int64 = 0
  /// Milliseconds of CLOCK_MONOTONIC_COARSE, read once a batch.
  var now: Int64 = 0
  /// See `moment`; 0: the clock was not read for this event.
  var stamp: Int64 = 0

  let scratch: UnsafeMutableRawBufferPointer
  let headScratch: UnsafeMutableRawBufferPointer
  let joined: UnsafeMutableRawBufferPointer
  let vectors: UnsafeMutablePointer<iovec>
  let message: UnsafeMutablePointer<msghdr>
  var buffers = BufferPool()
  var requestParser: HeadParser
  var responseParser: HeadParser
  /// Of what `pick` chose last, until a connection keeps it.
  var hasReservation = false
  /// With requests that wait for a member.
  var waitingPools: [WorkerPool] = []
  var nextTicket: UInt64 = 1
  var deflaters: [Deflater] = []
  /// What one round of a compressor gives, and a piece of a response as chunks.
  let deflated: UnsafeMutableRawBufferPointer
  let compressed: UnsafeMutableRawBufferPointer
  var compressedCount = 0
  var rules: RuleScratch
  var credentials = CredentialCache()
  var logs = LogScratch()

  var servers: [WorkerServer?] = []
  var pools: [String: WorkerPool] = [:]
  /// Pools that are gone from the plan while a server that drains may still use them.
  var orphans: [WorkerPool] = []
  var members: [WorkerMember?] = []
  /// OpenSSL reads and writes through one BIO, which stands for one connection at a time.
  let tlsIO: UnsafeMutablePointer<atoll_tls_io>
  let tlsBIO: OpaquePointer?
  /// A head and the begin of its content, to leave as one record.
  let record: UnsafeMutableRawBufferPointer
  /// X-Forwarded-Client-Cert by client, where it is asked for.
  var clientCertificates: [UInt32: [UInt8]] = [:]
  let http2Memory = HTTP2Memory()
  let http2Callbacks = HTTP2Callbacks.make()
  let http2Options = HTTP2Limits.options()
  /// The field section being decoded.
  var headers: HTTP2Headers
  /// Frames on their way out; fields and their names for nghttp2.
  let frames: UnsafeMutableRawBufferPointer
  let fieldList: UnsafeMutablePointer<nghttp2_nv>
  let lowered: UnsafeMutableRawBufferPointer
  var translationParser: HeadParser
  var freeStreams: [StreamPointer] = []
  var readyStreams: [UInt32] = []
  var drainedStreams: [UInt32] = []
  var dirtySessions: [UInt32] = []
  var pausedListeners = 0
  /// When clients that rest may be let go again.
  var reapAgain: Int64 = 0
  var isStopping = false

  init(_ settings: Settings, state: SharedState) {
    self.settings = settings
    self.state = state
    wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    // Large enough to be mapped on their own: pages that are never used are never there.
    connections = .allocate(capacity: settings.capacity)
    deadlines = .allocate(capacity: settings.capacity)
    scratch = .allocate(byteCount: Worker.scratchSize, alignment: 64)
    headScratch = .allocate(byteCount: settings.headLimit + 4096, alignment: 64)
    joined = .allocate(byteCount: Worker.joinedSize, alignment: 64)
    vectors = .allocate(capacity: 2)
    message = .allocate(capacity: 1)
    message.initialize(to: msghdr())
    tlsIO = .allocate(capacity: 1)
    tlsIO.initialize(to: atoll_tls_io())
    tlsBIO = atoll_io_bio(tlsIO)
    record = .allocate(byteCount: Worker.recordSize, alignment: 64)
    headers = HTTP2Headers(limit: settings.headLimit)
    frames = .allocate(byteCount: Worker.scratchSize, alignment: 64)
    fieldList = .allocate(capacity: HTTP2FieldList.limit)
    lowered = .allocate(byteCount: settings.headLimit + 4096, alignment: 64)
    translationParser = HeadParser(
      byteLimit: settings.headLimit + 4096, targetLimit: settings.headLimit)
    requestParser = HeadParser(
      byteLimit: settings.headLimit, targetLimit: settings.headLimit / 2)
    responseParser = HeadParser(byteLimit: settings.headLimit)
    rules = RuleScratch(targetLimit: settings.headLimit, seed: .random(in: 0 ... .max))
    deflated = .allocate(byteCount: 32 << 10, alignment: 64)
    // A piece, and what deflate had held back of those before it.
    compressed = .allocate(byteCount: BufferPool.largest, alignment: 64)
    closed.reserveCapacity(1024)
    runQueue.reserveCapacity(1024)
    running.reserveCapacity(1024)
  }

  deinit {
    for index in 0..<Int(highWater) where connections[index].descriptor >= 0 {
      if let tls = connections[index].tls { SSL_free(tls) }
      if let session = connections[index].session {
        nghttp2_session_del(session.pointee.session)
        session.deallocate()
      }
      close(connections[index].descriptor)
    }
    BIO_free(tlsBIO)
    tlsIO.deallocate()
    record.deallocate()
    nghttp2_session_callbacks_del(http2Callbacks)
    nghttp2_option_del(http2Options)
    headers.deallocate()
    frames.deallocate()
    fieldList.deallocate()
    lowered.deallocate()
    for stream in freeStreams { stream.deallocate() }
    close(wake)
    close(epoll)
    buffers.deallocate()
    connections.deallocate()
    deadlines.deallocate()
    rules.deallocate()
    for deflater in deflaters {
      deflateEnd(deflater.stream)
      deflater.stream.deallocate()
    }
    deflated.deallocate()
    compressed.deallocate()
    logs.deallocate()
    scratch.deallocate()
    headScratch.deallocate()
    joined.deallocate()
    vectors.deallocate()
    message.deallocate()
  }

  func start() {
    Thread.spawn(name: "atoll-engine-\(settings.index)") { self.run() }
  }

  /// Any thread.
  func post(_ message: Message) {
    mailbox.withLock { $0.append(message) }
    eventfd_write(wake, 1)
  }

  // MARK: The loop

  private static let wakeToken = UInt64.max

  private func run() {
    _ = atoll_epoll_ctl(epoll, EPOLL_CTL_ADD, wake, EPOLLIN.rawValue, Worker.wakeToken)
    let events = UnsafeMutablePointer<atoll_event>.allocate(capacity: 256)
    defer { events.deallocate() }
    readClock()
    while !isStopping {
      let count = atoll_epoll_wait(epoll, events, 256, waitTime())
      readClock()
      for index in 0..<max(0, Int(count)) {
        let event = events[index]
        stamp = 0
        if event.token == Worker.wakeToken {
          readMailbox()
        } else {
          dispatch(event)
        }
      }
      // Work that yielded its turn; what is queued meanwhile waits for the next round.
      if !runQueue.isEmpty {
        swap(&running, &runQueue)
        for index in running where connections[Int(index)].kind != .closed {
          connections[Int(index)].clear(.queued)
          stamp = 0
          drive(index)
        }
        running.removeAll(keepingCapacity: true)
      }
      if !waitingPools.isEmpty { serveQueues() }
      if now >= earliestDeadline { sweep() }
      if !dirtySessions.isEmpty { writeSessions() }
      reclaim()
    }
    state.stopped.add(1, ordering: .releasing)
  }

  private func readClock() {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
    now = Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
  }

  private func waitTime() -> Int32 {
    if !runQueue.isEmpty { return 0 }
    if !waitingPools.isEmpty { return Int32(Worker.queueInterval) }
    if earliestDeadline == .max { return -1 }
    return Int32(clamping: max(1, max(earliestDeadline, lastSweep &+ 20) &- now))
  }

  private func readMailbox() {
    var value: eventfd_t = 0
    eventfd_read(wake, &value)
    let messages = mailbox.withLock { messages in
      defer { messages = [] }
      return messages
    }
    for message in messages {
      switch message {
      case .apply(let plan): apply(plan)
      case .healthChanged: healthChanged()
      case .drain: for index in servers.indices { drainServer(index, grace: 1000) }
      case .handedOver: for index in servers.indices { handOver(index) }
      case .verified(let client, let generation, let key, let verdict):
        verified(client, generation, key, verdict)
      case .stop: isStopping = true
      }
    }
  }

  private func dispatch(_ event: atoll_event) {
    let index = UInt32(truncatingIfNeeded: event.token)
    let connection = at(index)
    // An event of a descriptor that was closed in this batch.
    guard connection.pointee.generation == UInt32(truncatingIfNeeded: event.token >> 32),
      connection.pointee.kind != .closed
    else { return }
    let events = event.events
    if events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue | EPOLLRDHUP.rawValue)
      != 0
    {
      connection.pointee.set(.readable)
      if events & (EPOLLHUP.rawValue | EPOLLRDHUP.rawValue | EPOLLERR.rawValue) != 0 {
        connection.pointee.set(.peerClosed)
      }
    }
    let failed = events & EPOLLERR.rawValue != 0
    if connection.pointee.phase == .proxyHeader { return readProxyHeader(index) }
    switch connection.pointee.kind {
    case .listener: acceptAll(index)
    case .datagramListener: receiveDatagrams(index)
    case .httpClient: clientEvent(index, failed: failed)
    case .httpUpstream: upstreamEvent(index, failed: failed)
    case .http2Client: sessionEvent(index, failed: failed)
    case .http2Upstream: upstreamSessionEvent(index, failed: failed)
    case .tcpClient, .tcpUpstream: relayEvent(index, failed: failed)
    case .flow: flowEvent(index)
    case .free, .closed: break
    }
  }

  /// Goes on with a connection that may have something to do.
  private func drive(_ index: UInt32) {
    switch at(index).pointee.kind {
    case .listener: acceptAll(index)
    case .datagramListener: receiveDatagrams(index)
    case .httpClient: driveClient(index)
    case .httpUpstream: driveUpstream(index)
    case .http2Client, .http2Upstream: driveSession(index)
    case .tcpClient, .tcpUpstream: driveRelay(index)
    case .flow: flowEvent(index)
    case .free, .closed: break
    }
  }

  /// Lets others have their turn before `index` goes on.
  func enqueue(_ index: UInt32) {
    let connection = at(index)
    guard !connection.pointee.has(.queued) else { return }
    connection.pointee.set(.queued)
    runQueue.append(index)
  }

  // MARK: The slab

  @inline(__always) func at(_ index: UInt32) -> UnsafeMutablePointer<Connection> {
    connections + Int(index)
  }

  /// Slots that are not free, those among them that are free after this batch.
  var taken: Int { live + closed.count }
  /// Slots that were ever taken.
  var used: UInt32 { highWater }

  /// Takes a slot for `descriptor` and registers it. Nil, with the descriptor closed, at the limit.
  func open(_ descriptor: Int32, _ kind: Connection.Kind) -> UInt32? {
    guard let index = openSlot(kind) else {
      close(descriptor)
      return nil
    }
    at(index).pointee.descriptor = descriptor
    let token = UInt64(at(index).pointee.generation) << 32 | UInt64(index)
    let interest = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
    if atoll_epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, interest, token) != 0 {
      closeSlot(index)
      return nil
    }
    return index
  }

  /// Takes a slot that has no descriptor. Nil at the limit.
  func openSlot(_ kind: Connection.Kind) -> UInt32? {
    let index: UInt32
    if firstFree != Connection.none {
      index = firstFree
      firstFree = at(index).pointee.next
      let generation = at(index).pointee.generation
      at(index).pointee = Connection()
      at(index).pointee.generation = generation
    } else if Int(highWater) < settings.capacity {
      index = highWater
      highWater &+= 1
      at(index).initialize(to: Connection())
    } else {
      return nil
    }
    at(index).pointee.kind = kind
    deadlines[Int(index)] = .max
    live += 1
    return index
  }

  /// Closes the descriptor and gives the slot back after the batch. References are the caller's.
  func closeSlot(_ index: UInt32) {
    let connection = at(index)
    guard connection.pointee.kind != .closed else { return }
    if let stream = connection.pointee.stream {
      endStream(index, stream)
    } else {
      close(connection.pointee.descriptor)
    }
    connection.pointee.descriptor = -1
    if connection.pointee.tls != nil { endTLS(index) }
    connection.pointee.kind = .closed
    connection.pointee.generation &+= 1
    buffers.release(&connection.pointee.input)
    buffers.release(&connection.pointee.output)
    buffers.release(&connection.pointee.edits)
    endCompression(index)
    buffers.release(&connection.pointee.log)
    deadlines[Int(index)] = .max
    live -= 1
    closed.append(index)
  }

  private func reclaim() {
    guard !closed.isEmpty else { return }
    for index in closed {
      at(index).pointee.kind = .free
      at(index).pointee.next = firstFree
      firstFree = index
    }
    closed.removeAll(keepingCapacity: true)
    if pausedListeners > 0 { resumeListeners() }
  }

  private func resumeListeners() {
    for server in servers {
      if let listener = server?.listener, listener != Connection.none { resume(listener) }
    }
  }

  private func resume(_ listener: UInt32) {
    guard at(listener).pointee.has(.paused) else { return }
    at(listener).pointee.clear(.paused)
    pausedListeners -= 1
    enqueue(listener)
  }

  // MARK: Deadlines

  /// Fires after `milliseconds`, unless it is set anew or cleared.
  @inline(__always) func setDeadline(_ index: UInt32, _ milliseconds: Int64) {
    let deadline = now &+ milliseconds
    deadlines[Int(index)] = deadline
    if deadline < earliestDeadline { earliestDeadline = deadline }
  }

  @inline(__always) func clearDeadline(_ index: UInt32) { deadlines[Int(index)] = .max }

  @inline(__always) func hasDeadline(_ index: UInt32) -> Bool { deadlines[Int(index)] != .max }

  func deadline(_ index: UInt32) -> Int64 { deadlines[Int(index)] }

  private func sweep() {
    lastSweep = now
    stamp = 0
    earliestDeadline = .max
    for index in 0..<Int(highWater) {
      let deadline = deadlines[index]
      if deadline <= now {
        deadlines[index] = .max
        if connections[index].kind != .closed { expired(UInt32(index)) }
      } else if deadline < earliestDeadline {
        earliestDeadline = deadline
      }
    }
  }

  private func expired(_ index: UInt32) {
    if at(index).pointee.phase == .proxyHeader { return dropClient(index) }
    switch at(index).pointee.kind {
    case .httpClient: clientExpired(index)
    case .httpUpstream: upstreamExpired(index)
    case .http2Client: sessionExpired(index)
    case .http2Upstream: upstreamSessionExpired(index)
    case .tcpClient, .tcpUpstream: relayExpired(index)
    case .flow: closeFlow(index)
    case .listener: resume(index)
    case .datagramListener, .free, .closed: break
    }
  }
}
