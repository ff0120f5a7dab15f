import Glibc
import HTTP
import Linux
import NetTypes

/// An HTTP/1.1 server on the control loop, for management traffic: one task a connection.
///
///     accept → [TLS handshake] → head → body → handler → response → head …
///
/// Requests of one connection are answered in order, one at a time: a pipelining client's next
/// request waits in the kernel. After a malformed request or one that is too large, the answer says
/// so and the connection ends.
@Loop package final class HTTPServer {
  package struct Limits: Sendable {
    /// Further clients wait in the kernel's backlog.
    package var connections = 4096
    package var headBytes = 64 << 10
    package var bodyBytes = 8 << 20
    package var handshake = Duration.seconds(10)
    /// From the first byte of a head to its last.
    package var header = Duration.seconds(10)
    /// Between two requests, and before the first.
    package var idle = Duration.seconds(120)
    /// Without a byte of a body that is due.
    package var body = Duration.seconds(30)
    /// Without the client taking a byte of a response.
    package var write = Duration.seconds(60)

    package init() {}
  }

  package typealias Handler = @Loop (HTTPRequest) async -> HTTPResponse

  let limits: Limits
  let handler: Handler
  private let listener: Listener
  private let tls: TLSContext?
  private var connections: [ObjectIdentifier: HTTPServerConnection] = [:]
  private var opening = 0
  private var slot: Waiter?
  private var acceptTask: Task<Void, Never>?
  private(set) var isStopping = false

  package init(
    listener: Listener, tls: TLSContext? = nil, limits: Limits = Limits(),
    handler: @escaping Handler
  ) {
    self.listener = listener
    self.tls = tls
    self.limits = limits
    self.handler = handler
  }

  package var address: SocketAddress? { listener.address }
  package var connectionCount: Int { connections.count + opening }

  package func start() {
    guard acceptTask == nil else { return }
    acceptTask = Task { @Loop in
      while !isStopping, let (descriptor, peer) = try? await listener.accept() {
        opening += 1
        Task { @Loop in await self.serve(Descriptor(descriptor), peer) }
        await self.waitForSlot()
      }
    }
  }

  private func waitForSlot() async {
    while connectionCount >= limits.connections, !isStopping {
      let waiter = Waiter()
      slot = waiter
      try? await waiter.wait()
      slot = nil
    }
  }

  private func serve(_ descriptor: consuming Descriptor, _ peer: SocketAddress?) async {
    var stream: (any ByteStream)?
    if let tls {
      stream = try? await tls.accept(descriptor, timeout: limits.handshake)
    } else {
      stream = try? SocketStream(descriptor)
    }
    opening -= 1
    if let stream {
      let connection = HTTPServerConnection(stream, peer: peer, server: self)
      connections[ObjectIdentifier(connection)] = connection
      await connection.run()
      connections[ObjectIdentifier(connection)] = nil
    }
    slot?.resume()
  }

  /// Accepts no more, lets requests in progress end for at most `drain`, then closes everything.
  package func stop(drain: Duration = .zero) async {
    isStopping = true
    listener.close()
    slot?.resume()
    for connection in connections.values { connection.closeIfIdle() }
    let deadline = Loop.now.advanced(by: drain)
    while !connections.isEmpty, Loop.now < deadline {
      do { try await Loop.sleep(.milliseconds(10)) } catch { break }
    }
    for connection in connections.values { connection.abort() }
  }
}
