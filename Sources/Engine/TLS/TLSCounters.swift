import COpenSSL
import Synchronization

/// Handshakes of a virtual server or pool, and why they failed.
final class TLSCounters: Sendable {
  package enum Failure: String, CaseIterable, Sendable {
    case timedOut = "timeout"
    /// The peer went away before the end.
    case closed
    /// No protocol version in common.
    case version
    /// No cipher, group or signature algorithm in common.
    case parameters
    /// No application protocol in common.
    case applicationProtocol = "alpn"
    /// A certificate was demanded and not given.
    case noCertificate = "no-certificate"
    /// The peer's certificate is not accepted.
    case certificate
    /// The peer does not accept ours, by its alert.
    case refused
    /// What came is not TLS.
    case notTLS = "not-tls"
    case other
  }

  private let completed = Atomic<UInt64>(0)
  private let resumed = Atomic<UInt64>(0)
  // Many workers add here; a handshake costs a thousand times as much.
  private let failures = Mutex<[Failure: UInt64]>([:])

  func complete(resumed isResumed: Bool) {
    completed.add(1, ordering: .relaxed)
    if isResumed { resumed.add(1, ordering: .relaxed) }
  }

  func fail(_ reason: Failure) { failures.withLock { $0[reason, default: 0] += 1 } }

  func snapshot() -> EngineSnapshot.TLSCounts {
    EngineSnapshot.TLSCounts(
      handshakes: completed.load(ordering: .relaxed), resumed: resumed.load(ordering: .relaxed),
      failures: failures.withLock { failures in
        Dictionary(uniqueKeysWithValues: failures.map { ($0.key.rawValue, $0.value) })
      })
  }
}

extension TLSCounters.Failure {
  /// From OpenSSL's reason code.
  init(code: UInt) {
    switch atoll_error_reason(code) {
    case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_SSL_VERSION, SSL_R_VERSION_TOO_LOW,
      SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      self = .version
    case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_GROUPS,
      SSL_R_NO_SHARED_GROUPS, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
      self = .parameters
    case SSL_R_NO_APPLICATION_PROTOCOL: self = .applicationProtocol
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: self = .noCertificate
    case SSL_R_CERTIFICATE_VERIFY_FAILED: self = .certificate
    case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_WRONG_VERSION_NUMBER,
      SSL_R_UNKNOWN_PROTOCOL:
      self = .notTLS
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: self = .closed
    case let reason where reason > 1000: self = .refused
    default: self = .other
    }
  }
}
