/// One suspended task that an event on the loop resumes; cancelling the task resumes it with an error.
@Loop package final class Waiter {
  private enum State {
    case idle
    case waiting(CheckedContinuation<Void, any Error>)
    case done((any Error)?)
  }
  private var state = State.idle

  package init() {}

  /// Resumes the waiting task, or lets the next `wait` return at once. Later calls do nothing.
  package func resume(throwing error: (any Error)? = nil) {
    switch state {
    case .idle:
      state = .done(error)
    case .waiting(let continuation):
      state = .done(error)
      if let error { continuation.resume(throwing: error) } else { continuation.resume() }
    case .done:
      break
    }
  }

  /// Suspends until `resume`. One task may wait at a time.
  package func wait() async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation {
        (continuation: CheckedContinuation<Void, any Error>) in
        switch state {
        case .done(let error?): continuation.resume(throwing: error)
        case .done(nil): continuation.resume()
        case .idle where Task.isCancelled: continuation.resume(throwing: CancellationError())
        case .idle: state = .waiting(continuation)
        case .waiting: preconditionFailure("two tasks wait on one waiter")
        }
      }
    } onCancel: {
      Task { @Loop in self.resume(throwing: CancellationError()) }
    }
  }
}
