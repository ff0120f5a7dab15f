import COpenSSL
import Linux
import NetTypes

/// Certificates and trust of one side of TLS: 1.2 or newer, http/1.1 by ALPN.
///
/// `@unchecked Sendable`: an SSL_CTX is not changed once it is made, and OpenSSL counts its
/// references atomically.
package final class TLSContext: @unchecked Sendable {
  enum Role: Equatable {
    case server
    /// The name or address that the server's certificate must hold.
    case client(serverName: String)
  }

  private let context: OpaquePointer

  /// The one BIO method of the process.
  nonisolated(unsafe) static let socketMethod = atoll_bio_method()

  private init(_ context: OpaquePointer) { self.context = context }

  deinit { SSL_CTX_free(context) }

  /// A server's context. With `clientCA`, a client's certificate is asked for, not demanded: a
  /// client without one has no identity, one with a wrong one is refused in the handshake.
  /// - Throws: `certificate`.
  package static func server(
    _ certificate: KeyPair, clientCA: String? = nil
  ) throws(TransportError) -> TLSContext {
    let context = try make(TLS_server_method())
    try context.use(certificate)
    atoll_ssl_serve_http11(context.context)
    // Tickets of another context would bring identities that this one never verified.
    var identifier = [UInt8](repeating: 0, count: 16)
    guard RAND_bytes(&identifier, 16) == 1,
      SSL_CTX_set_session_id_context(context.context, identifier, 16) == 1
    else { throw .tls(opensslErrors()) }
    if let clientCA {
      try context.trust(clientCA, nameToClients: true)
      SSL_CTX_set_verify(context.context, SSL_VERIFY_PEER, nil)
    }
    return context
  }

  /// A client's context: the server's chain and name are verified against `trusted` CAs (PEM),
  /// or the system's without them.
  /// - Throws: `certificate`.
  package static func client(
    trusted: String?, certificate: KeyPair? = nil
  ) throws(TransportError) -> TLSContext {
    let context = try make(TLS_client_method())
    if let trusted {
      try context.trust(trusted, nameToClients: false)
    } else {
      SSL_CTX_set_default_verify_paths(context.context)
    }
    if let certificate { try context.use(certificate) }
    SSL_CTX_set_verify(context.context, SSL_VERIFY_PEER, nil)
    let protocols: [UInt8] = [8] + Array("http/1.1".utf8)
    SSL_CTX_set_alpn_protos(context.context, protocols, UInt32(protocols.count))
    return context
  }

  /// A client that accepts any server: for addresses that are only probed.
  package static func clientWithoutVerification(
    certificate: KeyPair? = nil
  ) throws(TransportError) -> TLSContext {
    let context = try make(TLS_client_method())
    if let certificate { try context.use(certificate) }
    SSL_CTX_set_verify(context.context, SSL_VERIFY_NONE, nil)
    return context
  }

  private static func make(_ method: OpaquePointer?) throws(TransportError) -> TLSContext {
    guard let raw = SSL_CTX_new(method) else { throw .tls(opensslErrors()) }
    let context = TLSContext(raw)
    guard atoll_ssl_minimum_tls12(raw) == 1 else { throw .tls(opensslErrors()) }
    atoll_ssl_non_blocking_mode(raw)
    return context
  }

  private func use(_ pair: KeyPair) throws(TransportError) {
    let chain = try parseCertificates(pair.certificatePEM)
    defer { for certificate in chain { X509_free(certificate) } }
    let key = try parseKey(pair.keyPEM)
    defer { EVP_PKEY_free(key) }
    guard SSL_CTX_use_certificate(context, chain[0]) == 1, SSL_CTX_use_PrivateKey(context, key) == 1
    else { throw .certificate("certificate and key do not fit: \(opensslErrors())") }
    for issuer in chain.dropFirst() where atoll_ssl_add_chain(context, issuer) != 1 {
      throw .certificate(opensslErrors())
    }
  }

  private func trust(_ pem: String, nameToClients: Bool) throws(TransportError) {
    let store = SSL_CTX_get_cert_store(context)
    let authorities = try parseCertificates(pem)
    defer { for authority in authorities { X509_free(authority) } }
    for authority in authorities {
      guard X509_STORE_add_cert(store, authority) == 1 else {
        throw .certificate(opensslErrors())
      }
      if nameToClients { SSL_CTX_add_client_CA(context, authority) }
    }
  }

  func makeSession(for role: Role) throws(TransportError) -> OpaquePointer {
    guard let ssl = SSL_new(context) else { throw .tls(opensslErrors()) }
    switch role {
    case .server: SSL_set_accept_state(ssl)
    case .client(let name):
      SSL_set_connect_state(ssl)
      let accepted: Bool
      if IPAddress(name) != nil {
        accepted = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
      } else {
        accepted = SSL_set1_host(ssl, name) == 1 && atoll_ssl_set_server_name(ssl, name) == 1
      }
      guard accepted else {
        SSL_free(ssl)
        throw .tls("\(name) is not a server name")
      }
    }
    return ssl
  }

  /// Runs the server's side of the handshake on an accepted socket, and owns it from then on.
  /// - Throws: `timedOut`, `tls`.
  @Loop package func accept(
    _ descriptor: consuming Descriptor, timeout: Duration
  ) async throws -> TLSStream {
    try await open(TLSStream(descriptor, context: self, role: .server), timeout)
  }

  /// Runs the client's side, verifying that the server is `serverName`, a name or an address.
  @Loop package func connect(
    _ descriptor: consuming Descriptor, serverName: String, timeout: Duration
  ) async throws -> TLSStream {
    try await open(
      TLSStream(descriptor, context: self, role: .client(serverName: serverName)), timeout)
  }

  @Loop private func open(_ stream: TLSStream, _ timeout: Duration) async throws -> TLSStream {
    let timer = Loop.after(timeout) { stream.fail(TransportError.timedOut("TLS handshake")) }
    defer { timer.cancel() }
    do {
      try await stream.handshake()
    } catch {
      stream.close()
      throw error
    }
    return stream
  }
}
