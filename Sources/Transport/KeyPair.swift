import COpenSSL

/// A certificate, possibly followed by its issuers, and its private key; both PEM.
package struct KeyPair: Hashable, Sendable {
  package let certificatePEM: String
  /// PKCS #8. Files that hold it are for their owner only.
  package let keyPEM: String

  package init(certificatePEM: String, keyPEM: String) {
    self.certificatePEM = certificatePEM
    self.keyPEM = keyPEM
  }
}

/// The certificates of a PEM text, at least one. The caller frees them.
func parseCertificates(_ pem: String) throws(TransportError) -> [OpaquePointer] {
  guard let bio = memory(pem) else { throw .certificate(opensslErrors()) }
  defer { BIO_free(bio) }
  var certificates: [OpaquePointer] = []
  while let certificate = PEM_read_bio_X509(bio, nil, nil, nil) { certificates.append(certificate) }
  let code = ERR_peek_last_error()
  guard !certificates.isEmpty, atoll_is_end_of_pem(code) == 1 else {
    for certificate in certificates { X509_free(certificate) }
    throw .certificate("no PEM certificate: \(opensslErrors())")
  }
  ERR_clear_error()
  return certificates
}

/// The caller frees the key.
func parseKey(_ pem: String) throws(TransportError) -> OpaquePointer {
  guard let bio = memory(pem) else { throw .certificate(opensslErrors()) }
  defer { BIO_free(bio) }
  // Without this a locked key would ask for its password on the terminal.
  guard let key = PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil) else {
    throw .certificate("no usable PEM key: \(opensslErrors())")
  }
  return key
}

private func memory(_ text: String) -> OpaquePointer? {
  var text = text
  return text.withUTF8 { bytes in
    // BIO_new_mem_buf would only borrow the bytes.
    guard let bio = BIO_new(BIO_s_mem()) else { return nil }
    BIO_write(bio, bytes.baseAddress, Int32(clamping: bytes.count))
    return bio
  }
}
