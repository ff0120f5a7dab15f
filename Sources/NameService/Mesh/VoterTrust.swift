import Linux
import NetTypes
import Transport

/// Another voter of the mesh: where it listens, and who it must prove to be.
package struct VoterAddress: Equatable, Sendable {
  package var name: String
  package var address: SocketAddress
  /// The common name of its certificate, and a name that it is valid for.
  package var certificateName: String

  package init(name: String, address: SocketAddress, certificateName: String) {
    self.name = name
    self.address = address
    self.certificateName = certificateName
  }
}

/// What a voter proves itself with, and whose word it takes: PEM.
package struct VoterTrust: Sendable {
  package var authority: String
  package var certificate: KeyPair

  package init(authority: String, certificate: KeyPair) {
    self.authority = authority
    self.certificate = certificate
  }

  /// - Throws: `FileSystem`'s errors, `certificate`.
  package init(authorityPath: String, certificatePath: String, keyPath: String) throws {
    authority = try FileSystem.readText(authorityPath)
    certificate = KeyPair(
      certificatePEM: try FileSystem.readText(certificatePath),
      keyPEM: try FileSystem.readText(keyPath))
  }
}
