import COpenSSL
import Glibc
import Linux

/// TLS over a socket. Made by `TLSContext`; the handshake is over when it is handed out.
@Loop package final class TLSStream: ByteStream {
  private enum Step {
    case done(Int)
    case ended
    case wantRead
    case wantWrite
    case failed(TransportError)
  }

  private let ssl: OpaquePointer
  // Keeps certificates and tickets alive as long as this connection.
  private let context: TLSContext
  private let readiness: SocketReadiness
  package private(set) var identity: PeerIdentity?

  init(
    _ descriptor: consuming Descriptor, context: TLSContext, role: TLSContext.Role
  ) throws {
    self.context = context
    ssl = try context.makeSession(for: role)
    // OpenSSL's side must not outlive a failure below: deinit runs only once all is set.
    do {
      readiness = try SocketReadiness(descriptor)
    } catch {
      SSL_free(ssl)
      throw error
    }
    guard atoll_ssl_attach(ssl, TLSContext.socketMethod, readiness.descriptor) == 1 else {
      throw TransportError.tls(opensslErrors())
    }
  }

  isolated deinit {
    readiness.close(throwing: TransportError.closed)
    SSL_free(ssl)
  }

  /// - Throws: `tls` with the reason, naming what is wrong with the peer's certificate.
  func handshake() async throws {
    do {
      _ = try await run { ssl in SSL_do_handshake(ssl) }
    } catch TransportError.peerClosed {
      throw TransportError.tls("peer closed the connection during the handshake")
    }
    identity = peerIdentity(of: ssl)
  }

  package var onPeerClosed: (@Loop () -> Void)? {
    get { readiness.onPeerClosed }
    set { readiness.onPeerClosed = newValue }
  }
  package var isPeerClosed: Bool { readiness.isPeerClosed }

  package func read(atMost limit: Int) async throws -> [UInt8] {
    var buffer: [UInt8] = []
    while true {
      try readiness.check()
      var step = Step.ended
      buffer = [UInt8](unsafeUninitializedCapacity: limit) { bytes, filled in
        step = attempt { SSL_read($0, bytes.baseAddress, Int32(clamping: limit)) }
        if case .done(let count) = step { filled = count } else { filled = 0 }
      }
      switch step {
      case .done: return buffer
      case .ended: return []
      default: try await settle(step)
      }
    }
  }

  package func write(_ bytes: [UInt8]) async throws {
    var sent = 0
    while sent < bytes.count {
      let count = try await run { ssl in
        bytes.withUnsafeBytes { buffer in
          let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
          return SSL_write(ssl, rest.baseAddress, Int32(clamping: rest.count))
        }
      }
      guard count > 0 else { throw TransportError.peerClosed }
      sent += count
    }
  }

  package func finishWriting() async {
    guard (try? readiness.check()) != nil else { return }
    _ = attempt { SSL_shutdown($0) }
    _ = shutdown(readiness.descriptor, Int32(SHUT_WR))
  }

  package func close() {
    guard (try? readiness.check()) != nil else { return }
    if SSL_in_init(ssl) == 0 { _ = attempt { SSL_shutdown($0) } }
    readiness.close(throwing: TransportError.closed)
  }

  package func fail(_ error: any Error) { readiness.close(throwing: error) }

  /// Repeats `operation` until it is done; 0 at the end of the peer's stream.
  private func run(_ operation: (OpaquePointer) -> Int32) async throws -> Int {
    while true {
      try readiness.check()
      let step = attempt(operation)
      switch step {
      case .done(let count): return count
      case .ended: return 0
      default: try await settle(step)
      }
    }
  }

  private func settle(_ step: Step) async throws {
    switch step {
    case .wantRead: try await readiness.waitReadable()
    case .wantWrite: try await readiness.waitWritable()
    case .failed(let error):
      readiness.close(throwing: error)
      throw error
    case .done, .ended: break
    }
  }

  private func attempt(_ operation: (OpaquePointer) -> Int32) -> Step {
    ERR_clear_error()
    errno = 0
    let result = operation(ssl)
    if result > 0 { return .done(Int(result)) }
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ: return .wantRead
    case SSL_ERROR_WANT_WRITE: return .wantWrite
    case SSL_ERROR_ZERO_RETURN: return .ended
    case SSL_ERROR_SYSCALL: return .failed(.peerClosed)
    default: return .failed(failure())
    }
  }

  private func failure() -> TransportError {
    let verdict = SSL_get_verify_result(ssl)
    if SSL_in_init(ssl) != 0, verdict != X509_V_OK {
      let reason = X509_verify_cert_error_string(verdict).map { String(cString: $0) } ?? "refused"
      return .tls("peer's certificate is not accepted: \(reason)")
    }
    let text = opensslErrors()
    return text.contains("unexpected eof") ? .peerClosed : .tls(text)
  }
}

/// OpenSSL's queued errors, in its words, and clears them.
func opensslErrors() -> String {
  var texts: [String] = []
  while case let code = ERR_get_error(), code != 0 {
    texts.append(ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)")
  }
  return texts.isEmpty ? "unknown error" : texts.joined(separator: ": ")
}

/// The subject of the verified peer's certificate; nil without one.
private func peerIdentity(of ssl: OpaquePointer) -> PeerIdentity? {
  guard SSL_get_verify_result(ssl) == X509_V_OK,
    let certificate = SSL_get1_peer_certificate(ssl)
  else { return nil }
  defer { X509_free(certificate) }
  let subject = X509_get_subject_name(certificate)
  return PeerIdentity(
    commonName: entries(of: subject, NID_commonName).first ?? "",
    organizations: entries(of: subject, NID_organizationName))
}

private func entries(of name: OpaquePointer?, _ identifier: Int32) -> [String] {
  var values: [String] = []
  var index: Int32 = -1
  while true {
    index = X509_NAME_get_index_by_NID(name, identifier, index)
    guard index >= 0, let data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)) else {
      return values
    }
    var utf8: UnsafeMutablePointer<UInt8>?
    let count = ASN1_STRING_to_UTF8(&utf8, data)
    guard count >= 0, let utf8 else { continue }
    values.append(
      String(decoding: UnsafeBufferPointer(start: utf8, count: Int(count)), as: UTF8.self))
    atoll_free(utf8)
  }
}
