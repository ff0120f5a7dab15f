import KubeServer
import Kubernetes
import Linux

/// Does what controllers want done.
@Loop package struct Writer {
  private let store: Store
  private let events: EventRecorder

  package init(store: Store) {
    self.store = store
    events = EventRecorder(store: store)
  }

  package func perform(_ write: Write) throws(APIStatus) {
    switch write {
    case .create(let resource, let json):
      let made = try store.create(resource, json)
      recordCreation(of: made, resource)
    case .update(let resource, let json): try store.update(resource, json)
    case .updateStatus(let resource, let json): try store.updateStatus(resource, json)
    case .delete(let resource, let name, let uid, let grace):
      do {
        try store.delete(
          resource, name,
          DeleteOptions(propagation: .background, gracePeriodSeconds: grace, uid: uid))
      } catch  where error.isNotFound || error.isConflict {
        // Gone already, or another one of that name.
      }
    case .bind(let name, let node): try bind(name, to: node)
    case .event(let note): events.record(note)
    }
  }

  private func bind(_ name: ResourceName, to node: String) throws(APIStatus) {
    try store.modify(.pods, name) { pod throws(APIStatus) in
      pod["spec"]["nodeName"] = JSON(node)
    }
    let now = store.now
    try store.modify(.pods, name, part: .status) { json throws(APIStatus) in
      var pod = Pod(json: json)
      pod.setCondition(Condition(type: "PodScheduled", status: true, at: now))
      json = pod.json
    }
  }

  private func recordCreation(of json: JSON, _ resource: GroupResource) {
    guard resource == .pods, let owner = KubernetesObject(json: json).controller else { return }
    let pod = KubernetesObject(json: json)
    let reference = ObjectReference(
      json: [
        "apiVersion": JSON(owner.apiVersion), "kind": JSON(owner.kind), "name": JSON(owner.name),
        "namespace": JSON(pod.namespace), "uid": JSON(owner.uid),
      ])
    events.record(
      EventNote(
        reference, "SuccessfulCreate", "Created pod: \(pod.name)",
        source: "\(owner.kind.lowercased())-controller"))
  }
}
