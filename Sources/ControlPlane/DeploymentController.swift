import Kubernetes

/// Rolls a Deployment's pods from one template to the next by way of ReplicaSets.
///
/// Invariants of a rolling update: never more than `replicas + maxSurge` pods wanted, never fewer
/// than `replicas - maxUnavailable` available by our own doing.
package struct DeploymentController {
  static let revisionAnnotation = "deployment.kubernetes.io/revision"
  static let source = "deployment-controller"

  private let deployment: Deployment
  private let now: Timestamp
  private var own: [ReplicaSet]
  private let podsOf: (ReplicaSet) -> [Pod]
  private var writes: [Write] = []

  /// - Parameters:
  ///   - sets: The ReplicaSets of the deployment's namespace.
  ///   - pods: The pods of the namespace.
  package static func reconcile(
    _ deployment: Deployment, sets: [ReplicaSet], pods: [Pod], now: Timestamp
  ) -> [Write] {
    var controller = DeploymentController(deployment, sets, pods, now)
    controller.run()
    return controller.writes
  }

  private init(
    _ deployment: Deployment, _ sets: [ReplicaSet], _ pods: [Pod], _ now: Timestamp
  ) {
    self.deployment = deployment
    self.now = now
    own = sets.filter { $0.isControlled(by: deployment) && !$0.isDeleting }
    let grouped = Dictionary(grouping: pods.filter { $0.controller != nil }) {
      $0.controller?.uid ?? ""
    }
    podsOf = { grouped[$0.uid] ?? [] }
  }

  var ownSets: [ReplicaSet] { own }
  var deploymentView: Deployment { deployment }
  var time: Timestamp { now }
  var maximumUnavailable: Int { unavailable }

  func activePods(_ set: ReplicaSet) -> [Pod] { podsOf(set).filter(\.isActive) }
  func isAvailable(_ pod: Pod) -> Bool {
    pod.isAvailable(for: deployment.minReadySeconds, at: now)
  }
  mutating func append(_ write: Write) { writes.append(write) }

  private mutating func run() {
    guard deployment.selector != nil, !deployment.isDeleting else { return }
    let template = PodTemplating.withoutHash(deployment.template.json)
    let current = own.filter { PodTemplating.withoutHash($0.template.json) == template }
      .min(by: Self.older)
    guard !deployment.isPaused else {
      scaleProportionally(current)
      return report(current)
    }
    if let current {
      raiseRevision(of: current)
      if deployment.strategy == "Recreate" { recreate(current) } else { roll(current) }
      trimHistory(current)
    } else if deployment.strategy == "Recreate", own.contains(where: { !podsOf($0).isEmpty }) {
      for set in own { scale(set, to: 0) }
    } else {
      create()
    }
    report(current)
  }

  private static func older(_ a: ReplicaSet, _ b: ReplicaSet) -> Bool {
    let times = (a.creationTimestamp?.unixSeconds ?? 0, b.creationTimestamp?.unixSeconds ?? 0)
    return times.0 == times.1 ? a.name < b.name : times.0 < times.1
  }

  // MARK: Sets

  private mutating func create() {
    let hash = PodTemplating.hash(deployment.template.json)
    var template = deployment.template.json
    template["metadata"]["labels"][PodTemplating.hashLabel] = JSON(hash)
    var selector = deployment.spec["selector"]
    selector["matchLabels"][PodTemplating.hashLabel] = JSON(hash)
    let replicas =
      deployment.strategy == "Recreate"
      ? deployment.replicas : min(deployment.replicas, max(0, room))
    var annotations = deployment.json["metadata"]["annotations"].strings
    annotations["kubectl.kubernetes.io/last-applied-configuration"] = nil
    annotations[Self.revisionAnnotation] = "\(latestRevision + 1)"
    annotations["deployment.kubernetes.io/desired-replicas"] = "\(deployment.replicas)"
    let name = "\(deployment.name)-\(hash)"
    var labels = deployment.template.labels
    labels[PodTemplating.hashLabel] = hash
    writes.append(
      .create(
        .replicaSets,
        [
          "apiVersion": "apps/v1", "kind": "ReplicaSet",
          "metadata": [
            "name": JSON(name), "namespace": JSON(deployment.namespace), "labels": JSON(labels),
            "annotations": JSON(annotations),
            "ownerReferences": [PodTemplating.reference(to: deployment, kind: "Deployment")],
          ],
          "spec": [
            "replicas": JSON(replicas), "selector": selector, "template": template,
            "minReadySeconds": JSON(deployment.minReadySeconds),
          ],
        ]))
    note("ScalingReplicaSet", "Scaled up replica set \(name) to \(replicas)")
    setRevision(latestRevision + 1)
  }

  private var latestRevision: Int { own.map(revision).max() ?? 0 }

  private func revision(_ set: ReplicaSet) -> Int {
    set.annotations[Self.revisionAnnotation].flatMap(Int.init) ?? 0
  }

  /// A template that comes back, as in a rollback, is the newest revision again.
  private mutating func raiseRevision(of current: ReplicaSet) {
    let others = own.filter { $0.uid != current.uid }.map(revision).max() ?? 0
    let wanted = max(revision(current), others + 1)
    if wanted != revision(current) {
      var json = current.json
      json["metadata"]["annotations"][Self.revisionAnnotation] = JSON("\(wanted)")
      writes.append(.update(.replicaSets, json))
    }
    setRevision(wanted)
  }

  private mutating func setRevision(_ number: Int) {
    guard deployment.annotations[Self.revisionAnnotation] != "\(number)" else { return }
    var json = deployment.json
    json["metadata"]["annotations"][Self.revisionAnnotation] = JSON("\(number)")
    writes.append(.update(.deployments, json))
  }

  private mutating func scale(_ set: ReplicaSet, to replicas: Int) {
    guard set.replicas != replicas else { return }
    var json = set.json
    json["spec"]["replicas"] = JSON(replicas)
    json["metadata"]["annotations"]["deployment.kubernetes.io/desired-replicas"] = JSON(
      "\(deployment.replicas)")
    // One write an object: a revision raised above goes with it.
    if let index = writes.firstIndex(where: { $0.isUpdate(of: set) }),
      case .update(_, let earlier) = writes[index]
    {
      json["metadata"]["annotations"][Self.revisionAnnotation] =
        earlier["metadata"]["annotations"][Self.revisionAnnotation]
      writes.remove(at: index)
    }
    writes.append(.update(.replicaSets, json))
    let direction = replicas > set.replicas ? "up" : "down"
    note(
      "ScalingReplicaSet",
      "Scaled \(direction) replica set \(set.name) to \(replicas) from \(set.replicas)")
  }

  private mutating func trimHistory(_ current: ReplicaSet) {
    let idle = own.filter { $0.uid != current.uid && $0.replicas == 0 && podsOf($0).isEmpty }
      .sorted { revision($0) < revision($1) }
    for set in idle.dropLast(max(0, deployment.revisionHistoryLimit)) {
      writes.append(.delete(.replicaSets, set.resourceName, uid: set.uid))
    }
  }

  private mutating func note(_ reason: String, _ message: String) {
    writes.append(
      .event(EventNote(deployment.reference, reason, message, source: Self.source)))
  }

  // MARK: Strategies

  private var surge: Int {
    let value = deployment.maxSurge.scaled(of: deployment.replicas, roundingUp: true) ?? 0
    return value == 0 && unavailable == 0 ? 1 : value
  }

  private var unavailable: Int {
    deployment.maxUnavailable.scaled(of: deployment.replicas, roundingUp: false) ?? 0
  }

  private mutating func recreate(_ current: ReplicaSet) {
    let others = own.filter { $0.uid != current.uid }
    for set in others { scale(set, to: 0) }
    if others.allSatisfy({ podsOf($0).isEmpty }) { scale(current, to: deployment.replicas) }
  }

  private mutating func roll(_ current: ReplicaSet) {
    let others = own.filter { $0.uid != current.uid && $0.replicas > 0 }
    if current.replicas > deployment.replicas { return scale(current, to: deployment.replicas) }
    if current.replicas < deployment.replicas, room > 0 {
      return scale(current, to: min(deployment.replicas, current.replicas + room))
    }
    let wanted = own.reduce(0) { $0 + $1.replicas }
    let least = deployment.replicas - min(unavailable, deployment.replicas)
    // What is wanted of the new set and not available yet must not be made up for by the old ones.
    let missing = current.replicas - available(current)
    var budget = wanted - least - missing
    var spare = own.reduce(0) { $0 + available($1) } - least
    for set in others.sorted(by: Self.older) where budget > 0 {
      // Broken pods serve nobody, so they go first; healthy ones only beyond the least.
      let broken = min(max(0, set.replicas - available(set)), budget)
      let healthy = max(0, min(set.replicas - broken, budget - broken, spare))
      scale(set, to: set.replicas - broken - healthy)
      budget -= broken + healthy
      spare -= healthy
    }
  }

  /// How many more pods there may be, those counted that a set was told to give up and still has.
  private var room: Int {
    deployment.replicas + surge
      - own.reduce(0) { $0 + max($1.replicas, activePods($1).count) }
  }

  /// The set's available pods, without those that it was told to give up.
  private func available(_ set: ReplicaSet) -> Int {
    min(set.replicas, podsOf(set).count(where: isAvailable))
  }

  /// A paused deployment still follows its number of replicas.
  private mutating func scaleProportionally(_ current: ReplicaSet?) {
    let live = own.filter { $0.replicas > 0 }
    if live.count == 1 { scale(live[0], to: deployment.replicas) }
    if live.isEmpty, let current { scale(current, to: deployment.replicas) }
  }
}

extension Write {
  fileprivate func isUpdate(of set: ReplicaSet) -> Bool {
    if case .update(.replicaSets, let json) = self {
      return json["metadata"]["uid"].string == set.uid
    }
    return false
  }
}
