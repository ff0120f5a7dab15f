import COpenSSL
import Delivery
import Glibc
import Linux

/// TLS of a virtual server as OpenSSL contexts, one a certificate, which all workers share.
///
/// 1. A session begins in the context of the first certificate.
/// 2. The client's server name moves it to the context of the certificate that has the name: exact,
///    else `*.` and the name without its first label (RFC 6125 §6.4.3).
/// 3. Protocol by ALPN: the first of ours that the client offers; none in common fails (RFC 7301).
///
/// A change makes a new value; connections and handshakes under way keep the contexts they have.
///
/// `@unchecked Sendable`: contexts do not change once they are made; OpenSSL counts references
/// atomically.
final class TLSTermination: @unchecked Sendable {
  let settings: ServerTLS
  private let context: OpaquePointer

  var handshakeTimeout: Int64 { settings.handshakeTimeout.milliseconds }
  var forwardsCertificates: Bool { settings.clientAuthentication?.forwards == true }

  /// - Parameter alpn: Protocols in order of preference.
  /// - Throws: `TLSProblem` naming the field that cannot be used.
  init(
    _ settings: ServerTLS, alpn: [String], server: String, tickets: TicketKeys
  ) throws(TLSProblem) {
    self.settings = settings
    let policy = TLSPolicy(alpn: alpn, tickets: tickets)
    let names = ServerNames()
    var first: OpaquePointer?
    for (index, source) in settings.certificates.enumerated() {
      do throws(TLSProblem) {
        let made = try TLSTermination.context(settings, source, index, server, policy)
        if first == nil {
          first = made.context
        } else {
          names.owned.append(made.context)
        }
        for name in made.names where names.contexts[name] == nil {
          names.contexts[name] = made.context
        }
      } catch {
        if let first { SSL_CTX_free(first) }
        throw error
      }
    }
    guard let first else {
      throw TLSProblem(field: "tls.certificates", found: "none", expected: "a certificate")
    }
    SSL_CTX_set_ex_data(first, TLSIndex.names, Unmanaged.passRetained(names).toOpaque())
    context = first
  }

  deinit { SSL_CTX_free(context) }

  /// A session for a connection that was accepted.
  func makeSession(_ bio: OpaquePointer) -> OpaquePointer? {
    guard let ssl = SSL_new(context) else { return nil }
    atoll_io_attach(ssl, bio)
    SSL_set_accept_state(ssl)
    return ssl
  }

  private static func context(
    _ settings: ServerTLS, _ source: CertificateSource, _ index: Int, _ server: String,
    _ policy: TLSPolicy
  ) throws(TLSProblem) -> (context: OpaquePointer, names: [String]) {
    guard let context = SSL_CTX_new(TLS_server_method()) else {
      throw TLSProblem(field: "tls", found: opensslReason(), expected: "a usable OpenSSL")
    }
    do throws(TLSProblem) {
      atoll_data_plane_context(context)
      atoll_without_session_cache(context)
      // One, with the first answer: who asks nothing needs none, and it shares a segment.
      SSL_CTX_set_num_tickets(context, 0)
      _ = atoll_set_versions(
        context, settings.minimumVersion.number, settings.maximumVersion.number)
      _ = atoll_set_groups(context, "X25519:P-256:P-384")
      try setCipherSuites(context, settings.cipherSuites)
      let names = try use(source, in: context, field: "tls.certificates[\(index)]")
      if let authentication = settings.clientAuthentication {
        try demand(authentication, in: context)
      }
      // Of another server a ticket may bring an identity that this one never verified.
      var hash = SHA256Digest()
      hash.update(server)
      hash.update(settings.clientAuthentication?.authorities.text ?? "")
      let identifier = hash.finish()
      SSL_CTX_set_session_id_context(context, identifier, 32)
      SSL_CTX_set_ex_data(context, TLSIndex.policy, Unmanaged.passRetained(policy).toOpaque())
      SSL_CTX_set_alpn_select_cb(context, selectProtocol, nil)
      atoll_set_server_name_callback(context, selectCertificate)
      atoll_set_ticket_callback(context, ticketKey)
      return (context, names)
    } catch {
      SSL_CTX_free(context)
      throw error
    }
  }

