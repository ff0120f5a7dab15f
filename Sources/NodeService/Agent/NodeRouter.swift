import BGP
import Intent
import Kubernetes
import Linux
import Logging
import NetTypes
import RouterService

/// A node's BGP: announces its blocks to whom Calico's objects name, and installs what it learns.
@Loop package final class NodeRouter: BlockSpeaker {
  private let nodeName: String
  private let address: IPAddress
  private let defaultAS: ASNumber
  private let log: Logger
  private var router: Router?
  private var told: [String] = []

  package init(_ options: NodeOptions, log: Logger) {
    nodeName = options.nodeName
    address = options.address.address
    defaultAS = options.asNumber
    self.log = log
  }

  package var status: RouterStatus? { router?.status }

  package func announce(_ blocks: [IPPrefix], _ calico: CalicoState) {
    let configuration = configuration(blocks, calico)
    do {
      if let router {
        if router.configuration != configuration { try router.apply(configuration) }
      } else {
        var options = Router.Options()
        // What no pod of ours has does not go out again by the default route.
        options.blackholesOwnPrefixes = true
        let router = Router(configuration: configuration, options: options, log: log)
        try router.start()
        self.router = router
      }
    } catch {
      log.error("BGP: \(error)")
    }
  }

  private func configuration(_ blocks: [IPPrefix], _ calico: CalicoState) -> RouterConfiguration {
    var input = CalicoTranslation.Input(nodeName: nodeName)
    input.nodes = calico.nodes.map(Node.init(json:))
    input.configurations = calico.configurations
    input.peers = calico.peers
    input.defaultAS = defaultAS
    let translation = CalicoTranslation(input)
    let problems = translation.problems.map { "\($0)" }
    if problems != told {
      for problem in problems { log.warning("\(problem)") }
      told = problems
    }
    var configuration = translation.configuration
    configuration.routerID = configuration.routerID ?? address.v4
    configuration.networks += blocks
    return configuration
  }

  /// Peers keep this node's routes for the next process to take over.
  package func stop() { router?.stop(graceful: true) }
}
