import Linux
import Transport

/// The certificates and keys of a unit or a mesh: an authority of its own, and what that issues, once.
@Loop struct KeyFolder {
  let directory: UnitDirectory
  private let authority: CertificateAuthority

  /// - Parameter name: The authority's common name, where it is made now.
  /// - Throws: `SystemError`; `certificate` where what is there is none.
  init(_ directory: UnitDirectory, authority name: String) throws {
    self.directory = directory
    try FileSystem.makeDirectories("\(directory.state)/pki", mode: 0o700)
    if FileSystem.exists(directory.key("ca")) {
      authority = try CertificateAuthority(
        KeyPair(
          certificatePEM: try FileSystem.readText(directory.certificate("ca")),
          keyPEM: try FileSystem.readText(directory.key("ca"))))
      return
    }
    authority = try CertificateAuthority.mint(commonName: name)
    let pair = authority.keyPair
    try FileSystem.write(pair.certificatePEM, to: directory.certificate("ca"), mode: 0o644)
    try FileSystem.write(pair.keyPEM, to: directory.key("ca"), mode: 0o600)
  }

  var authorityPEM: String { authority.certificatePEM }

  /// Issues an identity that is not there yet.
  /// - Returns: How many certificates that was, none or one.
  func issue(_ template: CertificateTemplate, file: String) throws -> Int {
    guard !FileSystem.exists(directory.key(file)) else { return 0 }
    let pair = try authority.issue(template)
    try FileSystem.write(pair.certificatePEM, to: directory.certificate(file), mode: 0o600)
    try FileSystem.write(pair.keyPEM, to: directory.key(file), mode: 0o600)
    return 1
  }
}
