import KubeClient
import Kubernetes
import Linux
import Logging

/// Writes statuses one after another, and what failed again later.
@Loop final class StatusWriter {
  private let client: KubeClient
  private let log = Logger(label: "edge")
  private var wanted: [StatusPatch] = []
  private var written: Set<StatusPatch> = []
  private var isWriting = false
  /// Called when writes have failed, some time later, for a fresh look.
  private let retry: @Loop () -> Void

  init(_ client: KubeClient, retry: @escaping @Loop () -> Void) {
    self.client = client
    self.retry = retry
  }

  /// Replaces what is to be written. What was written and not yet seen back is not repeated.
  func write(_ patches: [StatusPatch]) {
    written.formIntersection(patches)
    wanted = patches.filter { !written.contains($0) }
    guard !isWriting, !wanted.isEmpty else { return }
    isWriting = true
    Task { @Loop in
      await writeAll()
      isWriting = false
    }
  }

  private func writeAll() async {
    var failed = false
    while !wanted.isEmpty {
      let item = wanted.removeFirst()
      do {
        _ = try await client.patch(
          item.resource, item.name, subresource: "status", .merge, item.patch)
        written.insert(item)
      } catch let error as APIStatus where error.isNotFound {
        // Deleted meanwhile.
      } catch {
        failed = true
        log.warning(
          "status is not written",
          metadata: [
            "object": "\(item.resource) \(item.name)", "reason": "\(error)",
          ])
      }
    }
    if failed { Loop.after(.seconds(1), retry) }
  }
}
