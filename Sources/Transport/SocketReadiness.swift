import Glibc
import Linux

/// A non-blocking descriptor under the loop's watch, and the tasks that wait for it.
@Loop final class SocketReadiness {
  private enum Phase {
    case open
    case failed(any Error)
  }
  let descriptor: Int32
  private var phase = Phase.open
  private var registration: Registration?
  private var readers: [Waiter] = []
  private var writers: [Waiter] = []
  private(set) var isPeerClosed = false
  var onPeerClosed: (@Loop () -> Void)? {
    didSet { if isPeerClosed { announcePeerClosed() } }
  }

  /// Takes the descriptor over.
  init(_ descriptor: consuming Descriptor) throws(SystemError) {
    self.descriptor = descriptor.rawValue
    registration = try Loop.watch(self.descriptor) { [weak self] ready in self?.handle(ready) }
    _ = descriptor.release()
  }

  // The loop's own reference is weak, so an abandoned stream ends here.
  isolated deinit { close(throwing: TransportError.closed) }

  private func handle(_ ready: Readiness) {
    let broken = !ready.isDisjoint(with: [.error, .hangUp])
    if broken || !ready.isDisjoint(with: [.readable, .peerClosed]) {
      resume(&readers)
    }
    if broken || ready.contains(.writable) {
      resume(&writers)
    }
    if broken || ready.contains(.peerClosed), !isPeerClosed {
      isPeerClosed = true
      announcePeerClosed()
    }
  }

  private func announcePeerClosed() {
    guard let callback = onPeerClosed else { return }
    onPeerClosed = nil
    callback()
  }

  private func resume(_ waiters: inout [Waiter], throwing error: (any Error)? = nil) {
    let all = waiters
    waiters = []
    for waiter in all { waiter.resume(throwing: error) }
  }

  /// Throws what ended this socket, if it has ended.
  func check() throws {
    if case .failed(let error) = phase { throw error }
  }

  /// To be called after EAGAIN: suspends until the next readiness.
  func waitReadable() async throws {
    try check()
    let waiter = Waiter()
    readers.append(waiter)
    try await waiter.wait()
    try check()
  }

  func waitWritable() async throws {
    try check()
    let waiter = Waiter()
    writers.append(waiter)
    try await waiter.wait()
    try check()
  }

  func close(throwing error: any Error) {
    guard case .open = phase else { return }
    phase = .failed(error)
    registration?.cancel()
    registration = nil
    onPeerClosed = nil
    isPeerClosed = true
    _ = Glibc.close(descriptor)
    resume(&readers, throwing: error)
    resume(&writers, throwing: error)
  }
}
