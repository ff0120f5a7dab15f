import Glibc
import KubeClient
import Kubernetes
import Linux
import Logging
import NetTypes
import Testing

@testable import NodeService

@Suite @Loop struct NodeAgentTests {
  private static func directory() -> String {
    let path = "/tmp/atoll-node-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    mkdir(path, 0o700)
    return path
  }

  private func agent(
    _ name: String, _ api: MemoryAPI, _ machine: FakeMachine, in directory: String
  ) throws -> NodeAgent {
    let options = NodeOptions(
      unit: "test", nodeName: name, address: try #require(InterfaceAddress("172.19.0.3/16")),
      kubeconfig: "",
      stateDirectory: directory + "/state", runtimeDirectory: directory + "/run",
      imageDirectory: directory, podCIDR: try #require(IPPrefix("10.53.0.0/16")), blockLength: 26,
      asNumber: ASNumber(64512), authorityPath: "", certificatePath: "", keyPath: "")
    var log = Logger(label: "test")
    log.logLevel = .critical
    return NodeAgent(
      options, api: api, runtime: machine, network: machine, probes: machine, host: machine,
      log: log)
  }

  /// Waits until `condition` holds; a test that never gets there fails by its own expectations.
  private func eventually(_ condition: () -> Bool) async throws {
    for _ in 0..<2000 where !condition() { try await Loop.sleep(.milliseconds(2)) }
    #expect(condition())
  }

  private func onNode(_ object: JSON, _ node: String = "agent-0") -> JSON {
    var object = object
    object["spec"]["nodeName"] = .string(node)
    return object
  }

  private func isReady(_ api: MemoryAPI, _ name: String = "web-1") -> Bool {
    Pod(json: api.object(.pods, name, namespace: "default")).isReady
  }

  @Test func `a node registers with a block of its own, and holds a lease`() async throws {
    let directory = Self.directory()
    defer { Files.removeTree(directory) }
    let (api, machine) = (MemoryAPI(), FakeMachine())
    let agent = try agent("agent-0", api, machine, in: directory)
    try await agent.start()
    try await eventually { Node(json: api.object(.nodes, "agent-0")).isReady }
    let node = Node(json: api.object(.nodes, "agent-0"))
    let block = try #require(agent.addresses.blocks.first)
    #expect(node.podCIDR == block.description)
    #expect(node.internalIP == "172.19.0.3")
    #expect(node.labels["kubernetes.io/hostname"] == "agent-0")
    let name = CalicoObjects.name(of: block)
    #expect(api.object(.ipamBlocks, name).at("spec.affinity") == "host:agent-0")
    #expect(api.object(.blockAffinities, "agent-0-\(name)").at("spec.state") == "confirmed")
    #expect(api.object(.ipPools, "default-ipv4-ippool").at("spec.cidr") == "10.53.0.0/16")
    try await eventually { machine.announced == [block] }
    try await eventually {
      Lease(json: api.object(.leases, "agent-0", namespace: "kube-node-lease")).holderIdentity
        == "agent-0"
    }
  }

  @Test func `a pod runs, its status is written, and its deletion leaves nothing`() async throws {
    let directory = Self.directory()
    defer { Files.removeTree(directory) }
    let (api, machine) = (MemoryAPI(), FakeMachine())
    let agent = try agent("agent-0", api, machine, in: directory)
    try await agent.start()
    api.put(
      .configMaps,
      [
        "metadata": ["name": "settings", "namespace": "default"], "data": ["color": "blue"],
      ])
    api.put(
      .pods,
      onNode(
        pod { object in
          object["spec"]["volumes"] = [["name": "cfg", "configMap": ["name": "settings"]]]
          object["spec"]["containers"][0]["volumeMounts"] = [
            ["name": "cfg", "mountPath": "/etc/settings"]
          ]
          object["spec"]["containers"][0]["args"] = ["--color", "$(COLOR)"]
          object["spec"]["containers"][0]["env"] = [
            [
              "name": "COLOR",
              "valueFrom": ["configMapKeyRef": ["name": "settings", "key": "color"]],
            ]
          ]
        }))
    try await eventually { isReady(api) }
    let launch = try #require(machine.launches.first)
    #expect(launch.arguments == ["--color", "blue"])
    #expect(launch.networkNamespace == "/fake/u1")
    let mount = try #require(launch.mounts.first { $0.target == "/etc/settings" })
    #expect(mount.isReadOnly)
    #expect(Files.text(mount.source + "/color") == "blue")
    let status = api.object(.pods, "web-1", namespace: "default")["status"]
    let address = try #require(status["podIP"].string.flatMap { IPAddress($0) })
    #expect(agent.addresses.blocks.contains { $0.contains(address) })
    var deleted = api.object(.pods, "web-1", namespace: "default")
    deleted["metadata"]["deletionTimestamp"] = "2027-01-15T08:00:00Z"
    deleted["metadata"]["deletionGracePeriodSeconds"] = 5
    api.put(.pods, deleted)
    try await eventually { api.object(.pods, "web-1", namespace: "default").isNull }
    #expect(machine.signals == ["15 u1-web-0"])
    #expect(machine.namespaces.isEmpty)
    #expect(agent.workers.isEmpty)
    #expect(agent.files.saved().isEmpty)
    let expected: Set = ["Pulled", "Created", "Started", "Killing"]
    var events: Set<String> = []
    // Events are written beside the pod's own course, so the last may come after its end.
    for _ in 0..<400 where !events.isSuperset(of: expected) {
      events = Set(try await api.list(.events).compactMap { $0["reason"].string })
      try await Loop.sleep(.milliseconds(5))
    }
    #expect(events.isSuperset(of: expected))
  }

