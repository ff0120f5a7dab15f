import Glibc
import Synchronization

/// Written by the signal handler, read by the accepting thread.
private let stopPipe: (read: Int32, write: Int32) = {
  var ends: [Int32] = [-1, -1]
  pipe(&ends)
  return (ends[0], ends[1])
}()

/// Lets SIGTERM and SIGINT end the process, also as pid 1, where they do nothing by default.
private func stopOnSignals() {
  _ = stopPipe
  signal(SIGPIPE, SIG_IGN)
  for number in [SIGTERM, SIGINT] {
    signal(number) { _ in
      var byte: UInt8 = 1
      write(stopPipe.write, &byte, 1)
    }
  }
}

/// Waits until `descriptor` is readable; false once the process is asked to stop.
private func awaitReadable(_ descriptor: Int32) -> Bool {
  var watched = [
    pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
    pollfd(fd: stopPipe.read, events: Int16(POLLIN), revents: 0),
  ]
  while poll(&watched, 2, -1) < 0 && errno == EINTR {}
  return watched[1].revents == 0
}

private func listening(_ type: Int32, port: UInt16) throws(Mistake) -> Int32 {
  let descriptor = socket(AF_INET6, type, 0)
  var on: Int32 = 1
  var off: Int32 = 0
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, 4)
  setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, 4)
  var address = sockaddr_in6()
  address.sin6_family = sa_family_t(AF_INET6)
  address.sin6_port = port.bigEndian
  let bound = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
    }
  }
  guard descriptor >= 0, bound == 0 else {
    throw Mistake("port \(port): \(String(cString: strerror(errno)))")
  }
  return descriptor
}

/// A thread for each connection, at most `limit` of them; SIGTERM lets those under way finish.
final class Server: Sendable {
  static let limit = 1024
  /// How long connections may take to finish after SIGTERM, in seconds.
  static let grace = 20

  private let listener: Int32
  private let live = Mutex(0)
  private let stopping = Atomic(false)

  init(port: UInt16) throws(Mistake) {
    listener = try listening(Int32(SOCK_STREAM.rawValue), port: port)
    guard listen(listener, 512) == 0 else { throw Mistake("listen on port \(port)") }
  }

  func run(_ serve: @escaping @Sendable (Connection) -> Void) {
    stopOnSignals()
    while awaitReadable(listener) {
      let descriptor = accept(listener, nil, nil)
      guard descriptor >= 0 else { continue }
      let admitted = live.withLock { count in
        if count < Self.limit { count += 1 }
        return count <= Self.limit
      }
      guard admitted else {
        close(descriptor)
        continue
      }
      start(Connection(descriptor, isStopping: { self.stopping.load(ordering: .relaxed) }), serve)
    }
    close(listener)
    stopping.store(true, ordering: .relaxed)
    for _ in 0..<(Self.grace * 100) where live.withLock({ $0 }) > 0 { usleep(10_000) }
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private func start(_ connection: Connection, _ serve: @escaping @Sendable (Connection) -> Void) {
    let work = Work {
      serve(connection)
      connection.close()
      self.live.withLock { $0 -= 1 }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 256 << 10)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let box = Unmanaged.passRetained(work)
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, box.toOpaque())
    pthread_attr_destroy(&attributes)
    if code != 0 {
      box.release()
      connection.close()
      live.withLock { $0 -= 1 }
    }
  }
}

/// A blocking connection with an idle limit.
struct Connection: Sendable {
  /// Seconds a peer may stay silent.
  static let idle: Int32 = 75

  let descriptor: Int32
  let isStopping: @Sendable () -> Bool

  init(_ descriptor: Int32, isStopping: @escaping @Sendable () -> Bool) {
    self.descriptor = descriptor
    self.isStopping = isStopping
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
  }

  /// Up to 64 KiB; nil at the end, on an error, after the idle limit, and, between requests, when the
  /// server stops.
  func read(isBetweenRequests: Bool = true) -> [UInt8]? {
    var watched = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
    if isBetweenRequests {
      // Never emptied: every thread sees it.
      watched.append(pollfd(fd: stopPipe.read, events: Int16(POLLIN), revents: 0))
    }
    while true {
      let ready = poll(&watched, nfds_t(watched.count), Self.idle * 1000)
      if ready < 0, errno == EINTR { continue }
      guard ready > 0, watched[0].revents != 0 else { return nil }
      break
    }
    let bytes = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
      count = max(0, recv(descriptor, buffer.baseAddress, buffer.count, 0))
    }
    return bytes.isEmpty ? nil : bytes
  }

  /// False once the peer is gone.
  func write(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return false }
      sent += count
    }
    return true
  }

  var localAddress: String { name(getsockname) }
  var remoteAddress: String { name(getpeername) }

  private func name(
    _ get: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> String {
    var address = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = get(descriptor, $0, &length) }
    }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    inet_ntop(AF_INET6, &address.sin6_addr, &text, socklen_t(text.count))
    let full = String(
      decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return full.hasPrefix("::ffff:") ? String(full.dropFirst(7)) : full
  }

  func close() { Glibc.close(descriptor) }
}

/// Sends back what comes.
@Sendable func echo(_ connection: Connection) {
  while let bytes = connection.read(), connection.write(bytes) {}
}

/// Sends each datagram back to where it came from.
struct DatagramEcho {
  let descriptor: Int32

  init(port: UInt16) throws(Mistake) {
    descriptor = try listening(Int32(SOCK_DGRAM.rawValue), port: port)
  }

  func run() {
    stopOnSignals()
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while awaitReadable(descriptor) {
      var peer = sockaddr_in6()
      var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
      withUnsafeMutablePointer(to: &peer) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
          let count = recvfrom(descriptor, &buffer, buffer.count, 0, peer, &length)
          if count >= 0 { sendto(descriptor, buffer, count, 0, peer, length) }
        }
      }
    }
  }
}
