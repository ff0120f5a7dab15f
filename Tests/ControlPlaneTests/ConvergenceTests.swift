import ControlPlane
import KubeServer
import Kubernetes
import Linux
import Testing

/// Controllers on a real store in memory, with a kubelet that makes every bound pod ready.
@Suite(.serialized) struct ConvergenceTests {
  @Loop final class Cluster {
    let store: Store
    let controllers: Controllers
    private var kubelet: Task<Void, Never>?

    init(nodes: Int = 2) throws {
      store = try Store(Store.Configuration(path: nil))
      for index in 0..<nodes {
        var node = Node(
          json: [
            "metadata": ["name": JSON("node-\(index)")],
            "status": ["allocatable": ["cpu": "4", "memory": "8Gi", "pods": "110"]],
          ])
        node.setCondition(Condition(type: "Ready", status: true, at: store.now))
        try store.create(.nodes, node.json)
        try store.updateStatus(.nodes, node.json)
      }
      controllers = Controllers(store: store)
      controllers.start()
      let changes = store.subscribe(.only([.pods]))
      kubelet = Task { @Loop [store] in
        for await change in changes where change.kind != .deleted {
          Self.run(Pod(json: change.json), store)
        }
      }
    }

    private static func run(_ pod: Pod, _ store: Store) {
      guard let node = pod.nodeName else { return }
      if pod.isDeleting {
        _ = try? store.delete(.pods, pod.resourceName, DeleteOptions(gracePeriodSeconds: 0))
        return
      }
      guard !pod.isReady else { return }
      var ready = pod
      ready.json["status"]["phase"] = "Running"
      let number = abs(pod.uid.hashValue) % 250 + 1
      ready.json["status"]["podIP"] = JSON("10.0.\(node.suffix(1)).\(number)")
      ready.setCondition(Condition(type: "Ready", status: true, at: store.now))
      _ = try? store.updateStatus(.pods, ready.json)
    }

    func stop() {
      kubelet?.cancel()
      controllers.stop()
    }

    func pods() -> [Pod] { store.list(.pods).map(Pod.init(json:)) }

    /// Waits until `holds`, at most about five seconds.
    func eventually(_ holds: () -> Bool) async throws -> Bool {
      for _ in 0..<1000 {
        if holds() { return true }
        try await Loop.sleep(.milliseconds(5))
      }
      return false
    }

    func deployment(_ name: String = "web") -> Deployment? {
      store.get(.deployments, namespace: "default", name: name).map(Deployment.init(json:))
    }
  }

  static func deployment(_ replicas: Int, image: String = "a") -> JSON {
    [
      "metadata": ["name": "web", "namespace": "default"],
      "spec": [
        "replicas": JSON(replicas), "selector": ["matchLabels": ["app": "web"]],
        "template": [
          "metadata": ["labels": ["app": "web"]],
          "spec": ["containers": [["name": "c", "image": JSON(image)]]],
        ],
      ],
    ]
  }

  @Test @Loop
  func `a deployment becomes ready pods spread over the nodes, then the store is quiet`()
    async throws
  {
    let cluster = try Cluster()
    defer { cluster.stop() }
    try cluster.store.create(.deployments, Self.deployment(4))
    #expect(
      try await cluster.eventually { cluster.deployment()?.status["availableReplicas"].int == 4 })
    #expect(Set(cluster.pods().compactMap(\.nodeName)) == ["node-0", "node-1"])
    #expect(cluster.deployment()?.condition("Progressing")?.reason == "NewReplicaSetAvailable")
    try await Loop.sleep(.milliseconds(100))
    let revision = cluster.store.revision
    try await Loop.sleep(.milliseconds(300))
    #expect(cluster.store.revision == revision, "controllers write although nothing changes")
  }

  @Test @Loop func `a new template rolls out within surge and availability, and rolls back`()
    async throws
  {
    let cluster = try Cluster()
    defer { cluster.stop() }
    try cluster.store.create(.deployments, Self.deployment(4))
    #expect(
      try await cluster.eventually { cluster.deployment()?.status["availableReplicas"].int == 4 })
    var most = 0
    var least = 4
    let watching = Task { @Loop in
      while !Task.isCancelled {
        let active = cluster.pods().filter { !$0.isDeleting }
        most = max(most, active.count)
        least = min(least, active.count(where: \.isReady))
        try? await Loop.sleep(.milliseconds(1))
      }
    }
    for (image, revision) in [("b", "2"), ("a", "3")] {
      try cluster.store.modify(.deployments, ResourceName(namespace: "default", name: "web")) {
        $0["spec"]["template"]["spec"]["containers"] = [["name": "c", "image": JSON(image)]]
      }
      let done = try await cluster.eventually {
        let pods = cluster.pods()
        return pods.count == 4
          && pods.allSatisfy { $0.isReady && $0.podSpec.containers.first?.image == image }
      }
      #expect(done)
      #expect(
        cluster.deployment()?.annotations["deployment.kubernetes.io/revision"] == revision)
    }
    watching.cancel()
    // 25 % of 4: one more at most, one fewer at least.
    #expect(most <= 5 && least >= 3, "pods between \(least) available and \(most)")
    #expect(cluster.store.list(.replicaSets).count == 2)
  }

  @Test @Loop func `deleting a deployment takes its sets and pods along`() async throws {
    let cluster = try Cluster()
    defer { cluster.stop() }
    try cluster.store.create(.deployments, Self.deployment(3))
    #expect(try await cluster.eventually { cluster.pods().count == 3 })
    try cluster.store.delete(
      .deployments, ResourceName(namespace: "default", name: "web"),
      DeleteOptions(propagation: .background))
    #expect(
      try await cluster.eventually {
        cluster.pods().isEmpty && cluster.store.list(.replicaSets).isEmpty
      })
  }

  @Test @Loop func `a service's endpoints are its ready pods`() async throws {
    let cluster = try Cluster()
    defer { cluster.stop() }
    try cluster.store.create(
      .services,
      [
        "metadata": ["name": "web", "namespace": "default"],
        "spec": ["selector": ["app": "web"], "ports": [["port": 80, "targetPort": 8080]]],
      ])
    try cluster.store.create(.deployments, Self.deployment(3))
    let ready = { () -> Int in
      cluster.store.list(.endpointSlices).map(EndpointSlice.init(json:))
        .filter { $0.serviceName == "web" }.flatMap(\.endpoints).count(where: \.isReady)
    }
    #expect(try await cluster.eventually { ready() == 3 })
    try cluster.store.modify(.deployments, ResourceName(namespace: "default", name: "web")) {
      $0["spec"]["replicas"] = 1
    }
    #expect(try await cluster.eventually { ready() == 1 })
  }
}
