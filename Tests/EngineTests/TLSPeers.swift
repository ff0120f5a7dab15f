import COpenSSL
import Delivery
import Glibc
import Transport

/// A blocking TLS client or server on a test's socket.
final class TLSPeer {
  let socket: TestClient
  let ssl: OpaquePointer
  private let context: OpaquePointer

  /// A server's side, for many connections: tickets of one open at another.
  final class Server: @unchecked Sendable {
    fileprivate let context: OpaquePointer
    init(_ certificate: KeyPair) throws {
      context = try made(SSL_CTX_new(TLS_server_method()))
      try use(certificate, in: context)
    }
    deinit { SSL_CTX_free(context) }
  }

  struct Options {
    var serverName: String?
    var maximumVersion = TLS1_3_VERSION
    var alpn: String?
    var certificate: KeyPair?
    var session: OpaquePointer?
  }

  /// A client whose handshake is done.
  init(_ port: UInt16, _ options: Options = Options()) throws {
    socket = try TestClient(port)
    // OpenSSL's own socket writes without MSG_NOSIGNAL.
    signal(SIGPIPE, SIG_IGN)
    context = try made(SSL_CTX_new(TLS_client_method()))
    _ = atoll_set_versions(context, TLS1_2_VERSION, options.maximumVersion)
    if let pair = options.certificate { try use(pair, in: context) }
    if let name = options.alpn {
      let bytes = [UInt8(name.utf8.count)] + Array(name.utf8)
      SSL_CTX_set_alpn_protos(context, bytes, UInt32(bytes.count))
    }
    ssl = try made(SSL_new(context))
    SSL_set_fd(ssl, socket.descriptor)
    if let name = options.serverName { _ = atoll_ssl_set_server_name(ssl, name) }
    if let session = options.session { SSL_set_session(ssl, session) }
    guard SSL_connect(ssl) == 1 else { throw TestFailure("handshake: \(lastError())") }
  }

  /// A server on an accepted connection.
  init(accepted: TestClient, _ server: Server) throws {
    socket = accepted
    signal(SIGPIPE, SIG_IGN)
    context = server.context
    SSL_CTX_up_ref(context)
    ssl = try made(SSL_new(context))
    SSL_set_fd(ssl, socket.descriptor)
    guard SSL_accept(ssl) == 1 else { throw TestFailure("handshake: \(lastError())") }
  }

  deinit {
    SSL_shutdown(ssl)
    SSL_free(ssl)
    SSL_CTX_free(context)
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        SSL_write(ssl, $0.baseAddress.map { $0 + sent }, Int32(bytes.count - sent))
      }
      guard count > 0 else { throw TestFailure("SSL_write: \(lastError())") }
      sent += Int(count)
    }
  }

  /// Empty at the end.
  func receive(_ limit: Int = 65536) throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = SSL_read(ssl, &buffer, Int32(limit))
    if count > 0 { return Array(buffer[..<Int(count)]) }
    guard SSL_get_error(ssl, count) == SSL_ERROR_ZERO_RETURN else {
      throw TestFailure("SSL_read: \(lastError())")
    }
    return []
  }

  func receive(until end: String) throws -> String {
    var all: [UInt8] = []
    while !all.suffix(end.utf8.count).elementsEqual(end.utf8) {
      let part = try receive(1)
      if part.isEmpty { break }
      all += part
    }
    return String(decoding: all, as: UTF8.self)
  }

  func response() throws -> TestResponse {
    var response = TestResponse(head: try receive(until: "\r\n\r\n"))
    guard !response.head.isEmpty else { throw TestFailure("closed instead of a response") }
    let length = response["content-length"].flatMap { Int($0) } ?? 0
    while response.body.count < length {
      response.body += try receive(min(65536, length - response.body.count))
    }
    return response
  }

  func get(_ path: String = "/", fields: String = "") throws -> TestResponse {
    try send("GET \(path) HTTP/1.1\r\nHost: h\r\n\(fields)\r\n")
    return try response()
  }

  var isResumed: Bool { SSL_session_reused(ssl) == 1 }
  /// The caller frees it.
  var session: OpaquePointer? { SSL_get1_session(ssl) }
  var version: String { String(cString: SSL_get_version(ssl)) }

  /// Of the certificate that the other side has shown.
  var peerName: String {
    guard let certificate = SSL_get1_peer_certificate(ssl) else { return "" }
    defer { X509_free(certificate) }
    var digest = [UInt8](repeating: 0, count: 32)
    guard let subject = atoll_certificate_subject(certificate, &digest) else { return "" }
    defer { atoll_free(subject) }
    return String(cString: subject)
  }

  var sentServerName: String? {
    SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
  }
}

private func use(_ pair: KeyPair, in context: OpaquePointer) throws {
  func bio(_ text: String) -> OpaquePointer? {
    let bio = BIO_new(BIO_s_mem())
    BIO_write(bio, text, Int32(text.utf8.count))
    return bio
  }
  let (first, second) = (bio(pair.certificatePEM), bio(pair.keyPEM))
  let certificate = PEM_read_bio_X509(first, nil, nil, nil)
  let key = PEM_read_bio_PrivateKey(second, nil, nil, nil)
  BIO_free(first)
  BIO_free(second)
  guard SSL_CTX_use_certificate(context, certificate) == 1,
    SSL_CTX_use_PrivateKey(context, key) == 1
  else { throw TestFailure("pair: \(lastError())") }
  X509_free(certificate)
  EVP_PKEY_free(key)
}

private func lastError() -> String {
  let code = ERR_peek_last_error()
  ERR_clear_error()
  return ERR_reason_error_string(code).map { String(cString: $0) } ?? "errno \(errno)"
}

extension KeyPair {
  var source: CertificateSource {
    CertificateSource(
      certificate: PEMSource(text: certificatePEM), key: PEMSource(text: keyPEM))
  }
}

private func made(_ pointer: OpaquePointer?) throws -> OpaquePointer {
  guard let pointer else { throw TestFailure("OpenSSL: \(lastError())") }
  return pointer
}
