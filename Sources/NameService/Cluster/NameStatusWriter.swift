import DNS
import GSLB
import Intent
import KubeClient
import Kubernetes
import Linux
import Logging
import NetTypes

/// Writes on objects what is answered for them, and tells by Events why that changes.
@Loop final class NameStatusWriter {
  private let client: KubeClient
  private let events: EventRecorder
  private var wanted: [String: JSON] = [:]
  private var written: [String: JSON] = [:]
  private var isWriting = false
  private let log = Logger(label: "dns")

  init(_ client: KubeClient, host: String) {
    self.client = client
    events = EventRecorder(client, component: "atoll-dns", host: host)
  }

  /// Makes the Ingresses that Gslbs bring with them.
  func create(_ ingresses: [Ingress]) {
    for ingress in ingresses {
      Task { @Loop in
        do {
          _ = try await client.request(
            "POST", try KubeClient.path(.ingresses, namespace: ingress.namespace),
            body: ingress.json)
        } catch let status as APIStatus where status.code == 409 {
          // Made meanwhile.
        } catch {
          log.warning(
            "Ingress is not made",
            metadata: ["object": "\(ingress.resourceName)", "reason": "\(error)"])
        }
      }
    }
  }

  func tell(_ object: KubernetesObject, type: String, reason: String, _ message: String) {
    events.record(object.reference, type: type, reason: reason, message: message)
  }

  /// - Parameter patches: The statuses by the objects' paths; what is written already is left alone.
  func write(_ patches: [String: JSON]) {
    wanted = patches.filter { written[$0.key] != $0.value }
    written = written.filter { patches[$0.key] != nil }
    guard !isWriting, !wanted.isEmpty else { return }
    isWriting = true
    Task { @Loop in
      while let (path, status) = wanted.first {
        wanted[path] = nil
        do {
          _ = try await client.request(
            "PATCH", path + "/status", body: ["status": status],
            contentType: "application/merge-patch+json")
          written[path] = status
        } catch let error as APIStatus where error.isNotFound {
          // Deleted meanwhile, or of a kind without a status.
          written[path] = status
        } catch {
          log.warning(
            "status is not written", metadata: ["object": "\(path)", "reason": "\(error)"])
          // Unless there is another meanwhile.
          if wanted[path] == nil { wanted[path] = status }
          try? await Loop.sleep(.seconds(1))
        }
      }
      isWriting = false
    }
  }
}
