/// Why a stream, a handshake or a message over one failed.
package enum TransportError: Error, Equatable, Sendable {
  /// This side closed the stream.
  case closed
  /// The peer closed or reset it in the middle of something.
  case peerClosed
  case timedOut(String)
  /// A name without an address.
  case unresolved(host: String, reason: String)
  /// The TLS handshake or a record failed; the peer's certificate counts as well.
  case tls(String)
  /// A certificate, key or bundle that cannot be used.
  case certificate(String)
  /// A body longer than its reader accepts.
  case bodyTooLarge(limit: Int)
  /// The peer's answer is not HTTP.
  case protocolError(String)
}

extension TransportError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .closed: "connection is closed"
    case .peerClosed: "peer closed the connection"
    case .timedOut(let what): "\(what) timed out"
    case .unresolved(let host, let reason): "\(host) has no address: \(reason)"
    case .tls(let text): "TLS: \(text)"
    case .certificate(let text): "certificate: \(text)"
    case .bodyTooLarge(let limit): "body is larger than \(limit) bytes"
    case .protocolError(let text): text
    }
  }
}
