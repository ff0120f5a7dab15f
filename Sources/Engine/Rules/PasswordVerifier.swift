import CCrypt
import Delivery
import Glibc
import Linux
import Synchronization
import Wire

/// Checks passwords beside the workers: a slow hash keeps the request waiting that needs it, and no
/// other. What one client, or all, may have waiting is bounded.
final class PasswordVerifier: Sendable {
  struct Job: Sendable {
    let worker: Worker
    let client: UInt32
    let generation: UInt32
    let address: UInt64
    let key: CredentialCache.Key
    let settings: BasicAuthentication
    /// Behind `Basic `.
    let encoded: [UInt8]
  }

  private struct State {
    var jobs: [Job] = []
    var isRunning = false
  }

  static let limit = 256
  static let limitOfClient = 4
  private let state = Mutex(State())

  /// Has the job's worker told of the verdict. False: too much waits already.
  func submit(_ job: Job) -> Bool {
    let (isTaken, starts) = state.withLock { state in
      guard state.jobs.count < Self.limit,
        state.jobs.count(where: { $0.address == job.address }) < Self.limitOfClient
      else { return (false, false) }
      state.jobs.append(job)
      defer { state.isRunning = true }
      return (true, !state.isRunning)
    }
    if starts { Thread.spawn(name: "atoll-passwords") { [self] in run() } }
    return isTaken
  }

  /// Lets go of what waits.
  func stop() {
    state.withLock { state in
      // The first is being worked on.
      if !state.jobs.isEmpty { state.jobs.removeSubrange(1...) }
    }
  }

  /// Until nothing waits.
  private func run() {
    // Several requests of one page come with the same password.
    var known = CredentialCache()
    while let job = next() {
      let now = Worker.nanoseconds / 1_000_000
      let verdict = known.verdict(job.key, at: now) ?? Self.verify(job.settings, job.encoded)
      known.note(job.key, verdict, at: now)
      job.worker.post(.verified(job.client, job.generation, job.key, verdict))
      // Only now, so that it has counted while it was worked on.
      state.withLock { _ = $0.jobs.removeFirst() }
    }
  }

  /// What is worked on next; without one the thread ends.
  private func next() -> Job? {
    state.withLock { state in
      state.isRunning = !state.jobs.isEmpty
      return state.jobs.first
    }
  }

  static func verify(_ settings: BasicAuthentication, _ encoded: [UInt8]) -> Bool {
    var encoded = String(decoding: encoded, as: UTF8.self).filter { $0 != " " }
    // Some clients leave the padding out.
    while encoded.utf8.count % 4 != 0 { encoded.append("=") }
    guard let text = Base64.decode(encoded), let colon = text.firstIndex(of: UInt8(ascii: ":")),
      !text.contains(0)
    else { return false }
    let known = settings.users[String(decoding: text[..<colon], as: UTF8.self)]
    let password = String(decoding: text[(colon + 1)...], as: UTF8.self)
    // A user that is not there takes as long as one that is.
    guard let hash = known ?? settings.users.values.first else { return false }
    let data = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
    defer { data.deallocate() }
    memset(data, 0, MemoryLayout<crypt_data>.size)
    guard let computed = crypt_r(password, hash, data) else { return false }
    let result = Array(UnsafeRawBufferPointer(start: computed, count: strlen(computed)))
    let expected = Array(hash.utf8)
    guard result.count == expected.count, result.first != UInt8(ascii: "*") else { return false }
    // In a time that does not depend on where they differ.
    let isEqual = zip(result, expected).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
    return isEqual && known != nil
  }
}
