import Linux
import Transport

/// The mesh's own certificate authority: its voters prove to each other by it who they are.
@Loop struct MeshKeys {
  let plan: MeshPlan

  /// - Returns: How many certificates were issued.
  func prepare() throws -> Int {
    let directory = plan.directory
    try FileSystem.makeDirectories("\(directory.state)/pki", mode: 0o700)
    let authority = try loadAuthority(directory)
    var issued = 0
    for voter in plan.voters where !FileSystem.exists(directory.key("dns-\(voter.name)")) {
      let pair = try authority.issue(
        CertificateTemplate(
          commonName: voter.certificateName, dnsNames: [voter.certificateName],
          addresses: [voter.address], usages: [.server, .client]))
      try FileSystem.write(
        pair.certificatePEM, to: directory.certificate("dns-\(voter.name)"), mode: 0o600)
      try FileSystem.write(pair.keyPEM, to: directory.key("dns-\(voter.name)"), mode: 0o600)
      issued += 1
    }
    return issued
  }

  private func loadAuthority(_ directory: UnitDirectory) throws -> CertificateAuthority {
    if FileSystem.exists(directory.key("ca")) {
      return try CertificateAuthority(
        KeyPair(
          certificatePEM: try FileSystem.readText(directory.certificate("ca")),
          keyPEM: try FileSystem.readText(directory.key("ca"))))
    }
    let authority = try CertificateAuthority.mint(commonName: "atoll mesh \(plan.name)")
    let pair = authority.keyPair
    try FileSystem.write(pair.certificatePEM, to: directory.certificate("ca"), mode: 0o644)
    try FileSystem.write(pair.keyPEM, to: directory.key("ca"), mode: 0o600)
    return authority
  }
}
