import Containers
import Glibc
import Kubernetes
import Linux
import Logging
import NetTypes
import Testing
import Transport

@testable import NodeService

let canRunContainers =
  geteuid() == 0 && access("/usr/sbin/runc", X_OK) == 0 && access("/usr/sbin/nft", X_OK) == 0

/// A node with runc, veth pairs and probes that are real, in a namespace of its own; only the API is
/// in memory. The image is the machine's own root, under an overlay.
@Suite(.serialized, .enabled(if: canRunContainers, "needs root, runc and nft"))
@Loop struct RealNodeTests {
  private func agent(_ api: MemoryAPI, in directory: String) throws -> NodeAgent {
    let options = NodeOptions(
      unit: "test\(getpid())", nodeName: "agent-0",
      address: try #require(InterfaceAddress("172.19.0.3/16")), kubeconfig: "",
      stateDirectory: directory + "/state", runtimeDirectory: directory + "/run",
      imageDirectory: directory + "/images", podCIDR: try #require(IPPrefix("10.53.0.0/16")),
      blockLength: 26, asNumber: ASNumber(64512), authorityPath: "", certificatePath: "",
      keyPath: "")
    var log = Logger(label: "test")
    log.logLevel = .critical
    try Files.makeDirectory(options.stateDirectory)
    try Files.makeDirectory(options.runtimeDirectory)
    try Files.makeDirectory(options.imageDirectory)
    let reference = try #require(ImageReference("test.local/host:1"))
    try ImageStore(root: options.imageDirectory).add(
      Image(reference: reference, id: "sha256:host", root: "/"))
    return NodeAgent(
      options, api: api, runtime: try RuncRuntime(options),
      network: try VethNetwork(directory: options.runtimeDirectory + "/netns"),
      probes: NetworkProbes(),
      host: LinuxHost(address: options.address, interface: "eth0", log: log), log: log)
  }

  private func eventually(_ what: String, _ condition: () -> Bool) async throws {
    for _ in 0..<3000 where !condition() { try await Loop.sleep(.milliseconds(5)) }
    #expect(condition(), "\(what)")
  }

  private static let script = """
    echo started as $HOSTNAME with $COLOR; touch /tmp/ready
    trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done
    """

  @Test func `a pod is set up, answers, is restarted, adopted and taken down`() async throws {
    let directory = "/tmp/atoll-real-\(getpid())"
    try Files.makeDirectory(directory)
    let namespace = directory + "/node"
    try NetworkNamespace.create(path: namespace)
    let own = try NetworkNamespace.current()
    let node = try NetworkNamespace.open(path: namespace)
    try node.enter()
    try Netlink().addVeth("eth0", peer: "switch", in: node)
    for name in ["eth0", "switch"] { try Netlink().setUp(name) }
    defer {
      try? own.enter()
      try? NetworkNamespace.delete(path: namespace)
      Files.removeTree(directory)
      ControlGroups.remove("atoll/test\(getpid())")
    }
    let api = MemoryAPI()
    let first = try agent(api, in: directory)
    try await first.start()
    var object = pod {
      $0["spec"]["containers"] = [
        [
          "name": "web", "image": "test.local/host:1",
          "command": ["sh", "-c", .string(Self.script)],
          "env": [["name": "COLOR", "value": "blue"]],
          "resources": ["limits": ["memory": "64Mi", "cpu": "500m"]],
          "readinessProbe": ["exec": ["command": ["test", "-e", "/tmp/ready"]]],
        ]
      ]
      $0["metadata"]["uid"] = "11111111-2222-3333-4444-555555555555"
    }
    object["spec"]["nodeName"] = "agent-0"
    api.put(.pods, object)
    func current() -> Pod { Pod(json: api.object(.pods, "web-1", namespace: "default")) }
    try await eventually("ready: \(current().status.text)") { current().isReady }
    let address = try #require(current().podIP.flatMap { IPAddress($0) })

    // A port nobody listens on is refused by the pod itself: packets go there and back.
    let refused = await #expect(throws: SystemError.self) {
      _ = try await connectSocket(
        to: .address(SocketAddress(address, port: 9)), timeout: .seconds(2))
    }
    #expect(refused?.code == ECONNREFUSED)
    let worker = try #require(first.workers.values.first)
    let log = first.files.logPath(worker.specification, container: "web", attempt: 0)
    #expect(Files.text(log) == "started as web-1 with blue\n")

    // Its process dies: it starts again at the same address.
    first.runtime.signal(try #require(worker.ids["web"]), SIGKILL)
    try await eventually("restarted") {
      current().containerStatuses.first?.restartCount == 1 && current().isReady
    }
    #expect(current().podIP == address.description)
    let exit = current().containerStatuses[0].json.at("lastState.terminated")
    #expect(exit["signal"] == 9)

    // Another process of the node takes it over as it is.
    first.stop()
    let second = try agent(api, in: directory)
    try await second.start()
    try await Loop.sleep(.milliseconds(200))
    #expect(current().containerStatuses.first?.restartCount == 1)
    #expect(current().isReady)

    var deleted = current().json
    deleted["metadata"]["deletionTimestamp"] = "2027-01-15T08:00:00Z"
    deleted["metadata"]["deletionGracePeriodSeconds"] = 5
    api.put(.pods, deleted)
    try await eventually("gone") { current().json.isNull }
    #expect(second.network.existing().isEmpty)
    #expect(await second.runtime.containers().isEmpty)
    #expect(try Netlink().links().map(\.name).filter { $0.hasPrefix("cali") }.isEmpty)
    second.stop()
  }
}
