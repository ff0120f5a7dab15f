import Kubernetes
import Linux
import NetTypes

/// Brings pod status to the API: at once, one request per pod at a time, always the newest.
@Loop final class StatusWriter {
  private struct Pending {
    var name: ResourceName
    var status: JSON
  }
  private let api: any ClusterAPI
  private var newest: [String: Pending] = [:]
  private var writing: Set<String> = []
  private var forgotten: Set<String> = []
  /// What the API was last told of each pod.
  private var written: [String: Pending] = [:]
  /// The object is not there any more: its uid.
  var onMissing: (@Loop (String) -> Void)?

  init(api: any ClusterAPI) { self.api = api }

  func write(uid: String, _ name: ResourceName, status: JSON) {
    written[uid] = Pending(name: name, status: status)
    newest[uid] = Pending(name: name, status: status)
    guard writing.insert(uid).inserted else { return }
    Task { @Loop in await drain(uid) }
  }

  /// Tells the API again where it holds a pod for less ready than this node does: while the node was
  /// out of reach its pods were marked as not ready.
  func correct(uid: String, observed: JSON) {
    guard !writing.contains(uid), let last = written[uid],
      Self.readiness(last.status) != Self.readiness(observed)
    else { return }
    write(uid: uid, last.name, status: last.status)
  }

  private static func readiness(_ status: JSON) -> String? {
    status["conditions"].elements.first { $0["type"].string == "Ready" }?["status"].string
  }

  /// The pod is gone: nothing more is written of it.
  func forget(uid: String) {
    newest[uid] = nil
    written[uid] = nil
    if writing.contains(uid) { forgotten.insert(uid) }
  }

  private func drain(_ uid: String) async {
    defer {
      writing.remove(uid)
      forgotten.remove(uid)
    }
    var delay = Duration.milliseconds(100)
    while let pending = newest.removeValue(forKey: uid) {
      do {
        // The uid guards against a new pod of the same name.
        _ = try await api.merge(
          .pods, pending.name, subresource: "status",
          ["metadata": ["uid": .string(uid)], "status": pending.status])
        delay = .milliseconds(100)
      } catch let status as APIStatus where status.isNotFound {
        onMissing?(uid)
      } catch {
        if forgotten.contains(uid) { return }
        if newest[uid] == nil { newest[uid] = pending }
        try? await Loop.sleep(delay)
        delay = min(delay * 2, .seconds(5))
      }
    }
  }
}
