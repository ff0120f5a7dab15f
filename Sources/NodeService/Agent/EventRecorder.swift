import KubeClient
import Kubernetes
import Linux
import NetTypes

/// Writes Events, as far as the API can be reached: they are notes, nothing waits for them.
///
/// A note that repeats within the last hundreds raises the count of its Event.
@Loop final class EventRecorder {
  private struct Key: Hashable {
    var uid: String
    var event: PodEvent
  }
  private struct Known {
    var name: ResourceName
    var count: Int
  }
  private enum Item {
    case create(Key, JSON)
    case merge(ResourceName, JSON)
  }
  private static let limit = 512

  private let api: any ClusterAPI
  private let nodeName: String
  private var known: [Key: Known] = [:]
  private var queue: [Item] = []
  private var isSending = false
  private var serial: UInt32 = 0

  init(api: any ClusterAPI, nodeName: String) {
    self.api = api
    self.nodeName = nodeName
  }

  func record(_ object: ObjectReference, _ event: PodEvent) {
    let now = Timestamp.now
    let key = Key(uid: object.uid, event: event)
    if var entry = known[key] {
      entry.count += 1
      known[key] = entry
      enqueue(
        .merge(
          entry.name, ["count": JSON(entry.count), "lastTimestamp": .string(now.description)]))
      return
    }
    serial &+= 1
    let stamp = String(
      UInt64(bitPattern: now.unixSeconds) << 32
        | UInt64(UInt32(bitPattern: now.microseconds) &+ serial),
      radix: 16)
    let namespace = object.namespace.isEmpty ? "default" : object.namespace
    let name = ResourceName(namespace: namespace, name: "\(object.name).\(stamp)")
    if known.count >= Self.limit { known.removeAll() }
    known[key] = Known(name: name, count: 1)
    var reference = object.json
    if let path = event.fieldPath { reference["fieldPath"] = .string(path) }
    enqueue(
      .create(
        key,
        [
          "apiVersion": "v1", "kind": "Event",
          "metadata": ["name": .string(name.name), "namespace": .string(namespace)],
          "involvedObject": reference, "type": event.isWarning ? "Warning" : "Normal",
          "reason": .string(event.reason), "message": .string(String(event.message.prefix(1024))),
          "source": ["component": "kubelet", "host": .string(nodeName)],
          "reportingComponent": "kubelet", "reportingInstance": .string(nodeName),
          "firstTimestamp": .string(now.description), "lastTimestamp": .string(now.description),
          "count": 1,
        ]))
  }

  private func enqueue(_ item: Item) {
    // With the API gone for long, the oldest notes go.
    if queue.count >= Self.limit { queue.removeFirst() }
    queue.append(item)
    guard !isSending else { return }
    isSending = true
    Task { @Loop in await send() }
  }

  private func send() async {
    defer { isSending = false }
    while let item = queue.first {
      do {
        switch item {
        case .create(_, let object): _ = try await api.create(.events, object)
        case .merge(let name, let patch):
          _ = try await api.merge(.events, name, subresource: nil, patch)
        }
        if !queue.isEmpty { queue.removeFirst() }
      } catch is APIStatus {
        // The server refuses it: it will not take it later either.
        if case .create(let key, _) = item { known[key] = nil }
        if !queue.isEmpty { queue.removeFirst() }
      } catch {
        try? await Loop.sleep(.seconds(1))
      }
    }
  }
}
