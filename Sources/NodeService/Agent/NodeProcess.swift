import Glibc
import KubeClient
import Kubernetes
import Linux
import Logging
import NetTypes
import RouterService

/// The `node` role as a process: its agent with everything real around it.
@Loop package final class NodeProcess {
  private let options: NodeOptions
  private let agent: NodeAgent
  private let host: LinuxHost
  private let kubelet: KubeletServer
  private let control: ControlServer
  private let speaker: NodeRouter

  /// - Throws: what is wrong with the kubeconfig, the certificates or the machine.
  package init(_ options: NodeOptions, log: Logger) throws {
    self.options = options
    let client = try KubeClient(kubeconfig: .read(options.kubeconfig))
    client.userAgent = "atoll-node/\(options.nodeName)"
    try Files.makeDirectory(options.stateDirectory)
    try Files.makeDirectory(options.runtimeDirectory)
    host = LinuxHost(address: options.address, interface: options.interface, log: log)
    speaker = NodeRouter(options, log: log)
    host.speaker = speaker
    control = try speaker.controlServer(path: options.controlSocket)
    try host.prepare()
    agent = NodeAgent(
      options, api: KubeAPI(client), runtime: try RuncRuntime(options),
      network: try VethNetwork(directory: options.runtimeDirectory + "/netns"),
      probes: NetworkProbes(), host: host, log: log)
    kubelet = try KubeletServer(options, agent: agent)
  }

  /// Runs until SIGTERM or SIGINT. Pods and routes are left as they are: the next process takes them
  /// over.
  package func run() async throws {
    kubelet.start()
    control.start()
    try await agent.start()
    _ = try await Signals.wait(for: [SIGTERM, SIGINT])
    agent.stop()
    speaker.stop()
  }
}