  /// What is wrong with one certificate and its key, as nobody has to find out by a server that they
  /// keep from serving. Nil: nothing.
  static func problem(of source: CertificateSource) -> String? {
    guard let context = SSL_CTX_new(TLS_server_method()) else { return opensslReason() }
    defer { SSL_CTX_free(context) }
    do throws(TLSProblem) {
      _ = try use(source, in: context, field: "")
      return nil
    } catch {
      return "\(error.field.dropFirst()) is \(error.found), expected \(error.expected)"
    }
  }

  private static func demand(
    _ authentication: ServerTLS.ClientAuthentication, in context: OpaquePointer
  ) throws(TLSProblem) {
    let authorities = try certificates(
      authentication.authorities, field: "tls.clientAuthentication.ca")
    defer { for authority in authorities { X509_free(authority) } }
    let store = SSL_CTX_get_cert_store(context)
    for authority in authorities {
      X509_STORE_add_cert(store, authority)
      SSL_CTX_add_client_CA(context, authority)
    }
    let required = authentication.mode == .required
    SSL_CTX_set_verify(
      context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nil)
  }
}

/// Puts a certificate, its issuers and its key into a context.
/// - Returns: the certificate's DNS names in lower case.
func use(
  _ source: CertificateSource, in context: OpaquePointer, field: String
) throws(TLSProblem) -> [String] {
  let chain = try certificates(source.certificate, field: "\(field).certificate")
  defer { for certificate in chain { X509_free(certificate) } }
  let key = try privateKey(source.key, field: "\(field).key")
  defer { EVP_PKEY_free(key) }
  guard SSL_CTX_use_certificate(context, chain[0]) == 1 else {
    throw TLSProblem(
      field: "\(field).certificate", found: opensslReason(), expected: "a certificate for TLS")
  }
  guard SSL_CTX_use_PrivateKey(context, key) == 1 else {
    throw TLSProblem(
      field: "\(field).key", found: "a key that does not fit (\(opensslReason()))",
      expected: "the key of the certificate")
  }
  for issuer in chain.dropFirst() where atoll_ssl_add_chain(context, issuer) != 1 {
    throw TLSProblem(
      field: "\(field).certificate", found: opensslReason(), expected: "the certificate's issuers")
  }
  if let ocsp = source.ocsp {
    try OCSPStaple(ocsp, for: chain[0], field: "\(field).ocsp").attach(to: context)
  }
  return dnsNames(chain[0])
}

func setCipherSuites(_ context: OpaquePointer, _ names: [String]) throws(TLSProblem) {
  // The two versions have lists of their own in OpenSSL.
  let (new, old) = (names.filter { $0.hasPrefix("TLS_") }, names.filter { !$0.hasPrefix("TLS_") })
  for name in new where SSL_CTX_set_ciphersuites(context, name) != 1 {
    throw TLSProblem(
      field: "tls.cipherSuites", found: "\"\(name)\" (\(opensslReason()))",
      expected: "OpenSSL's names")
  }
  for name in old where SSL_CTX_set_cipher_list(context, name) != 1 {
    throw TLSProblem(
      field: "tls.cipherSuites", found: "\"\(name)\" (\(opensslReason()))",
      expected: "OpenSSL's names")
  }
  // AES-128 first, as it is secure and its hash makes handshakes cheaper; without forward secrecy
  // only what is asked for by name. Clients that prefer ChaCha20 get it.
  let modern = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
  SSL_CTX_set_ciphersuites(context, new.isEmpty ? modern : new.joined(separator: ":"))
  let forward = "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20:!PSK"
  SSL_CTX_set_cipher_list(context, old.isEmpty ? forward : old.joined(separator: ":"))
}

private func dnsNames(_ certificate: OpaquePointer) -> [String] {
  var names: [String] = []
  withUnsafeMutablePointer(to: &names) { pointer in
    atoll_dns_names(certificate, pointer) { argument, bytes, count in
      guard let bytes, let names = argument?.assumingMemoryBound(to: [String].self) else { return }
      let name = UnsafeBufferPointer(start: bytes, count: Int(count))
      names.pointee.append(String(decoding: name, as: UTF8.self).lowercased())
    }
  }
  return names
}

private struct SHA256Digest {
  private var bytes: [UInt8] = []
  mutating func update(_ text: String) { bytes += Array(text.utf8) + [0] }
  func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    SHA256(bytes, bytes.count, &digest)
    return digest
  }
}

extension TLSVersion {
  var number: Int32 { self == .v12 ? TLS1_2_VERSION : TLS1_3_VERSION }
}
