import COpenSSL
import Delivery
import Glibc

/// What the issuer of a certificate says of it, sent along with it (RFC 6066 §8), until it is too old.
final class OCSPStaple: Sendable {
  private let bytes: [UInt8]
  private let until: Int

  /// - Throws: `TLSProblem` for what does not say that the certificate is good.
  init(_ source: DERSource, for certificate: OpaquePointer, field: String) throws(TLSProblem) {
    bytes = source.bytes
    until = atoll_ocsp_good_until(source.bytes, source.bytes.count, certificate)
    ERR_clear_error()
    guard until >= 0 else {
      throw TLSProblem(
        field: field, found: source.file.map { "\"\($0)\"" } ?? "\(bytes.count) bytes",
        expected: "an OCSP response (DER) that has this certificate as good")
    }
  }

  fileprivate func send(_ ssl: OpaquePointer) -> Bool {
    time(nil) <= until && atoll_staple(ssl, bytes, bytes.count) == 1
  }

  /// Has every handshake of a context that asks for it get this.
  func attach(to context: OpaquePointer) {
    SSL_CTX_set_ex_data(context, TLSIndex.staple, Unmanaged.passRetained(self).toOpaque())
    atoll_set_status_callback(context) { ssl, _ in
      guard let ssl, let data = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), TLSIndex.staple) else {
        return SSL_TLSEXT_ERR_NOACK
      }
      let staple = Unmanaged<OCSPStaple>.fromOpaque(data).takeUnretainedValue()
      return staple.send(ssl) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK
    }
  }
}
