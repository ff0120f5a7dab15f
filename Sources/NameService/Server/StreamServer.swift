import Glibc
import Linux
import Logging
import NetTypes
import Transport

/// DNS over TCP: messages behind two octets of length, answered in order. RFC 7766.
///
/// Queries wait in the kernel while their connection's answer is written; a zone goes out message by
/// message, as its reader takes it.
@Loop final class StreamServer {
  struct Limits: Sendable {
    var connections = 512
    /// Between queries. RFC 7766 §6.2.3.
    var idle = Duration.seconds(10)
    /// Without the peer taking an answer, or the rest of a query.
    var stall = Duration.seconds(5)
  }

  /// What a query has.
  enum Answer {
    /// Nothing; the connection ends.
    case nothing
    case message([UInt8])
    /// Messages until nil.
    case messages(@Loop () -> [UInt8]?)
  }

  typealias Handler = @Loop (_ query: [UInt8], _ peer: SocketAddress) async -> Answer

  private let listener: Listener
  private let limits: Limits
  private let handler: Handler
  private var streams: [ObjectIdentifier: SocketStream] = [:]
  private var task: Task<Void, Never>?

  init(
    _ address: SocketAddress, limits: Limits = Limits(), handler: @escaping Handler
  ) throws {
    listener = try Listener(address)
    self.limits = limits
    self.handler = handler
  }

  var address: SocketAddress? { listener.address }

  func start() {
    task = Task { @Loop [weak self] in
      while let listener = self?.listener, let (descriptor, peer) = try? await listener.accept() {
        self?.open(descriptor, peer)
      }
    }
  }

  func stop() {
    task?.cancel()
    listener.close()
    for stream in streams.values { stream.close() }
  }

  /// A connection too many is closed at once: its client asks elsewhere, or again.
  private func open(_ descriptor: Int32, _ peer: SocketAddress?) {
    guard let peer, streams.count < limits.connections,
      let stream = try? SocketStream(Descriptor(descriptor))
    else {
      close(descriptor)
      return
    }
    streams[ObjectIdentifier(stream)] = stream
    Task { @Loop in
      try? await serve(stream, peer)
      stream.close()
      streams[ObjectIdentifier(stream)] = nil
    }
  }

  private func serve(_ stream: SocketStream, _ peer: SocketAddress) async throws {
    var framing = StreamFraming()
    while let query = try await query(stream, &framing) {
      switch await handler(query, peer) {
      case .nothing: return
      case .message(let answer): try await write(answer, stream)
      case .messages(let next):
        while let answer = next() { try await write(answer, stream) }
      }
    }
  }

  /// The next query; nil at the end of the stream.
  private func query(
    _ stream: SocketStream, _ framing: inout StreamFraming
  ) async throws -> [UInt8]? {
    while true {
      if let query = framing.next() { return query }
      let timer = Loop.after(framing.isEmpty ? limits.idle : limits.stall) { stream.close() }
      defer { timer.cancel() }
      let bytes = try await stream.read(atMost: 16 << 10)
      if bytes.isEmpty { return nil }
      framing.receive(bytes)
    }
  }

  private func write(_ message: [UInt8], _ stream: SocketStream) async throws {
    let timer = Loop.after(limits.stall) { stream.close() }
    defer { timer.cancel() }
    try await stream.write(StreamFraming.framed(message))
  }
}
