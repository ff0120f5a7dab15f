import CLinux
import Glibc

/// A detached POSIX thread.
package enum Thread {
  /// Runs `body` on a new thread. `name` is cut to 15 bytes, as pthread_setname_np(3) asks.
  package nonisolated static func spawn(name: String, _ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Box(name: String(name.prefix(15)), body: body))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let box = Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
        _ = atoll_set_thread_name(box.name)
        box.body()
        return nil
      }, box.toOpaque())
    precondition(code == 0, "pthread_create: \(code)")
    pthread_detach(thread)
  }

  private final class Box: Sendable {
    let name: String
    let body: @Sendable () -> Void
    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }
}
