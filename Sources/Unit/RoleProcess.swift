import Intent
import NetTypes

/// One long-running process of a unit, as the supervisor starts it.
package struct RoleProcess: Equatable, Sendable {
  /// `apiserver`, `edge`, `dns`, `server-0`, `agent-1`: names its log and its pid file.
  package let name: String
  /// The namespace it runs in.
  package let namespace: String
  /// The arguments behind the executable's path.
  package let arguments: [String]
}

extension UnitPlan {
  /// The processes of a unit, the API server first: all others speak to it.
  package func processes(publishes: [PublishedPort]) -> [RoleProcess] {
    let directory = UnitDirectory(unit: configuration.name)
    let arguments = [
      "apiserver", "--name", configuration.name, "--listen", "\(apiServer)",
      "--data", directory.server, "--service-cidr", "\(configuration.serviceCIDR)",
      "--ca", directory.certificate("ca"), "--certificate", directory.certificate("apiserver"),
      "--key", directory.key("apiserver"),
      "--kubelet-certificate", directory.certificate("apiserver-kubelet"),
      "--kubelet-key", directory.key("apiserver-kubelet"),
      "--manifests", directory.manifests,
    ]
    let server = RoleProcess(
      name: "apiserver", namespace: controlPlane.namespace, arguments: arguments)
    let edgeProcess = RoleProcess(
      name: "edge", namespace: edge.namespace,
      arguments: [
        "edge", "unit", "--name", configuration.name, "--kubeconfig",
        directory.kubeconfig(of: "edge"),
        "--router-config", directory.routerConfiguration(of: edge), "--state", directory.edge,
        "--socket", directory.edgeSocket, "--node-address", "\(edgeAddress)",
        "--vip-cidr", "\(configuration.vipCIDR)", "--vip-interface", "eth1",
        "--ingress-vip", "\(ingressVIP)", "--reserved-vips", "\(Self.reservedVIPs)",
      ])
    let dnsProcess = RoleProcess(
      name: dns.name, namespace: dns.namespace,
      arguments: [
        "dns", "unit", "--name", configuration.name, "--kubeconfig",
        directory.kubeconfig(of: "dns"), "--state", directory.dns, "--socket", directory.dnsSocket,
        "--address", "\(dnsAddress)", "--service-cidr", "\(configuration.serviceCIDR)",
        "--pod-cidr", "\(configuration.podCIDR)", "--node-cidr", "\(configuration.nodeCIDR)",
      ]
        + (configuration.mesh.map {
          ["--mesh", UnitDirectory(unit: $0.mesh).names(of: configuration.name)]
        } ?? []))
    let hostProcess = host.map { host in
      RoleProcess(
        name: host.name, namespace: host.namespace,
        arguments: [
          "router", "--config", directory.routerConfiguration(of: host), "--api",
          directory.socket(of: host.name),
        ])
    }
    return [server, edgeProcess, dnsProcess] + [hostProcess].compactMap(\.self)
      + nodes.map { role in
        RoleProcess(
          name: role.name, namespace: role.namespace,
          arguments: [
            "node", "--name", configuration.name, "--node-name", role.nodeName,
            "--address", address(of: role).map { "\($0)/\(configuration.nodeCIDR.length)" } ?? "",
            "--kubeconfig", directory.kubeconfig(of: role.name),
            "--ca", directory.certificate("ca"), "--certificate", directory.certificate(role.name),
            "--key", directory.key(role.name), "--state", directory.nodeState(role),
            "--runtime", directory.nodeRuntime(role), "--images", UnitDirectory.images,
            "--pod-cidr", "\(configuration.podCIDR)", "--block-size", "\(configuration.blockSize)",
            "--as-number", "\(configuration.asNumber)",
            "--cluster-dns", "\(clusterDNS)",
            "--role", role.kind == .server(0) ? "control-plane" : "worker",
          ])
      }
  }
}
