import Kubernetes
import Linux
import Logging

/// Tells users what happened to their objects, as Events; the same thing again counts one up.
///
/// Events are a courtesy: one that cannot be written is logged and dropped.
@Loop package final class EventRecorder {
  private struct Key: Hashable {
    var object: ObjectReference
    var reason: String
    var message: String
  }
  private struct Known {
    var name: ResourceName
    var count: Int
  }
  private let client: KubeClient
  private let component: String
  private let host: String
  private var known: [Key: Known] = [:]
  private var last: Task<Void, Never>?
  private let log = Logger(label: "events")
  private static let knownLimit = 1024

  package init(_ client: KubeClient, component: String, host: String) {
    self.client = client
    self.component = component
    self.host = host
  }

  /// - Parameter type: `Normal` or `Warning`.
  package func record(
    _ object: ObjectReference, type: String = "Normal", reason: String, message: String
  ) {
    let previous = last
    last = Task { @Loop in
      await previous?.value
      do {
        try await write(
          Key(object: object, reason: reason, message: String(message.prefix(1024))), type)
      } catch {
        log.debug("event is lost", metadata: ["reason": "\(reason)", "error": "\(error)"])
      }
    }
  }

  private func write(_ key: Key, _ type: String) async throws {
    let now = Timestamp.now
    if let known = known[key] {
      let patch: JSON = [
        "count": JSON(known.count + 1), "lastTimestamp": .string(now.description),
      ]
      do {
        _ = try await client.patch(.events, known.name, .merge, patch)
        self.known[key]?.count += 1
        return
      } catch let error as APIStatus where error.isNotFound {
        self.known[key] = nil
      }
    }
    // Events of objects without a namespace live in the default one.
    let namespace = key.object.namespace.isEmpty ? "default" : key.object.namespace
    let suffix = String(UInt64.random(in: 0 ... .max), radix: 16)
    let name = ResourceName(namespace: namespace, name: "\(key.object.name).\(suffix)")
    _ = try await client.create(
      .events,
      [
        "apiVersion": "v1", "kind": "Event",
        "metadata": ["name": .string(name.name), "namespace": .string(namespace)],
        "involvedObject": key.object.json, "type": .string(type), "reason": .string(key.reason),
        "message": .string(key.message), "count": 1,
        "firstTimestamp": .string(now.description), "lastTimestamp": .string(now.description),
        "source": ["component": .string(component), "host": .string(host)],
        "reportingComponent": .string(component), "reportingInstance": .string(host),
      ])
    if known.count >= Self.knownLimit { known.removeAll() }
    known[key] = Known(name: name, count: 1)
  }
}
