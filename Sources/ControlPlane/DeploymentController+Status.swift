import Kubernetes

extension DeploymentController {
  /// Numbers and conditions, as `kubectl rollout status` reads them.
  mutating func report(_ current: ReplicaSet?) {
    let sets = ownSets
    let pods = sets.flatMap { activePods($0) }
    let updated = current.map { activePods($0) } ?? []
    let available = pods.count { isAvailable($0) }
    var status = deploymentView.status
    if status.isNull { status = [:] }
    func count(_ value: Int) -> JSON { value == 0 ? .null : JSON(value) }
    status["observedGeneration"] = JSON(deploymentView.generation)
    status["replicas"] = count(pods.count)
    status["updatedReplicas"] = count(updated.count)
    status["readyReplicas"] = count(pods.count { $0.isReady })
    status["availableReplicas"] = count(available)
    status["unavailableReplicas"] = count(max(0, deploymentView.replicas - available))
    var view = deploymentView
    view.json["status"] = status
    setAvailability(&view, available)
    setProgress(&view, current, updated: updated.count, total: pods.count, available: available)
    guard view.status != deploymentView.status else { return }
    // A revision number written a moment ago made the object newer; nobody else writes its status.
    view.json["metadata"]["resourceVersion"] = .null
    append(.updateStatus(.deployments, view.json))
  }

  private func setAvailability(_ view: inout Deployment, _ available: Int) {
    let holds = available >= view.replicas - maximumUnavailable
    view.setCondition(
      Condition(
        type: "Available", status: holds,
        reason: holds ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
        message: holds
          ? "Deployment has minimum availability."
          : "Deployment does not have minimum availability.", at: time))
  }

  private func setProgress(
    _ view: inout Deployment, _ current: ReplicaSet?, updated: Int, total: Int, available: Int
  ) {
    let name = current?.name ?? "\(view.name)-\(PodTemplating.hash(view.template.json))"
    let isComplete = updated == view.replicas && total == updated && available >= view.replicas
    let old = deploymentView.condition("Progressing")
    if isComplete {
      view.setCondition(
        Condition(
          type: "Progressing", status: true, reason: "NewReplicaSetAvailable",
          message: "ReplicaSet \"\(name)\" has successfully progressed.", at: time))
      return
    }
    let numbers = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"]
    let moved = numbers.contains { view.status[$0] != deploymentView.status[$0] }
    let wasComplete = old?.reason == "NewReplicaSetAvailable"
    if moved || old == nil || wasComplete {
      var condition = Condition(
        type: "Progressing", status: true,
        reason: current == nil ? "NewReplicaSetCreated" : "ReplicaSetUpdated",
        message: "ReplicaSet \"\(name)\" is progressing.", at: time)
      condition.json["lastUpdateTime"] = .string(time.description)
      view.setCondition(condition)
      return
    }
    guard let old, old.isTrue,
      let since = old.json["lastUpdateTime"].string.flatMap(Timestamp.init)
        ?? old.lastTransitionTime,
      since.unixSeconds + Int64(view.progressDeadlineSeconds) < time.unixSeconds
    else { return }
    view.setCondition(
      Condition(
        type: "Progressing", status: false, reason: "ProgressDeadlineExceeded",
        message: "ReplicaSet \"\(name)\" has timed out progressing.", at: time))
  }
}
