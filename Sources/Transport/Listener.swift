import CLinux
import Glibc
import Linux
import NetTypes

/// A listening stream socket.
@Loop package final class Listener {
  private let readiness: SocketReadiness
  private let unixPath: String?
  /// Where it listens; with port 0 asked for, the port it got. Nil for a Unix socket.
  package nonisolated let address: SocketAddress?

  private init(
    _ descriptor: consuming Descriptor, address: SocketAddress?, unixPath: String?
  ) throws(SystemError) {
    readiness = try SocketReadiness(descriptor)
    self.address = address
    self.unixPath = unixPath
  }

  /// Listens on a TCP address; port 0 takes a free one.
  package convenience init(
    _ address: SocketAddress, backlog: Int32 = 512, socket make: SocketFactory = makeSocket
  ) throws {
    let descriptor = try make(address.address.isIPv4 ? AF_INET : AF_INET6, streamType)
    var one: Int32 = 1
    setsockopt(
      descriptor.rawValue, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    var raw = RawSocketAddress(address)
    try system("bind", "\(address)") { raw.withPointer { bind(descriptor.rawValue, $0, $1) } }
    try system("listen", "\(address)") { listen(descriptor.rawValue, backlog) }
    var bound = RawSocketAddress()
    try system("getsockname") { bound.withPointer { getsockname(descriptor.rawValue, $0, &$1) } }
    try self.init(descriptor, address: bound.socketAddress ?? address, unixPath: nil)
  }

  /// Listens on a Unix socket for its owner only, in place of one that nobody serves any more.
  /// - Throws: EADDRINUSE if another process serves it.
  package convenience init(unixPath path: String, mode: mode_t = 0o600) throws {
    let descriptor = try makeSocket(family: AF_UNIX, type: streamType)
    var raw = try RawSocketAddress(unixPath: path)
    let probe = try makeSocket(family: AF_UNIX, type: streamType)
    if raw.withPointer({ Glibc.connect(probe.rawValue, $0, $1) }) == 0 {
      throw SystemError("bind", path, code: EADDRINUSE)
    }
    unlink(path)
    try system("bind", path) { raw.withPointer { bind(descriptor.rawValue, $0, $1) } }
    try system("chmod", path) { chmod(path, mode) }
    try system("listen", path) { listen(descriptor.rawValue, 64) }
    try self.init(descriptor, address: nil, unixPath: path)
  }

  /// The next connection, non-blocking, and where it comes from (nil for a Unix socket). Waits
  /// while the process has no descriptor to spare.
  /// - Throws: `closed` after `close`.
  package func accept() async throws -> (descriptor: Int32, peer: SocketAddress?) {
    while true {
      try readiness.check()
      let accepted = atoll_accept(readiness.descriptor)
      if accepted >= 0 {
        guard unixPath == nil else { return (accepted, nil) }
        disableNagle(accepted)
        enableKeepAlive(accepted)
        var peer = RawSocketAddress()
        let known = peer.withPointer { getpeername(accepted, $0, &$1) } == 0
        return (accepted, known ? peer.socketAddress : nil)
      }
      switch errno {
      case EAGAIN: try await readiness.waitReadable()
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: try await Loop.sleep(.milliseconds(100))
      case EBADF, EINVAL, ENOTSOCK: throw SystemError("accept")
      // EINTR, ECONNABORTED and network errors concern one connection only, accept(2).
      default: continue
      }
    }
  }

  package func close() {
    guard (try? readiness.check()) != nil else { return }
    if let unixPath { unlink(unixPath) }
    readiness.close(throwing: TransportError.closed)
  }
}
