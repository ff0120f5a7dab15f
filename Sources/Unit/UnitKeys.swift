import Intent
import KubeClient
import Linux
import NetTypes
import Transport

/// The unit's own certificate authority and what it issues: one identity a role, made once.
@Loop struct UnitKeys {
  let plan: UnitPlan
  let apiPort: UInt16

  /// - Returns: How many certificates were issued.
  func prepare() throws -> Int {
    let directory = UnitDirectory(unit: plan.configuration.name)
    let keys = try KeyFolder(directory, authority: "atoll \(plan.configuration.name)")
    var issued = 0
    for identity in identities {
      // A node serves its kubelet API and asks the API server with one and the same identity.
      issued += try keys.issue(
        CertificateTemplate(
          commonName: identity.name, organizations: identity.groups, dnsNames: identity.names,
          addresses: identity.addresses, usages: [.server, .client]), file: identity.file)
    }
    try writeKubeconfigs(directory, authority: keys.authorityPEM)
    return issued
  }

  private struct Identity {
    var file: String
    var name: String
    var groups: [String] = []
    var names: [String] = []
    var addresses: [IPAddress] = []
  }

  /// Names and groups as Kubernetes' own components carry them.
  private var identities: [Identity] {
    let node = plan.controlPlane
    return [
      Identity(
        file: "apiserver", name: "kube-apiserver",
        names: [
          "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
          "kubernetes.default.svc.cluster.local", node.nodeName,
        ],
        addresses: [.v4(.loopback), plan.apiServer.address, plan.configuration.serviceCIDR[1]]),
      Identity(
        file: "apiserver-kubelet", name: "kube-apiserver-kubelet-client", groups: ["system:masters"]
      ),
      Identity(file: "admin", name: "atoll:admin", groups: ["system:masters"]),
      Identity(file: "edge", name: "atoll:edge", groups: ["atoll:edges"]),
      Identity(
        file: "dns", name: "atoll:dns", groups: ["atoll:names"], names: [plan.dns.nodeName],
        addresses: [plan.dnsAddress]),
    ]
      + plan.nodes.map { role in
        Identity(
          file: role.name, name: "system:node:\(role.nodeName)", groups: ["system:nodes"],
          names: [role.nodeName], addresses: plan.address(of: role).map { [$0] } ?? [])
      }
  }

  /// The user's kubeconfig goes through the published port, the roles' ones straight to the server.
  private func writeKubeconfigs(_ directory: UnitDirectory, authority: String) throws {
    for identity in ["admin", "edge", "dns"] + plan.nodes.map(\.name) {
      let server =
        identity == "admin" ? "https://127.0.0.1:\(apiPort)" : "https://\(plan.apiServer)"
      let path =
        identity == "admin" ? directory.kubeconfig : directory.kubeconfig(of: identity)
      let text = Kubeconfig(
        cluster: "atoll-\(plan.configuration.name)", server: server,
        certificateAuthority: authority,
        clientCertificate: try FileSystem.readText(directory.certificate(identity)),
        clientKey: try FileSystem.readText(directory.key(identity))
      ).yaml
      if (try? FileSystem.readText(path)) != text {
        try FileSystem.write(text, to: path, mode: 0o600)
      }
    }
  }
}
