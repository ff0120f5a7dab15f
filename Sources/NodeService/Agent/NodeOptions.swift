import NetTypes

/// What a node's process is told at its start.
package struct NodeOptions: Hashable, Sendable {
  /// The unit this node belongs to: it names control groups.
  package var unit: String
  package var nodeName: String
  /// The node's address on the node network, as `172.19.0.3/16`.
  package var address: InterfaceAddress
  package var interface = "eth0"
  package var kubeconfig: String
  /// Survives a reboot.
  package var stateDirectory: String
  /// On a tmpfs.
  package var runtimeDirectory: String
  package var imageDirectory: String
  /// The pool that the first node makes where the cluster has none.
  package var podCIDR: IPPrefix
  package var blockLength: Int
  package var asNumber: ASNumber
  package var isControlPlane = false
  package var kubeletPort: UInt16 = 10250
  /// Where pods ask for names, and the domain of the cluster's; nil leaves them to the node's resolver.
  package var clusterDNS: IPAddress?
  package var clusterDomain = "cluster.local"
  /// The node's own resolver configuration, as pods with dnsPolicy Default get it.
  package var resolverPath = "/etc/resolv.conf"
  /// Where the node's router is asked.
  package var controlSocket: String { runtimeDirectory + "/node.sock" }
  /// PEM files: whom to trust as a client, and how to prove who we are.
  package var authorityPath: String
  package var certificatePath: String
  package var keyPath: String

  package init(
    unit: String, nodeName: String, address: InterfaceAddress, kubeconfig: String,
    stateDirectory: String,
    runtimeDirectory: String, imageDirectory: String, podCIDR: IPPrefix, blockLength: Int,
    asNumber: ASNumber, authorityPath: String, certificatePath: String, keyPath: String
  ) {
    self.unit = unit
    self.nodeName = nodeName
    self.address = address
    self.kubeconfig = kubeconfig
    self.stateDirectory = stateDirectory
    self.runtimeDirectory = runtimeDirectory
    self.imageDirectory = imageDirectory
    self.podCIDR = podCIDR
    self.blockLength = blockLength
    self.asNumber = asNumber
    self.authorityPath = authorityPath
    self.certificatePath = certificatePath
    self.keyPath = keyPath
  }
}
