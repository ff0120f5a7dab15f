import ArgumentParser
import ControlPlane
import EdgeService
import Linux
import Logging
import NetTypes
import NodeService
import Telemetry
import Unit

/// Options every role has.
struct RoleOptions: ParsableArguments {
  @Option(help: "The unit's name.")
  var name: String
  @Option(help: "trace, debug, info, notice, warning, error or critical.")
  var logLevel: Logger.Level = .info

  func logger(_ label: String) -> Logger { Self.logger(label, logLevel) }

  static func logger(_ label: String, _ level: Logger.Level) -> Logger {
    LineLogHandler.bootstrap(level: level)
    return Logger(label: label)
  }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

struct APIServerRole: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apiserver", abstract: "Serve the Kubernetes API, with its controllers.")

  @OptionGroup var role: RoleOptions
  @Option(help: "ADDRESS:PORT to serve on; may be repeated.")
  var listen: [SocketAddress]
  @Option(help: "The folder of the database.")
  var data: String
  @Option(help: "Addresses of Services.")
  var serviceCidr: IPPrefix
  @Option(help: "The certificate authority of clients, PEM.")
  var ca: String
  @Option(help: "The server's certificate, PEM.")
  var certificate: String
  @Option(help: "The server's key, PEM.")
  var key: String
  @Option(help: "The client certificate for nodes' kubelet API, PEM.")
  var kubeletCertificate: String
  @Option(help: "Its key, PEM.")
  var kubeletKey: String
  @Option(help: "A file or folder of manifests to apply; may be repeated.")
  var manifests: [String] = []

  func run() async throws {
    let options = ControlPlaneService.Options(
      listen: listen, data: data, serviceCIDR: serviceCidr, authority: ca,
      certificate: certificate, key: key, kubeletCertificate: kubeletCertificate,
      kubeletKey: kubeletKey, manifests: manifests)
    try await ControlPlaneService(options, log: role.logger("apiserver")).run()
  }
}

struct NodeRole: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "node", abstract: "Run pods, announce their addresses.")

  enum Kind: String, ExpressibleByArgument {
    case controlPlane = "control-plane"
    case worker
  }

  @OptionGroup var options: RoleOptions
  @Option(help: "The Node object's name.")
  var nodeName: String
  @Option(help: "The node's address with its prefix length, as 172.19.0.3/16.")
  var address: InterfaceAddress
  @Option(help: "The interface that has it.")
  var interface = "eth0"
  @Option(help: "How to reach the API server.")
  var kubeconfig: String
  @Option(help: "The certificate authority, PEM.")
  var ca: String
  @Option(help: "The node's certificate, PEM.")
  var certificate: String
  @Option(help: "Its key, PEM.")
  var key: String
  @Option(help: "The folder of what survives a reboot.")
  var state: String
  @Option(help: "The folder of what need not.")
  var runtime: String
  @Option(help: "The folder of images.")
  var images: String
  @Option(help: "The pool that the first node makes where there is none.")
  var podCidr: IPPrefix
  @Option(help: "The prefix length of a node's block.")
  var blockSize: Int
  @Option(help: "The AS number where no BGPConfiguration says another.")
  var asNumber: UInt32
  @Option(help: "control-plane or worker: the node's label.")
  var role: Kind = .worker
  @Option(help: "Where pods ask for names (default: as the node does).")
  var clusterDns: IPAddress?

  func run() async throws {
    var node = NodeOptions(
      unit: options.name, nodeName: nodeName, address: address, kubeconfig: kubeconfig,
      stateDirectory: state, runtimeDirectory: runtime, imageDirectory: images, podCIDR: podCidr,
      blockLength: blockSize, asNumber: ASNumber(asNumber), authorityPath: ca,
      certificatePath: certificate, keyPath: key)
    node.interface = interface
    node.isControlPlane = role == .controlPlane
    node.clusterDNS = clusterDns
    try await NodeProcess(node, log: options.logger("node")).run()
  }
}

/// The edge of a unit; `Edge` is the verb that it stands under.
struct EdgeRole: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unit",
    abstract: "Route, balance, and be the one way in and out of a unit, told by its API server.")

  @OptionGroup var role: RoleOptions
  @Option(help: "How to reach the API server.")
  var kubeconfig: String
  @Option(help: "The routing configuration, as `write` keeps it.")
  var routerConfig: String
  @Option(help: "The folder of the last good objects.")
  var state: String
  @Option(help: "The control socket.")
  var socket: String
  @Option(help: "The edge's address on the node network.")
  var nodeAddress: IPAddress
  @Option(help: "The network of virtual servers.")
  var vipCidr: IPPrefix
  @Option(help: "The interface on it.")
  var vipInterface = "eth1"
  @Option(help: "The address that all Ingresses share.")
  var ingressVip: IPAddress
  @Option(help: "Addresses at the network's start that no Service may take.")
  var reservedVips = 11
  @Option(help: "Threads of the data plane (default: one a processor).")
  var workers: Int?

  func run() async throws {
    var options = EdgeOptions(
      name: role.name, kubeconfig: kubeconfig, routerConfiguration: routerConfig, state: state,
      socket: socket, nodeAddress: nodeAddress, vipPrefix: vipCidr, ingressVIP: ingressVip)
    options.vipInterface = vipInterface
    options.reservedVIPs = reservedVips
    options.workers = workers
    try await EdgeService(options, log: role.logger("edge")).run()
  }
}

struct Supervise: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Keep a unit's roles running; `up` starts it.", shouldDisplay: false)

  @OptionGroup var role: RoleOptions

  func run() async throws {
    let log = role.logger("supervisor")
    let executable = try FileSystem.executablePath()
    if let mesh = MeshRegistry.kept(role.name) {
      try await Supervisor(mesh: mesh, executable: executable, log: log).run()
    } else {
      let record = try UnitRegistry.find(role.name)
      try await Supervisor(record: record, executable: executable, log: log).run()
    }
  }
}

extension SocketAddress: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension IPAddress: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension InterfaceAddress: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
