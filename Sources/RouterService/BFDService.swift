import BFD
import Glibc
import Linux
import NetTypes

/// BFD sessions on real sockets.
///
/// Packets are a thread's own matter (docs/decisions/0006): the loop may compute for longer than a
/// peer's detection time. It begins with the first session; without any, BFD's ports are not taken.
@Loop package final class BFDService {
  /// Called for each change of a session's state.
  package var onChange: (@Loop (BFDPath, BFDChange) -> Void)?

  /// A path such as `/run/netns/NAME`; nil: where the process is.
  private let namespace: String?
  private var worker: BFDWorker?

  package init(namespace: String? = nil) { self.namespace = namespace }

  /// By peer.
  package var sessions: [BFDStatus] { worker?.sessions ?? [] }

  /// Datagrams that came to BFD's ports and were not used.
  package var discarded: UInt64 { worker?.discarded ?? 0 }

  /// Begins a session, or gives one new parameters.
  /// - Throws: `SystemError` if a port is taken, or the local address is not the machine's.
  package func add(_ path: BFDPath, _ parameters: BFDParameters) throws {
    let worker = worker ?? start()
    try inNamespace { try open(path, worker) }
    worker.handle(.add(path, parameters))
    // A session that was just saying goodbye may have closed its socket in between.
    if !worker.sends(path) { try inNamespace { try open(path, worker) } }
  }

  /// Ends a session; the peer is told that nothing is broken.
  package func remove(_ path: BFDPath) { worker?.handle(.remove(path)) }

  /// Ends every session.
  package func stop() {
    worker?.stop()
    worker = nil
  }

  private func start() -> BFDWorker {
    let worker = BFDWorker(seed: UInt64.random(in: .min ... .max)) { changes in
      Task { @Loop [weak self] in
        for change in changes { self?.onChange?(change.path, change.change) }
      }
    }
    worker.start()
    self.worker = worker
    return worker
  }

  private func inNamespace(_ body: () throws -> Void) throws {
    guard let namespace else { return try body() }
    try NetworkNamespace.open(path: namespace).with(body)
  }

  private func open(_ path: BFDPath, _ worker: BFDWorker) throws {
    let isIPv4 = path.remote.isIPv4
    if !worker.receives(isIPv4: isIPv4, isMultihop: path.isMultihop) {
      let socket = try BFDSocket.receiver(isIPv4: isIPv4, port: path.port)
      worker.add(
        BFDWorker.Receiver(
          descriptor: socket.release(), isIPv4: isIPv4, isMultihop: path.isMultihop))
    }
    if !worker.sends(path) {
      worker.add(sender: try BFDSocket.sender(path).release(), for: path)
    }
  }
}

/// Sockets of BFD, made in the calling thread's namespace. RFC 5881 §4, §5.
private enum BFDSocket {
  /// DSCP CS6, network control.
  private static let networkControl: Int32 = 0xc0

  static func receiver(isIPv4: Bool, port: UInt16) throws(SystemError) -> Descriptor {
    let socket = try Datagrams.socket(isIPv4: isIPv4)
    if !isIPv4 {
      try Sockets.setOption(socket.rawValue, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
    }
    try Datagrams.reportArrivals(socket.rawValue, isIPv4: isIPv4)
    try Sockets.bind(
      socket.rawValue, to: SocketAddress(isIPv4 ? .v4(.any) : .v6(.any), port: port))
    return socket
  }

  /// A socket whose port no other session has.
  static func sender(_ path: BFDPath) throws(SystemError) -> Descriptor {
    let isIPv4 = path.remote.isIPv4
    let socket = try Datagrams.socket(isIPv4: isIPv4)
    if isIPv4 {
      try Sockets.setOption(socket.rawValue, Int32(IPPROTO_IP), IP_TTL, 255)
      try Sockets.setOption(socket.rawValue, Int32(IPPROTO_IP), IP_TOS, networkControl)
    } else {
      try Sockets.setOption(socket.rawValue, Int32(IPPROTO_IPV6), IPV6_UNICAST_HOPS, 255)
      try Sockets.setOption(socket.rawValue, Int32(IPPROTO_IPV6), IPV6_TCLASS, networkControl)
    }
    // Nothing is read here; what the peer's kernel may send back need not pile up.
    try Sockets.setOption(socket.rawValue, SOL_SOCKET, SO_RCVBUF, 0)
    var attempts = 0
    while true {
      let local = SocketAddress(path.local, port: .random(in: BFDPath.sourcePorts))
      do throws(SystemError) {
        try Sockets.bind(socket.rawValue, to: local, scope: path.interface)
        return socket
      } catch {
        attempts += 1
        guard error.code == EADDRINUSE, attempts < 100 else { throw error }
      }
    }
  }
}
