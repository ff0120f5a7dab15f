import Glibc
import Kubernetes
import Linux
import Synchronization
import Testing

@testable import KubeServer

/// A directory of its own for one test, removed with it.
final class Scratch {
  let path: String

  init() {
    var template = Array("/tmp/atoll-store-XXXXXX".utf8CString)
    path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
  }

  deinit {
    for suffix in ["", "-wal", "-shm"] { unlink("\(path)/state.db\(suffix)") }
    rmdir(path)
  }

  var database: String { "\(path)/state.db" }
}

func pod(_ name: String, node: String? = nil, labels: [String: String] = [:]) -> JSON {
  var pod: JSON = [
    "metadata": ["name": .string(name), "namespace": "default"],
    "spec": ["containers": [["name": "main", "image": "sample:1"]]],
  ]
  if !labels.isEmpty { pod["metadata"]["labels"] = JSON(labels) }
  if let node { pod["spec"]["nodeName"] = .string(node) }
  return pod
}

func service(_ name: String, type: String = "ClusterIP") -> JSON {
  [
    "metadata": ["name": .string(name), "namespace": "default"],
    "spec": [
      "type": .string(type), "selector": ["app": .string(name)], "ports": [["port": 80]],
    ],
  ]
}

func status(_ body: @Loop () throws -> Void) async -> APIStatus? {
  do {
    try await body()
    return nil
  } catch { return error as? APIStatus }
}

@Loop
struct StoreTests {
  let store: Store

  init() throws { store = try Store(Store.Configuration(path: nil)) }

  @Test func `a new store has the namespaces and the service of every cluster`() {
    let names = store.list(.namespaces).compactMap { $0["metadata"]["name"].string }
    #expect(names == ["default", "kube-node-lease", "kube-public", "kube-system"])
    let service = store.get(.services, namespace: "default", name: "kubernetes")
    #expect(service?["spec"]["clusterIP"] == "10.43.0.1")
  }

  @Test func `a new object gets a uid, a time, defaults and a rising resource version`() throws {
    let first = try store.create(.pods, pod("a"))
    let second = try store.create(.pods, pod("b"))
    #expect(first["metadata"]["uid"].string?.count == 36)
    #expect(first["spec"]["restartPolicy"] == "Always")
    #expect(first["status"]["phase"] == "Pending")
    let versions = [first, second].compactMap {
      $0["metadata"]["resourceVersion"].string.flatMap { Int64($0) }
    }
    #expect(versions.count == 2 && versions[0] < versions[1])
  }

