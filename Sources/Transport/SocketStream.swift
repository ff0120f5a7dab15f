import Glibc
import Linux

/// A stream over a connected socket, unencrypted.
@Loop package final class SocketStream: ByteStream {
  let readiness: SocketReadiness

  /// Takes the descriptor, a connected non-blocking socket, over.
  package init(_ descriptor: consuming Descriptor) throws(SystemError) {
    readiness = try SocketReadiness(descriptor)
  }

  package var onPeerClosed: (@Loop () -> Void)? {
    get { readiness.onPeerClosed }
    set { readiness.onPeerClosed = newValue }
  }
  package var isPeerClosed: Bool { readiness.isPeerClosed }
  package var identity: PeerIdentity? { nil }

  package func read(atMost limit: Int) async throws -> [UInt8] {
    while true {
      try readiness.check()
      var count = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
        count = recv(readiness.descriptor, buffer.baseAddress, limit, 0)
        filled = max(count, 0)
      }
      if count >= 0 { return bytes }
      switch errno {
      case EINTR: continue
      case EAGAIN: try await readiness.waitReadable()
      case ECONNRESET: throw TransportError.peerClosed
      default: throw SystemError("recv")
      }
    }
  }

  package func write(_ bytes: [UInt8]) async throws {
    var sent = 0
    while sent < bytes.count {
      try readiness.check()
      let count = bytes.withUnsafeBytes { buffer in
        let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
        return send(readiness.descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        sent += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: try await readiness.waitWritable()
      case EPIPE, ECONNRESET: throw TransportError.peerClosed
      default: throw SystemError("send")
      }
    }
  }

  package func finishWriting() async {
    guard (try? readiness.check()) != nil else { return }
    _ = shutdown(readiness.descriptor, Int32(SHUT_WR))
  }

  package func close() { readiness.close(throwing: TransportError.closed) }
  package func fail(_ error: any Error) { readiness.close(throwing: error) }
}
