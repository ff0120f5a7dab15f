import COpenSSL
import NetTypes

/// What a certificate is to say.
package struct CertificateTemplate: Equatable, Sendable {
  package enum Usage: Sendable { case server, client }

  package var commonName: String
  package var organizations: [String]
  package var dnsNames: [String]
  package var addresses: [IPAddress]
  package var usages: Set<Usage>
  /// From five minutes ago, as clocks differ. Negative makes one that has expired.
  package var validity: Duration

  package init(
    commonName: String, organizations: [String] = [], dnsNames: [String] = [],
    addresses: [IPAddress] = [], usages: Set<Usage>, validity: Duration = .seconds(3650 * 86_400)
  ) {
    self.commonName = commonName
    self.organizations = organizations
    self.dnsNames = dnsNames
    self.addresses = addresses
    self.usages = usages
    self.validity = validity
  }

  /// A server's certificate: clients check their name or address for it, never the common name.
  package static func server(
    _ commonName: String, dnsNames: [String] = [], addresses: [IPAddress] = []
  ) -> CertificateTemplate {
    CertificateTemplate(
      commonName: commonName, dnsNames: dnsNames, addresses: addresses, usages: [.server])
  }

  /// A client's certificate: Kubernetes takes the common name as user, organizations as groups.
  package static func client(
    _ commonName: String, organizations: [String] = []
  ) -> CertificateTemplate {
    CertificateTemplate(commonName: commonName, organizations: organizations, usages: [.client])
  }
}