  @Test func `an update of an old state is a conflict`() throws {
    let old = try store.create(.pods, pod("a"))
    var new = old
    new["metadata"]["labels"] = ["app": "x"]
    try store.update(.pods, new)
    new["metadata"]["labels"] = ["app": "y"]
    let error = #expect(throws: APIStatus.self) { try store.update(.pods, new) }
    #expect(error?.isConflict == true)
    #expect(
      error?.message
        == "Operation cannot be fulfilled on pods \"a\": the object has been modified; please apply"
        + " your changes to the latest version and try again")
  }

  @Test func `a change of nothing writes nothing`() throws {
    let object = try store.create(.pods, pod("a"))
    let revision = store.revision
    try store.update(.pods, object)
    #expect(store.revision == revision)
  }

  @Test func `a pod on a node ends in two steps`() throws {
    try store.create(.pods, pod("a", node: "n1"))
    let name = ResourceName(namespace: "default", name: "a")
    let (leaving, isGone) = try store.delete(.pods, name)
    #expect(!isGone)
    #expect(leaving["metadata"]["deletionGracePeriodSeconds"] == 30)
    #expect(store.get(.pods, name) != nil)
    try store.delete(.pods, name, DeleteOptions(gracePeriodSeconds: 0))
    #expect(store.get(.pods, name) == nil)
  }

  @Test func `a finalizer holds an object until it is taken off`() throws {
    var map: JSON = ["metadata": ["name": "m", "namespace": "default"]]
    map["metadata"]["finalizers"] = ["example.com/hold"]
    try store.create(.configMaps, map)
    let name = ResourceName(namespace: "default", name: "m")
    #expect(try !store.delete(.configMaps, name).isGone)
    #expect(store.get(.configMaps, name) != nil)
    try store.modify(.configMaps, name) { $0["metadata"]["finalizers"] = .null }
    #expect(store.get(.configMaps, name) == nil)
  }

  @Test func `an owner deleted in the foreground waits for what it owns`() throws {
    let owner = try store.create(
      .configMaps, ["metadata": ["name": "owner", "namespace": "default"]])
    var owned = pod("owned", node: "n1")
    owned["metadata"]["ownerReferences"] = [ConfigMap(json: owner).controllerReference().json]
    try store.create(.pods, owned)
    let name = ResourceName(namespace: "default", name: "owner")
    let podName = ResourceName(namespace: "default", name: "owned")
    #expect(try !store.delete(.configMaps, name, DeleteOptions(propagation: .foreground)).isGone)
    #expect(store.get(.pods, podName)?["metadata"]["deletionTimestamp"].isNull == false)
    try store.delete(.pods, podName, DeleteOptions(gracePeriodSeconds: 0))
    #expect(store.get(.configMaps, name) == nil)
  }

  @Test func `orphans lose their owner and stay`() throws {
    let owner = try store.create(
      .configMaps, ["metadata": ["name": "owner", "namespace": "default"]])
    var owned = pod("owned")
    owned["metadata"]["ownerReferences"] = [ConfigMap(json: owner).controllerReference().json]
    try store.create(.pods, owned)
    try store.delete(
      .configMaps, ResourceName(namespace: "default", name: "owner"),
      DeleteOptions(propagation: .orphan))
    let left = store.get(.pods, namespace: "default", name: "owned")
    #expect(left != nil && left?["metadata"]["ownerReferences"].isNull == true)
  }

  @Test func `a namespace takes all that is in it along`() throws {
    try store.create(.namespaces, ["metadata": ["name": "shop"]])
    var held = pod("a", node: "n1")
    held["metadata"]["namespace"] = "shop"
    try store.create(.pods, held)
    #expect(try !store.delete(.namespaces, ResourceName(name: "shop")).isGone)
    #expect(store.get(.namespaces, name: "shop")?["status"]["phase"] == "Terminating")
    #expect(store.get(.serviceAccounts, namespace: "shop", name: "default") == nil)
    var late = pod("b")
    late["metadata"]["namespace"] = "shop"
    #expect(throws: APIStatus.self) { try store.create(.pods, late) }
    try store.delete(
      .pods, ResourceName(namespace: "shop", name: "a"), DeleteOptions(gracePeriodSeconds: 0))
    #expect(store.get(.namespaces, name: "shop") == nil)
  }

  @Test func `services get addresses and node ports of their own, and keep them`() throws {
    let first = try store.create(.services, service("a", type: "NodePort"))
    let second = try store.create(.services, service("b", type: "LoadBalancer"))
    let addresses = [first, second].compactMap { $0["spec"]["clusterIP"].string }
    #expect(Set(addresses).count == 2)
    #expect(addresses.allSatisfy { $0.hasPrefix("10.43.") })
    let port = first["spec"]["ports"][0]["nodePort"].int ?? 0
    #expect((30000...32767).contains(port))
    let replaced = try store.update(.services, service("a", type: "NodePort"))
    #expect(replaced["spec"]["clusterIP"].string == addresses[0])
    #expect(replaced["spec"]["ports"][0]["nodePort"].int == port)
    var greedy = service("c", type: "NodePort")
    greedy["spec"]["ports"][0]["nodePort"] = JSON(port)
    let error = #expect(throws: APIStatus.self) { try store.create(.services, greedy) }
    #expect(error?.message.contains("provided port is already allocated") == true)
  }

  @Test func `a dry run changes nothing`() throws {
    let revision = store.revision
    try store.create(.pods, pod("a"), dryRun: true)
    #expect(store.get(.pods, namespace: "default", name: "a") == nil)
    #expect(store.revision == revision)
  }

  @Test func `generateName makes names that differ`() throws {
    var template = pod("")
    template["metadata"]["name"] = .null
    template["metadata"]["generateName"] = "web-"
    let names = try (0..<5).map { _ in
      try store.create(.pods, template)["metadata"]["name"].string ?? ""
    }
    #expect(Set(names).count == 5)
    #expect(names.allSatisfy { $0.hasPrefix("web-") && $0.count == 9 })
  }

  @Test func `generation counts changes of the spec only`() throws {
    let object: JSON = [
      "metadata": ["name": "d", "namespace": "default"],
      "spec": [
        "selector": ["matchLabels": ["app": "d"]],
        "template": [
          "metadata": ["labels": ["app": "d"]],
          "spec": ["containers": [["name": "c", "image": "i"]]],
        ],
      ],
    ]
    try store.create(.deployments, object)
    let name = ResourceName(namespace: "default", name: "d")
    try store.modify(.deployments, name) { $0["metadata"]["labels"] = ["x": "y"] }
    try store.modify(.deployments, name, part: .status) { $0["status"]["replicas"] = 1 }
    #expect(store.get(.deployments, name)?["metadata"]["generation"] == 1)
    try store.modify(.deployments, name) { $0["spec"]["replicas"] = 3 }
    #expect(store.get(.deployments, name)?["metadata"]["generation"] == 2)
    #expect(store.get(.deployments, name)?["status"]["replicas"] == 1)
  }

  @Test func `everything is there again after a restart`() throws {
    let scratch = Scratch()
    let revision: Int64
    do {
      let store = try Store(Store.Configuration(path: scratch.database))
      try store.create(.pods, pod("a"))
      try store.create(.pods, pod("b"))
      try store.create(.services, service("s", type: "NodePort"))
      try store.delete(.pods, ResourceName(namespace: "default", name: "b"))
      revision = store.revision
    }
    let again = try Store(Store.Configuration(path: scratch.database))
    #expect(again.revision == revision)
    #expect(again.get(.pods, namespace: "default", name: "a") != nil)
    #expect(again.get(.pods, namespace: "default", name: "b") == nil)
    let port = again.get(.services, namespace: "default", name: "s")?["spec"]["ports"][0]
    var greedy = service("t", type: "NodePort")
    greedy["spec"]["ports"][0]["nodePort"] = port?["nodePort"] ?? .null
    #expect(throws: APIStatus.self) { try again.create(.services, greedy) }
    let error = #expect(throws: APIStatus.self) {
      _ = try again.subscribe([.pods], after: revision - 1)
    }
    #expect(error?.isGone == true)
    #expect(throws: Never.self) { _ = try again.subscribe([.pods], after: revision) }
  }

  @Test func `a subscription replays what is there and goes on`() async throws {
    try store.create(.pods, pod("a"))
    var events = store.subscribe(.only([.pods])).makeAsyncIterator()
    try store.create(.pods, pod("b"))
    try store.delete(.pods, ResourceName(namespace: "default", name: "a"))
    var seen: [String] = []
    for _ in 0..<3 {
      guard let event = await events.next() else { break }
      seen.append("\(event.kind.rawValue) \(event.name.name)")
    }
    #expect(seen == ["ADDED a", "ADDED b", "DELETED a"])
  }

  @Test func `a watch resumes after a revision, until the history is too short`() async throws {
    var configuration = Store.Configuration(path: nil)
    configuration.eventCapacity = 4
    let store = try Store(configuration)
    try store.create(.pods, pod("a"))
    let mark = store.revision
    for name in ["b", "c", "d"] { try store.create(.pods, pod(name)) }
    var events = try store.subscribe([.pods], after: mark).makeAsyncIterator()
    #expect(await events.next()?.name.name == "b")
    for name in ["e", "f"] { try store.create(.pods, pod(name)) }
    let error = #expect(throws: APIStatus.self) { _ = try store.subscribe([.pods], after: mark) }
    #expect(error?.code == 410)
  }

  @Test func `events go after an hour`() throws {
    let clock = Clock()
    let store = try Store(Store.Configuration(path: nil, now: { clock.now }))
    func event(_ name: String) -> JSON {
      ["metadata": ["name": .string(name), "namespace": "default"], "reason": "x"]
    }
    try store.create(.events, event("old"))
    clock.advance(4000)
    for index in 0..<100 { try store.create(.events, event("e\(index)")) }
    #expect(store.get(.events, namespace: "default", name: "old") == nil)
    #expect(store.list(.events).count == 100)
  }
}

/// A wall clock that stands until it is moved.
final class Clock: Sendable {
  private let seconds = Atomic<Int64>(1_700_000_000)
  var now: Timestamp { Timestamp(unixSeconds: seconds.load(ordering: .relaxed)) }
  func advance(_ count: Int64) { seconds.add(count, ordering: .relaxed) }
}
