import NetTypes

/// What the edge of one unit is told when it starts.
package struct EdgeOptions: Equatable, Sendable {
  /// The unit's name.
  package var name: String
  package var kubeconfig: String
  /// The routing configuration in the shell's text form, which `write` replaces.
  package var routerConfiguration: String
  /// Where the last good objects are kept.
  package var state: String
  /// The control socket.
  package var socket: String
  /// The edge's address on the node network.
  package var nodeAddress: IPAddress
  package var vipPrefix: IPPrefix
  package var vipInterface = "eth1"
  /// The address that all Ingresses share.
  package var ingressVIP: IPAddress
  /// Addresses at the start of `vipPrefix`, the network's own among them, that no Service may take.
  package var reservedVIPs = 11
  /// Whether what leaves by `vipInterface` gets an address of this edge as its source.
  package var translatesSources = true
  /// Threads of the data plane; nil is one a processor.
  package var workers: Int?
  /// How long connections may take to end when the edge stops.
  package var drain = Duration.seconds(2)

  package init(
    name: String, kubeconfig: String, routerConfiguration: String, state: String, socket: String,
    nodeAddress: IPAddress, vipPrefix: IPPrefix, ingressVIP: IPAddress
  ) {
    self.name = name
    self.kubeconfig = kubeconfig
    self.routerConfiguration = routerConfiguration
    self.state = state
    self.socket = socket
    self.nodeAddress = nodeAddress
    self.vipPrefix = vipPrefix
    self.ingressVIP = ingressVIP
  }
}
