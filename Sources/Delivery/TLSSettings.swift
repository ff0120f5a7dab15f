/// PEM text, and the file that it comes from where it comes from one.
package struct PEMSource: Hashable, Sendable {
  package var file: String?
  package var text: String

  package init(text: String) { self.text = text }

  /// A file that is still to be read.
  package init(file: String) {
    self.file = file
    text = ""
  }
}

/// Bytes, and the file that they come from where they come from one.
package struct DERSource: Hashable, Sendable {
  package var file: String?
  package var bytes: [UInt8] = []

  package init(bytes: [UInt8]) { self.bytes = bytes }

  /// A file that is still to be read.
  package init(file: String) { self.file = file }
}

/// A certificate with its issuers, and its key.
package struct CertificateSource: Hashable, Sendable {
  package var certificate: PEMSource
  package var key: PEMSource
  /// What its issuer says of it (RFC 6960), for clients that ask (RFC 6066 §8).
  package var ocsp: DERSource?

  package init(certificate: PEMSource, key: PEMSource) {
    self.certificate = certificate
    self.key = key
  }
}

package enum TLSVersion: String, Hashable, Sendable, CaseIterable {
  case v12 = "1.2"
  case v13 = "1.3"
}

/// How a virtual server ends TLS.
package struct ServerTLS: Hashable, Sendable {
  /// The first serves clients whose server name no other one has, RFC 6066 §3.
  package var certificates: [CertificateSource]
  package var minimumVersion = TLSVersion.v12
  package var maximumVersion = TLSVersion.v13
  /// By OpenSSL's names, those of TLS 1.3 (`TLS_…`) among them; empty is OpenSSL's own choice.
  package var cipherSuites: [String] = []
  /// Protocols in order of preference, RFC 7301; nil is the virtual server's own.
  package var alpn: [String]?
  package var clientAuthentication: ClientAuthentication?
  /// From the first byte to the last of the handshake.
  package var handshakeTimeout = Duration.seconds(10)
  /// How long a ticket key seals; it opens for as long again.
  package var ticketLifetime = Duration.seconds(12 * 3600)

  package init(certificates: [CertificateSource] = []) { self.certificates = certificates }

  package struct ClientAuthentication: Hashable, Sendable {
    package enum Mode: String, Hashable, Sendable, CaseIterable { case none, optional, required }

    package var mode: Mode
    package var authorities: PEMSource
    /// Tell members by X-Forwarded-Client-Cert.
    package var forwards = false

    package init(mode: Mode, authorities: PEMSource) {
      self.mode = mode
      self.authorities = authorities
    }
  }
}

/// How a pool's members are spoken to over TLS.
package struct PoolTLS: Hashable, Sendable {
  /// Sent as SNI and looked for in the certificate; nil is the member's address, without SNI.
  package var serverName: String?
  /// Without it, the system's authorities.
  package var authorities: PEMSource?
  package var verifies = true
  package var clientCertificate: CertificateSource?
  package var minimumVersion = TLSVersion.v12

  package init() {}
}

extension ServerTLS {
  /// Every PEM that this refers to, with the field that names it.
  package mutating func forEachPEM<E: Error>(
    _ body: (_ field: String, inout PEMSource) throws(E) -> Void
  ) throws(E) {
    for index in certificates.indices {
      try body("tls.certificates[\(index)].certificate", &certificates[index].certificate)
      try body("tls.certificates[\(index)].key", &certificates[index].key)
    }
    if var authentication = clientAuthentication {
      try body("tls.clientAuthentication.ca", &authentication.authorities)
      clientAuthentication = authentication
    }
  }

  func validate() -> [(field: String, found: String, expected: String)] {
    var problems: [(field: String, found: String, expected: String)] = []
    if certificates.isEmpty {
      problems.append(("tls.certificates", "none", "certificate and key, or a list of them"))
    }
    if minimumVersion == .v13, maximumVersion == .v12 {
      problems.append(("tls.minimumVersion", "1.3", "no later than maximumVersion, 1.2"))
    }
    if let wrong = alpn?.first(where: { !["h2", "http/1.1", "http/1.0"].contains($0) }) {
      problems.append(("tls.alpn", "\"\(wrong)\"", "h2 or http/1.1"))
    }
    if handshakeTimeout < .milliseconds(10) || handshakeTimeout > .seconds(3600) {
      problems.append(("tls.handshakeTimeout", "\(handshakeTimeout)", "10 ms to 1 hour"))
    }
    if ticketLifetime < .seconds(1) || ticketLifetime > .seconds(7 * 86400) {
      problems.append(("tls.ticketLifetime", "\(ticketLifetime)", "1 s to 7 days"))
    }
    return problems
  }
}

extension PoolTLS {
  package mutating func forEachPEM<E: Error>(
    _ body: (_ field: String, inout PEMSource) throws(E) -> Void
  ) throws(E) {
    if var authorities {
      try body("tls.ca", &authorities)
      self.authorities = authorities
    }
    if var own = clientCertificate {
      try body("tls.clientCertificate.certificate", &own.certificate)
      try body("tls.clientCertificate.key", &own.key)
      clientCertificate = own
    }
  }
}