  @Test func `running pods are adopted after a restart, dead ones start again, gone ones go`()
    async throws
  {
    let directory = Self.directory()
    defer { Files.removeTree(directory) }
    let (api, machine) = (MemoryAPI(), FakeMachine())
    try await agent("agent-0", api, machine, in: directory).start()
    for name in ["a", "b", "c"] {
      api.put(
        .pods,
        onNode(
          pod {
            $0["metadata"]["name"] = .string(name)
            $0["metadata"]["uid"] = .string(name)
          }))
    }
    try await eventually { ["a", "b", "c"].allSatisfy { isReady(api, $0) } }
    let before = api.object(.pods, "a", namespace: "default").at("status.podIP")

    // The process dies; meanwhile b's container dies and c's object is deleted.
    machine.onExit = nil
    machine.exit("b-web-0", code: 1)
    let other = MemoryAPI()
    for object in try await api.list(.pods) where object.at("metadata.name") != "c" {
      other.put(.pods, object)
    }
    for kind in [GroupResource.ipPools, .ipamBlocks, .nodes] {
      for object in try await api.list(kind) { other.put(kind, object) }
    }
    let next = machine.restarted()
    let agent = try agent("agent-0", other, next, in: directory)
    try await agent.start()
    try await eventually { agent.workers.count == 2 && next.launches.count == 1 }
    #expect(next.launches.map(\.id) == ["b-web-1"])
    #expect(isReady(other, "a"))
    #expect(other.object(.pods, "a", namespace: "default").at("status.podIP") == before)
    try await eventually {
      other.object(.pods, "b", namespace: "default").at("status.containerStatuses")[0][
        "restartCount"]
        == 1
    }
    try await eventually { next.running.keys.sorted() == ["a-web-0", "b-web-1"] }
    #expect(next.namespaces == ["a", "b"])
  }

  @Test func `without the API a restarted node goes on with its pods and their addresses`()
    async throws
  {
    let directory = Self.directory()
    defer { Files.removeTree(directory) }
    let (api, machine) = (MemoryAPI(), FakeMachine())
    try await agent("agent-0", api, machine, in: directory).start()
    api.put(.pods, onNode(pod()))
    try await eventually { isReady(api) }
    machine.onExit = nil
    let dark = MemoryAPI()
    dark.isDown = true
    let next = machine.restarted()
    let agent = try agent("agent-0", dark, next, in: directory)
    try await agent.start()
    #expect(agent.addresses.blocks.count == 1)
    next.exit("u1-web-0", code: 1)
    try await eventually { next.launches.count == 1 }
    #expect(next.launches.first?.attempt == 1)
  }

  @Test func `nodes that start together claim different blocks`() async throws {
    let directory = Self.directory()
    defer { Files.removeTree(directory) }
    let api = MemoryAPI()
    let agents = try (0..<8).map { index in
      try agent("node-\(index)", api, FakeMachine(), in: directory + "/\(index)")
    }
    for agent in agents { try await agent.start() }
    try await eventually { agents.allSatisfy { $0.addresses.blocks.count == 1 } }
    #expect(Set(agents.flatMap(\.addresses.blocks)).count == 8)
  }

  @Test func `service rules are applied once a change, and not for what changes nothing`()
    async throws
  {
    let directory = Self.directory()
    defer { Files.removeTree(directory) }
    let (api, machine) = (MemoryAPI(), FakeMachine())
    try await agent("agent-0", api, machine, in: directory).start()
    let service: JSON = [
      "metadata": ["name": "web", "namespace": "default"],
      "spec": ["clusterIP": "10.43.0.9", "ports": [["port": 80]]],
    ]
    api.put(.services, service)
    try await eventually { machine.scripts.last?.contains("10.43.0.9 . tcp . 80") ?? false }
    let count = machine.scripts.count
    var annotated = service
    annotated["metadata"]["annotations"] = ["a": "b"]
    api.put(.services, annotated)
    try await Loop.sleep(.milliseconds(50))
    #expect(machine.scripts.count == count)
  }

  @Test func `a node taken for lost says that it is there`() async throws {
    let directory = Self.directory()
    defer { Files.removeTree(directory) }
    let (api, machine) = (MemoryAPI(), FakeMachine())
    try await agent("agent-0", api, machine, in: directory).start()
    try await eventually { Node(json: api.object(.nodes, "agent-0")).isReady }
    try await Loop.sleep(.milliseconds(20))
    var lost = Node(json: api.object(.nodes, "agent-0"))
    lost.setCondition(Condition(type: "Ready", status: nil, reason: "NodeStatusUnknown", at: .now))
    api.put(.nodes, lost.json)
    try await eventually { Node(json: api.object(.nodes, "agent-0")).isReady }
    api.remove(.nodes, ResourceName(name: "agent-0"))
    try await eventually { Node(json: api.object(.nodes, "agent-0")).isReady }
  }
}
