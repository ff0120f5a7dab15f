import Intent
import Kubernetes
import NetTypes

/// Who votes on what is answered: each unit's name service, and the witnesses at client sites.
extension MeshPlan {
  package struct Voter: Equatable, Sendable {
    package var name: String
    package var address: IPAddress
    /// In its certificate, which the others check.
    package var certificateName: String
  }

  /// Where voters hear each other.
  static let votePort: UInt16 = 8853

  package var voters: [Voter] {
    units.map { voter($0.configuration.name, $0.dnsAddress) }
      + configuration.clients.compactMap { client in
        line(of: client).map { voter(client, $0.siteAddress.address) }
      }
  }

  private func voter(_ name: String, _ address: IPAddress) -> Voter {
    Voter(name: name, address: address, certificateName: "dns-\(name).\(self.name)")
  }

  /// What `--mesh` of a name service names: kind MeshNames.
  package func names(for voter: String) -> JSON {
    [
      "apiVersion": "atoll.dev/v1alpha1", "kind": "MeshNames", "metadata": ["name": JSON(name)],
      "spec": [
        "domain": JSON(configuration.domain), "voter": JSON(voter),
        "tls": [
          "authority": JSON(directory.certificate("ca")),
          "certificate": JSON(directory.certificate("dns-\(voter)")),
          "key": JSON(directory.key("dns-\(voter)")),
        ],
        "voters": .array(
          voters.map {
            [
              "name": JSON($0.name),
              "address": JSON("\(SocketAddress($0.address, port: Self.votePort))"),
              "certificateName": JSON($0.certificateName),
            ]
          }),
        "units": .array(units.map { unit($0, isOwn: $0.configuration.name == voter) }),
      ],
    ]
  }

  private func unit(_ plan: UnitPlan, isOwn: Bool) -> JSON {
    var unit: JSON = [
      "name": JSON(plan.configuration.name), "dns": JSON("\(plan.dnsAddress)"),
      "vipCIDR": JSON("\(plan.configuration.vipCIDR)"), "ingressVIP": JSON("\(plan.ingressVIP)"),
    ]
    if isOwn {
      unit["edgeSocket"] = JSON(UnitDirectory(unit: plan.configuration.name).edgeSocket)
    }
    return unit
  }
}
