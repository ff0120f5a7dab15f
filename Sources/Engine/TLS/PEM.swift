import COpenSSL
import Delivery

/// What of a `tls` section cannot be used.
struct TLSProblem: Error {
  var field: String
  var found: String
  var expected: String
}

/// The certificates of a PEM text, at least one. The caller frees them.
func certificates(_ source: PEMSource, field: String) throws(TLSProblem) -> [OpaquePointer] {
  var found: [OpaquePointer] = []
  let bio = memoryBIO(source.text)
  defer { BIO_free(bio) }
  while let certificate = PEM_read_bio_X509(bio, nil, nil, nil) { found.append(certificate) }
  let code = ERR_peek_last_error()
  guard !found.isEmpty, atoll_is_end_of_pem(code) == 1 else {
    for certificate in found { X509_free(certificate) }
    throw TLSProblem(
      field: field, found: "\(source.name) (\(opensslReason()))", expected: "PEM certificates")
  }
  ERR_clear_error()
  return found
}

/// The caller frees the key.
func privateKey(_ source: PEMSource, field: String) throws(TLSProblem) -> OpaquePointer {
  let bio = memoryBIO(source.text)
  defer { BIO_free(bio) }
  // Without this a locked key would ask for its password on the terminal.
  guard let key = PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil) else {
    throw TLSProblem(
      field: field, found: "\(source.name) (\(opensslReason()))",
      expected: "a PEM key without a password")
  }
  return key
}

/// The last of OpenSSL's queued errors in its words; clears them.
func opensslReason() -> String {
  let code = ERR_peek_last_error()
  ERR_clear_error()
  return ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
}

private func memoryBIO(_ text: String) -> OpaquePointer? {
  var text = text
  return text.withUTF8 { bytes in
    // BIO_new_mem_buf would only borrow the bytes.
    guard let bio = BIO_new(BIO_s_mem()) else { return nil }
    BIO_write(bio, bytes.baseAddress, Int32(clamping: bytes.count))
    return bio
  }
}

extension PEMSource {
  fileprivate var name: String { file.map { "\"\($0)\"" } ?? "a text" }
}
