import Intent
import NetTypes

/// One long-running process of a unit, as the supervisor starts it.
package struct RoleProcess: Equatable, Sendable {
  /// `apiserver`, `edge`, `server-0`, `agent-1`: names its log and its pid file.
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
        "edge", "--name", configuration.name, "--kubeconfig", directory.kubeconfig(of: "edge"),
        "--router-config", directory.routerConfiguration, "--state", directory.edge,
        "--socket", directory.edgeSocket, "--node-address", "\(edgeAddress)",
        "--vip-cidr", "\(configuration.vipCIDR)", "--vip-interface", "eth1",
        "--ingress-vip", "\(ingressVIP)", "--reserved-vips", "\(Self.reservedVIPs)",
      ])
    return [server, edgeProcess]
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
            "--role", role.kind == .server(0) ? "control-plane" : "worker",
          ])
      }
  }

  /// The edge's routing configuration as `up` writes it: the article's text, with every node as a
  /// neighbour, and the default route announced to them.
  package var routerConfiguration: String {
    var lines = [
      "hostname edge", "!", "router bgp \(configuration.asNumber)",
      " bgp router-id \(edgeAddress)", " bgp graceful-restart restart-time 120",
      " neighbor calico-k8s peer-group",
      " neighbor calico-k8s remote-as \(configuration.asNumber)",
      " neighbor calico-k8s default-originate",
    ]
    lines += nodes.compactMap { address(of: $0) }.map { " neighbor \($0) peer-group calico-k8s" }
    return lines.joined(separator: "\n") + "\n!\n"
  }

  /// The objects that make nodes peer with each other and with the edge, as the article's author
  /// created them by hand; each is created only where the user has supplied none. A BGPPeer of the
  /// user's for the same address takes the place of ours.
  package var routingManifest: String {
    """
    apiVersion: projectcalico.org/v3
    kind: IPPool
    metadata:
      name: default-ipv4-ippool
    spec:
      cidr: \(configuration.podCIDR)
      blockSize: \(configuration.blockSize)
      natOutgoing: false
      nodeSelector: all()
    ---
    apiVersion: projectcalico.org/v3
    kind: BGPConfiguration
    metadata:
      name: default
      annotations:
        atoll.dev/generated: "true"
    spec:
      logSeverityScreen: Info
      nodeToNodeMeshEnabled: true
      asNumber: \(configuration.asNumber)
    ---
    apiVersion: projectcalico.org/v3
    kind: BGPPeer
    metadata:
      name: edge
      annotations:
        atoll.dev/generated: "true"
    spec:
      peerIP: \(edgeAddress)
      asNumber: \(configuration.asNumber)

    """
  }
}
