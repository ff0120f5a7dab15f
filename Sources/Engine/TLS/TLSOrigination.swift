import COpenSSL
import Delivery

/// TLS towards a pool's members: trust, name and certificate as one OpenSSL context.
///
/// `@unchecked Sendable`: as `TLSTermination`.
final class TLSOrigination: @unchecked Sendable {
  let settings: PoolTLS
  private let context: OpaquePointer

  /// - Throws: `TLSProblem` naming the field that cannot be used.
  init(_ settings: PoolTLS, alpn: String?) throws(TLSProblem) {
    self.settings = settings
    guard let context = SSL_CTX_new(TLS_client_method()) else {
      throw TLSProblem(field: "tls", found: opensslReason(), expected: "a usable OpenSSL")
    }
    self.context = context
    atoll_data_plane_context(context)
    atoll_sessions_to_worker(context)
    _ = atoll_set_versions(context, settings.minimumVersion.number, TLS1_3_VERSION)
    if let source = settings.authorities {
      let authorities = try certificates(source, field: "tls.ca")
      defer { for authority in authorities { X509_free(authority) } }
      let store = SSL_CTX_get_cert_store(context)
      for authority in authorities { X509_STORE_add_cert(store, authority) }
    } else if settings.verifies {
      SSL_CTX_set_default_verify_paths(context)
    }
    SSL_CTX_set_verify(context, settings.verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
    if let source = settings.clientCertificate {
      _ = try use(source, in: context, field: "tls.clientCertificate")
    }
    if let alpn {
      let bytes = [UInt8(clamping: alpn.utf8.count)] + Array(alpn.utf8)
      SSL_CTX_set_alpn_protos(context, bytes, UInt32(bytes.count))
    }
  }

  deinit { SSL_CTX_free(context) }

  /// A session with the member at `address`, resumed from `session` if there is one.
  func makeSession(
    _ bio: OpaquePointer, address: String, resuming session: OpaquePointer?
  ) -> OpaquePointer? {
    guard let ssl = SSL_new(context) else { return nil }
    atoll_io_attach(ssl, bio)
    SSL_set_connect_state(ssl)
    if let name = settings.serverName {
      _ = atoll_ssl_set_server_name(ssl, name)
      if settings.verifies { SSL_set1_host(ssl, name) }
    } else if settings.verifies {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address)
    }
    if let session { SSL_set_session(ssl, session) }
    return ssl
  }
}
