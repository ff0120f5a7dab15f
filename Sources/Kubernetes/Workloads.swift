/// What Deployment, ReplicaSet and DaemonSet have in common.
package protocol WorkloadView: ObjectView {}

extension WorkloadView {
  /// The pods it owns. Nil where the selector cannot be read.
  package var selector: LabelSelector? { try? LabelSelector(json: spec["selector"]) }
  package var template: PodTemplate { PodTemplate(json: spec["template"]) }
  package var minReadySeconds: Int { spec["minReadySeconds"].int ?? 0 }
  package var revisionHistoryLimit: Int { spec["revisionHistoryLimit"].int ?? 10 }
  package var observedGeneration: Int {
    get { status["observedGeneration"].int ?? 0 }
    set { status["observedGeneration"] = JSON(newValue) }
  }
}

/// The pods a workload makes.
package struct PodTemplate: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var labels: [String: String] { json["metadata"]["labels"].strings }
  package var annotations: [String: String] { json["metadata"]["annotations"].strings }
  package var spec: PodSpec { PodSpec(json: json["spec"]) }
}

/// apps/v1 Deployment.
package struct Deployment: WorkloadView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var replicas: Int {
    get { spec["replicas"].int ?? 1 }
    set { spec["replicas"] = JSON(newValue) }
  }
  package var isPaused: Bool { spec["paused"].bool ?? false }
  /// `RollingUpdate` or `Recreate`.
  package var strategy: String { spec["strategy"]["type"].string ?? "RollingUpdate" }
  package var maxSurge: IntOrString {
    IntOrString(json: spec["strategy"]["rollingUpdate"]["maxSurge"]) ?? .string("25%")
  }
  package var maxUnavailable: IntOrString {
    IntOrString(json: spec["strategy"]["rollingUpdate"]["maxUnavailable"]) ?? .string("25%")
  }
  package var progressDeadlineSeconds: Int { spec["progressDeadlineSeconds"].int ?? 600 }
}

/// apps/v1 ReplicaSet.
package struct ReplicaSet: WorkloadView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var replicas: Int {
    get { spec["replicas"].int ?? 1 }
    set { spec["replicas"] = JSON(newValue) }
  }
  package var currentReplicas: Int { status["replicas"].int ?? 0 }
  package var readyReplicas: Int { status["readyReplicas"].int ?? 0 }
  package var availableReplicas: Int { status["availableReplicas"].int ?? 0 }
}

/// apps/v1 DaemonSet.
package struct DaemonSet: WorkloadView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  /// `RollingUpdate` or `OnDelete`.
  package var updateStrategy: String { spec["updateStrategy"]["type"].string ?? "RollingUpdate" }
  package var maxUnavailable: IntOrString {
    IntOrString(json: spec["updateStrategy"]["rollingUpdate"]["maxUnavailable"]) ?? .int(1)
  }
}
