import HTTP
import Linux
import NetTypes

/// An HTTP/1.1 client with a pool of connections per origin.
///
/// A request that is idempotent is sent once more, on a new connection, when a pooled connection
/// turns out to be dead before a byte of the answer came.
@Loop package final class HTTPClient {
  package struct Timeouts: Sendable {
    package var connect = Duration.seconds(5)
    package var handshake = Duration.seconds(10)
    /// From the request sent to the head of its response.
    package var response = Duration.seconds(30)
    /// Without a byte of a response's body; nil waits for ever, as a watch must.
    package var body: Duration?
    package var write = Duration.seconds(30)
    /// A pooled connection's life without use.
    package var idle = Duration.seconds(50)

    package init() {}
  }

  /// Who answers a request.
  package struct Origin: Hashable, Sendable {
    package var address: StreamAddress
    package var isSecure: Bool
    /// Verified against the certificate, and the value of Host.
    package var serverName: String
    package var authority: String

    package init(_ url: HTTPURL) {
      address =
        IPAddress(url.host).map { .address(SocketAddress($0, port: url.port)) }
        ?? .host(url.host, port: url.port)
      isSecure = url.isSecure
      serverName = url.host
      authority = url.authority
    }

    package init(unixPath path: String) {
      address = .unix(path: path)
      isSecure = false
      serverName = "localhost"
      authority = "localhost"
    }
  }

  package var timeouts: Timeouts
  private let tls: TLSContext?
  private let makeSocket: SocketFactory
  private var idle: [Origin: [HTTPClientConnection]] = [:]
  private static let idleLimit = 8

  /// - Parameter socket: Makes the sockets, in another network namespace perhaps.
  package init(
    tls: TLSContext? = nil, timeouts: Timeouts = Timeouts(),
    socket: @escaping SocketFactory = { try Transport.makeSocket(family: $0, type: $1) }
  ) {
    self.tls = tls
    self.timeouts = timeouts
    makeSocket = socket
  }

  /// Sends a request and returns when the head of its response is here.
  /// - Parameter timeout: For the head, in place of the client's own.
  package func send(
    _ request: HTTPRequestHead, body: [UInt8] = [], to origin: Origin, timeout: Duration? = nil
  ) async throws -> HTTPClientResponse {
    var head = request
    if head.headers["Host"] == nil { head.headers.add("Host", origin.authority) }
    if !body.isEmpty || ["POST", "PUT", "PATCH"].contains(head.method) {
      head.headers["Content-Length"] = "\(body.count)"
    }
    let timeout = timeout ?? timeouts.response
    if let pooled = takeIdle(origin) {
      do {
        return try await pooled.exchange(head, body, timeout: timeout)
      } catch let error as HTTPClientConnection.Stale {
        guard ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"].contains(head.method) else {
          throw error.reason
        }
      }
    }
    let connection = try await connect(origin)
    do {
      return try await connection.exchange(head, body, timeout: timeout)
    } catch let error as HTTPClientConnection.Stale {
      throw error.reason
    }
  }

  /// As `send`, for a URL.
  package func get(_ url: HTTPURL, timeout: Duration? = nil) async throws -> HTTPClientResponse {
    try await send(
      HTTPRequestHead(method: "GET", target: url.target), to: Origin(url), timeout: timeout)
  }

  private func connect(_ origin: Origin) async throws -> HTTPClientConnection {
    let descriptor = try await connectSocket(
      to: origin.address, timeout: timeouts.connect, socket: makeSocket)
    let stream: any ByteStream
    if origin.isSecure {
      guard let tls else { throw TransportError.tls("client has no TLS context") }
      stream = try await tls.connect(
        descriptor, serverName: origin.serverName, timeout: timeouts.handshake)
    } else {
      stream = try SocketStream(descriptor)
    }
    return HTTPClientConnection(stream, timeouts: timeouts) { [weak self] connection in
      self?.putBack(connection, origin)
    }
  }

  private func takeIdle(_ origin: Origin) -> HTTPClientConnection? {
    while let connection = idle[origin]?.popLast() {
      if connection.isUsable { return connection }
      connection.close()
    }
    return nil
  }

  private func putBack(_ connection: HTTPClientConnection, _ origin: Origin) {
    guard connection.isUsable, idle[origin, default: []].count < Self.idleLimit else {
      return connection.close()
    }
    idle[origin, default: []].append(connection)
    connection.startIdling(for: timeouts.idle) { [weak self] in
      self?.idle[origin]?.removeAll { $0 === connection }
      connection.close()
    }
  }

  /// Closes what is pooled; exchanges in progress go on.
  package func closeIdle() {
    for connection in idle.values.joined() { connection.close() }
    idle = [:]
  }
}
