import BGP
import Delivery
import Intent
import Kubernetes
import Linux
import Logging
import NetTypes
import RouterService
import Telemetry

/// A node's BGP: announces its blocks to whom Calico's objects name, and installs what it learns.
@Loop package final class NodeRouter: BlockSpeaker {
  private let nodeName: String
  private let address: IPAddress
  private let interface: String
  private let defaultAS: ASNumber
  private let log: Logger
  package private(set) var router: Router?
  private var shells: [String: Shell] = [:]
  private static let shellLimit = 16

  package init(_ options: NodeOptions, log: Logger) {
    nodeName = options.nodeName
    address = options.address.address
    interface = options.interface
    defaultAS = options.asNumber
    self.log = log
  }

  package var status: RouterStatus? { router?.status }

  package func announce(_ blocks: [IPPrefix], _ calico: CalicoState) -> [Problem] {
    let drain = calico.nodes.map(Node.init(json:)).first { $0.name == nodeName }?.drain
    let translation = translation(drain == .withdrawn ? [] : blocks, calico)
    var configuration = translation.configuration
    configuration.routerID = configuration.routerID ?? address.v4
    configuration.isShuttingDownGracefully = drain != nil
    do {
      if let router {
        if router.configuration != configuration || router.policy != translation.policy {
          try router.apply(configuration, policy: translation.policy)
        }
      } else {
        var options = Router.Options()
        // What no pod of ours has does not go out again by the default route.
        options.blackholesOwnPrefixes = true
        let router = Router(
          configuration: configuration, policy: translation.policy, options: options, log: log)
        try router.start()
        self.router = router
      }
    } catch {
      log.error("BGP: \(error)")
    }
    return translation.problems
  }

  private func translation(_ blocks: [IPPrefix], _ calico: CalicoState) -> CalicoTranslation {
    var input = CalicoTranslation.Input(nodeName: nodeName)
    input.nodes = calico.nodes.map(Node.init(json:))
    if !input.nodes.contains(where: { $0.name == nodeName }) {
      // Not registered yet: its sessions are to be the ones that it keeps then.
      input.nodes.append(
        Node(
          json: [
            "metadata": [
              "name": .string(nodeName),
              "annotations": ["projectcalico.org/IPv4Address": .string("\(address)")],
            ]
          ]))
    }
    input.configurations = calico.configurations
    input.peers = calico.peers
    input.filters = calico.filters
    input.passwords = calico.passwords
    input.pools = calico.pools
    input.serviceRoutes = calico.serviceRoutes
    input.blocks = blocks
    input.interface = interface
    input.defaultAS = defaultAS
    return CalicoTranslation(input)
  }

  /// Peers keep this node's routes for the next process to take over.
  package func stop() { router?.stop(graceful: true) }
}

extension NodeRouter: ShellHost {
  /// As the shell prints it: without passwords, which are the Secrets' own.
  package var configuration: ZebosConfiguration {
    var text = ZebosConfiguration()
    text.hostname = nodeName
    text.router = router?.configuration
    for index in text.router?.neighbors.indices ?? 0..<0 {
      text.router?.neighbors[index].settings.password = nil
    }
    return text
  }

  /// A node's routing follows objects of the API; nobody types it here.
  private struct NotHere: Error, CustomStringConvertible {
    let description = "a node's routing is made of Calico's objects: atoll calicoctl"
  }

  package func apply(_ configuration: ZebosConfiguration) throws { throw NotHere() }
  package func save() throws { throw NotHere() }
  package func savedConfiguration() throws -> String { throw NotHere() }

  /// The node's control socket, for `atoll shell`, `atoll calicoctl node status` and Prometheus.
  func controlServer(path: String) throws -> ControlServer {
    try ControlServer(
      path: path,
      actions: ControlServer.Actions(
        status: { [self] in
          ["name": .string(nodeName), "bgp": router?.status.json ?? ["sessions": []]]
        },
        metrics: { [self] in
          var page = MetricsPage()
          router?.addMetrics(to: &page)
          return page
        },
        shell: { [self] line, session in
          if shells[session] == nil, shells.count >= Self.shellLimit { shells.removeAll() }
          let shell = shells[session] ?? Shell(self)
          let answer = shell.run(line)
          shells[session] = answer.isOver ? nil : shell
          return answer.json
        }))
  }
}
