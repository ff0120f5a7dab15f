import Linux
import Transport

/// The mesh's own certificate authority: its voters prove to each other by it who they are.
@Loop struct MeshKeys {
  let plan: MeshPlan

  /// - Returns: How many certificates were issued.
  func prepare() throws -> Int {
    let keys = try KeyFolder(plan.directory, authority: "atoll mesh \(plan.name)")
    return try plan.voters.reduce(0) { issued, voter in
      try issued
        + keys.issue(
          CertificateTemplate(
            commonName: voter.certificateName, dnsNames: [voter.certificateName],
            addresses: [voter.address], usages: [.server, .client]), file: "dns-\(voter.name)")
    }
  }
}
