import ControlPlane
import KubeServer
import Kubernetes
import Linux
import NetTypes
import Testing

/// A Deployment under a random user, random kubelets and controllers that run in any order.
///
/// Everything happens in one thread on a store in memory, from one seed: a failure names it.
@Suite struct RolloutSimulationTests {
  @Loop final class World {
    let store: Store
    private let writer: Writer
    var random: SeededRandom
    var replicas = 4
    var image = 0
    /// `spec.strategy.rollingUpdate`, in pods.
    let surge: Int
    let unavailable: Int
    private let name = ResourceName(namespace: "default", name: "web")

    init(seed: UInt64) throws {
      random = SeededRandom(seed: seed)
      store = try Store(Store.Configuration(path: nil))
      writer = Writer(store: store)
      surge = Int.random(in: 0...2, using: &random)
      unavailable = Int.random(in: surge == 0 ? 1...2 : 0...2, using: &random)
      try store.create(
        .deployments,
        [
          "metadata": ["name": "web", "namespace": "default"],
          "spec": [
            "replicas": JSON(replicas), "selector": ["matchLabels": ["app": "web"]],
            "strategy": [
              "type": "RollingUpdate",
              "rollingUpdate": ["maxSurge": JSON(surge), "maxUnavailable": JSON(unavailable)],
            ],
            "template": [
              "metadata": ["labels": ["app": "web"]],
              "spec": ["containers": [["name": "c", "image": "v0"]]],
            ],
          ],
        ])
    }

    var pods: [Pod] { store.list(.pods).map(Pod.init(json:)) }
    var sets: [ReplicaSet] { store.list(.replicaSets).map(ReplicaSet.init(json:)) }
    var active: [Pod] { pods.filter { !$0.isDeleting && !$0.isFinished } }
    var available: Int { active.count(where: \.isReady) }

    /// One turn of a controller.
    func control() throws {
      if Bool.random(using: &random) {
        guard let json = store.get(.deployments, name) else { return }
        try perform(
          DeploymentController.reconcile(
            Deployment(json: json), sets: sets, pods: pods, now: store.now))
      } else if let set = sets.randomElement(using: &random) {
        try perform(ReplicaSetController.reconcile(set, pods: pods, now: store.now))
      }
    }

    /// One turn of a kubelet: a pod comes up, or has ended.
    func kubelet() throws {
      guard var pod = pods.randomElement(using: &random) else { return }
      if pod.isDeleting {
        try store.delete(.pods, pod.resourceName, DeleteOptions(gracePeriodSeconds: 0))
      } else if pod.nodeName == nil {
        try store.modify(.pods, pod.resourceName) { $0["spec"]["nodeName"] = "n" }
      } else if !pod.isReady {
        pod.json["status"]["phase"] = "Running"
        pod.setCondition(Condition(type: "Ready", status: true, at: store.now))
        try store.updateStatus(.pods, pod.json)
      }
    }

    /// The user changes the number or the image, in the midst of whatever goes on.
    func user(mayScale: Bool) throws {
      if mayScale, Bool.random(using: &random) {
        replicas = Int.random(in: 0...6, using: &random)
      } else {
        image = Int.random(in: 0...3, using: &random)
      }
      try store.modify(.deployments, name) { json throws(APIStatus) in
        json["spec"]["replicas"] = JSON(replicas)
        json["spec"]["template"]["spec"]["containers"] = [
          ["name": "c", "image": JSON("v\(image)")]
        ]
      }
    }

    private func perform(_ writes: [Write]) throws {
      for write in writes { try writer.perform(write) }
    }

    /// Turns until nothing is left to do: the number of pods, all ready, all of the last image.
    func settles() throws -> Bool {
      for _ in 0..<4000 {
        try control()
        try kubelet()
        let all = pods
        if all.count == replicas, all.allSatisfy({ $0.isReady && !$0.isDeleting }),
          all.allSatisfy({ $0.podSpec.containers.first?.image == "v\(image)" }),
          sets.allSatisfy({
            $0.replicas == 0 || $0.template.spec.containers[0].image == "v\(image)"
          })
        {
          return true
        }
      }
      return false
    }
  }

  @Test(arguments: UInt64(1)...25) @Loop
  func `a rollout keeps its promises at every step`(_ seed: UInt64) throws {
    let world = try World(seed: seed)
    #expect(try world.settles(), "seed \(seed): first rollout")
    let least = world.replicas - world.unavailable
    let most = world.replicas + world.surge
    for _ in 0..<6 {
      try world.user(mayScale: false)
      for _ in 0..<Int.random(in: 5...120, using: &world.random) {
        if Bool.random(using: &world.random) { try world.control() } else { try world.kubelet() }
        let (available, count) = (world.available, world.active.count)
        try #require(
          available >= least && count <= most,
          "seed \(seed): \(available) available of at least \(least), \(count) of at most \(most)")
      }
    }
    #expect(try world.settles(), "seed \(seed): does not settle")
  }

  @Test(arguments: UInt64(1)...25) @Loop
  func `whatever the user does, the last word holds`(_ seed: UInt64) throws {
    let world = try World(seed: seed)
    for _ in 0..<12 {
      try world.user(mayScale: true)
      for _ in 0..<Int.random(in: 0...60, using: &world.random) {
        if Bool.random(using: &world.random) { try world.control() } else { try world.kubelet() }
      }
    }
    #expect(try world.settles(), "seed \(seed): does not settle")
    let history = world.sets.filter { $0.replicas == 0 }
    #expect(history.count <= 10)
  }
}
