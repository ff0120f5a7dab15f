import KubeServer
import Kubernetes
import Linux

/// Writes events; the same note within ten minutes counts up instead of being written again.
@Loop final class EventRecorder {
  private static let window: Int64 = 600
  private static let limit = 1000

  private let store: Store
  private var known: [EventNote: (name: ResourceName, at: Int64)] = [:]

  init(store: Store) { self.store = store }

  func record(_ note: EventNote) {
    let now = store.now
    if let (name, at) = known[note], at + Self.window > now.unixSeconds {
      let counted: Void? = try? {
        try store.modify(.events, name) { event throws(APIStatus) in
          event["count"] = JSON((event["count"].int ?? 1) + 1)
          event["lastTimestamp"] = .string(now.description)
        }
      }()
      if counted != nil { return }
    }
    let namespace = note.object.namespace.isEmpty ? "default" : note.object.namespace
    let name = ResourceName(
      namespace: namespace, name: "\(note.object.name).\(Store.randomSuffix(10))")
    let event: JSON = [
      "apiVersion": "v1", "kind": "Event",
      "metadata": ["name": JSON(name.name), "namespace": JSON(namespace)],
      "involvedObject": note.object.json, "reason": JSON(note.reason),
      "message": JSON(note.message), "type": JSON(note.type),
      "source": ["component": JSON(note.source)], "count": 1,
      "firstTimestamp": .string(now.description), "lastTimestamp": .string(now.description),
      "reportingComponent": JSON(note.source),
    ]
    // An event that cannot be written must not keep anything else from being done.
    guard (try? store.create(.events, event)) != nil else { return }
    if known.count >= Self.limit { known = [:] }
    known[note] = (name, now.unixSeconds)
  }
}