/// A certificate authority on P-256: one for each unit.
package struct CertificateAuthority: Hashable, Sendable {
  package let keyPair: KeyPair

  package var certificatePEM: String { keyPair.certificatePEM }

  /// An authority that exists already.
  /// - Throws: `certificate` if either part does not parse or they do not fit.
  package init(_ keyPair: KeyPair) throws(TransportError) {
    self.keyPair = keyPair
    let certificate = try parseCertificates(keyPair.certificatePEM)
    defer { for item in certificate { X509_free(item) } }
    let key = try parseKey(keyPair.keyPEM)
    defer { EVP_PKEY_free(key) }
    guard X509_check_private_key(certificate[0], key) == 1 else {
      throw .certificate("the authority's certificate and key do not fit: \(opensslErrors())")
    }
  }

  /// A new authority that signs itself.
  package static func mint(
    commonName: String, validity: Duration = .seconds(3650 * 86_400)
  ) throws(TransportError) -> CertificateAuthority {
    let template = CertificateTemplate(commonName: commonName, usages: [], validity: validity)
    return try CertificateAuthority(sign(template, issuer: nil))
  }

  /// A new key and its certificate.
  package func issue(_ template: CertificateTemplate) throws(TransportError) -> KeyPair {
    try Self.sign(template, issuer: keyPair)
  }

  private static func sign(
    _ template: CertificateTemplate, issuer: KeyPair?
  ) throws(TransportError) -> KeyPair {
    guard let key = atoll_generate_p256(), let certificate = X509_new() else {
      throw .certificate(opensslErrors())
    }
    defer {
      EVP_PKEY_free(key)
      X509_free(certificate)
    }
    var builder = CertificateBuilder(certificate: certificate)
    try builder.fill(template, key: key)
    if let issuer {
      let authority = try parseCertificates(issuer.certificatePEM)
      defer { for item in authority { X509_free(item) } }
      let authorityKey = try parseKey(issuer.keyPEM)
      defer { EVP_PKEY_free(authorityKey) }
      try builder.finishLeaf(template, issuer: authority[0], key: authorityKey)
    } else {
      try builder.finishAuthority(key: key)
    }
    return KeyPair(
      certificatePEM: try pem { PEM_write_bio_X509($0, certificate) },
      keyPEM: try pem { PEM_write_bio_PKCS8PrivateKey($0, key, nil, nil, 0, nil, nil) })
  }

  private static func pem(
    _ write: (OpaquePointer) -> Int32
  ) throws(TransportError) -> String {
    guard let bio = BIO_new(BIO_s_mem()) else { throw .certificate(opensslErrors()) }
    defer { BIO_free(bio) }
    var bytes: UnsafePointer<CChar>?
    guard write(bio) == 1, case let count = atoll_bio_bytes(bio, &bytes), let bytes else {
      throw .certificate(opensslErrors())
    }
    return String(
      decoding: UnsafeRawBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
  }
}

/// Fills and signs one X.509 certificate, RFC 5280.
private struct CertificateBuilder {
  let certificate: OpaquePointer

  private func check(_ results: Int32...) throws(TransportError) {
    guard results.allSatisfy({ $0 == 1 }) else { throw .certificate(opensslErrors()) }
  }

  mutating func fill(_ template: CertificateTemplate, key: OpaquePointer) throws(TransportError) {
    try check(X509_set_version(certificate, 2), X509_set_pubkey(certificate, key))
    // 16 random bytes, the top bit clear: positive, and never the same again (§4.1.2.2).
    var serial = [UInt8](repeating: 0, count: 16)
    try check(RAND_bytes(&serial, 16))
    serial[0] = serial[0] & 0x7f | 0x40
    let number = BN_bin2bn(serial, 16, nil)
    defer { BN_free(number) }
    guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil,
      X509_gmtime_adj(X509_getm_notBefore(certificate), -300) != nil,
      X509_gmtime_adj(X509_getm_notAfter(certificate), Int(template.validity.components.seconds))
        != nil
    else { throw .certificate(opensslErrors()) }
    for organization in template.organizations { try addName("O", organization) }
    try addName("CN", template.commonName)
  }

  private func addName(_ field: String, _ value: String) throws(TransportError) {
    let bytes = Array(value.utf8)
    try check(
      X509_NAME_add_entry_by_txt(
        X509_get_subject_name(certificate), field, MBSTRING_UTF8, bytes, Int32(bytes.count), -1, 0))
  }

  func finishAuthority(key: OpaquePointer) throws(TransportError) {
    try check(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)))
    try add(NID_basic_constraints, "critical,CA:TRUE", issuer: certificate)
    try add(NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature", issuer: certificate)
    try add(NID_subject_key_identifier, "hash", issuer: certificate)
    try sign(key)
  }

  func finishLeaf(
    _ template: CertificateTemplate, issuer: OpaquePointer, key: OpaquePointer
  ) throws(TransportError) {
    try check(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)))
    try add(NID_basic_constraints, "critical,CA:FALSE", issuer: issuer)
    try add(NID_key_usage, "critical,digitalSignature", issuer: issuer)
    var usages: [String] = []
    if template.usages.contains(.server) { usages.append("serverAuth") }
    if template.usages.contains(.client) { usages.append("clientAuth") }
    if !usages.isEmpty {
      try add(NID_ext_key_usage, usages.joined(separator: ","), issuer: issuer)
    }
    try add(NID_authority_key_identifier, "keyid", issuer: issuer)
    for name in template.dnsNames where !isPlainName(name) {
      throw .certificate("\(name) is not a DNS name")
    }
    let names =
      template.dnsNames.map { "DNS:\($0)" } + template.addresses.map { "IP:\($0)" }
    if !names.isEmpty {
      try add(NID_subject_alt_name, names.joined(separator: ","), issuer: issuer)
    }
    try sign(key)
  }

  /// OpenSSL reads extensions as text, so a comma in a name would write others.
  private func isPlainName(_ name: String) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
          || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "*")
      }
  }

  private func add(
    _ identifier: Int32, _ value: String, issuer: OpaquePointer
  ) throws(TransportError) {
    var context = X509V3_CTX()
    X509V3_set_ctx(&context, issuer, certificate, nil, nil, 0)
    guard let item = X509V3_EXT_conf_nid(nil, &context, identifier, value) else {
      throw .certificate(opensslErrors())
    }
    defer { X509_EXTENSION_free(item) }
    try check(X509_add_ext(certificate, item, -1))
  }

  private func sign(_ key: OpaquePointer) throws(TransportError) {
    guard X509_sign(certificate, key, EVP_sha256()) > 0 else {
      throw .certificate(opensslErrors())
    }
  }
}
