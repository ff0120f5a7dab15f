import Delivery
import Glibc
import HTTP

/// What refuses a request.
extension Worker {
  enum Check {
    case passed
    case refused(Int, OwnResponse)
    /// A password is being checked.
    case waits
  }

  /// 403 for who may not come, 429 beyond a rate, 401 without a user, 413 for too large a body.
  func check(
    _ rule: CompiledRule, _ index: UInt32, _ bytes: UnsafeRawBufferPointer
  ) -> Check {
    let client = at(index)
    let (address, isIPv6) = (client.pointee.address, client.pointee.has(.ipv6))
    if rule.deny.contains(address, isIPv6: isIPv6)
      || (!rule.allow.isEmpty && !rule.allow.contains(address, isIPv6: isIPv6))
    {
      return .refused(403, .denied)
    }
    if let limiter = rule.limiter, let key = rateKey(limiter, index, bytes) {
      let wait = rules.isRatePaid() ? 0 : limiter.take(key, at: Worker.nanoseconds)
      if wait > 0 {
        return .refused(429, .overRate(seconds: (wait + 999_999_999) / 1_000_000_000))
      }
    }
    if let authentication = rule.rule.checks.authentication {
      switch identify(authentication, rule.usersKey, index, bytes) {
      case .known: break
      case .unchecked: return .waits
      case .tooMany: return .refused(503, .tooManyPasswords)
      case .unknown:
        rules.response.add("WWW-Authenticate") { writer in
          writer.append("Basic realm=\"")
          writer.append(text: authentication.realm)
          writer.append("\", charset=\"UTF-8\"")
        }
        return .refused(401, .unauthenticated)
      }
    }
    if let limit = rule.rule.checks.bodyLimit {
      rules.bodyLimit = min(rules.bodyLimit, limit)
      if case .length(let length) = requestParser.requestFraming, length > limit {
        return .refused(413, .bodyTooLarge(limit: limit))
      }
    }
    return .passed
  }

  private func rateKey(
    _ limiter: RateLimiter, _ index: UInt32, _ bytes: UnsafeRawBufferPointer
  ) -> UInt64? {
    switch limiter.limit.key {
    case .client: return Worker.hash(of: at(index).pointee.address)
    case .route: return 1
    case .header(let name):
      guard let value = requestParser.value(ofField: name, in: bytes) else { return nil }
      // Keyed by the process, so that nobody can choose keys that meet.
      var hasher = Hasher()
      hasher.combine(bytes: value)
      return UInt64(bitPattern: Int64(hasher.finalize()))
    }
  }

  static var nanoseconds: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  // MARK: Basic authentication

  private enum Identity { case known, unknown, unchecked, tooMany }

  private func identify(
    _ settings: BasicAuthentication, _ users: Int, _ index: UInt32,
    _ bytes: UnsafeRawBufferPointer
  ) -> Identity {
    guard let value = requestParser.value(ofField: "Authorization", in: bytes),
      value.count > 6, value.count < 1024,
      equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: value[..<6]), "basic ")
    else { return .unknown }
    let key = CredentialCache.Key(users, value)
    if let verdict = credentials.verdict(key, at: now) { return verdict ? .known : .unknown }
    let job = PasswordVerifier.Job(
      worker: self, client: index, generation: at(index).pointee.generation,
      address: Worker.hash(of: at(index).pointee.address), key: key, settings: settings,
      encoded: Array(value[6...]))
    return state.passwords.submit(job) ? .unchecked : .tooMany
  }

  /// Leaves the head where it lies until its password is checked, and reads no further.
  func park(_ index: UInt32, _ server: WorkerServer) {
    let client = at(index)
    client.pointee.set(.parked)
    client.pointee.set(.messageDone)
    client.pointee.phase = .head
    // Taken from rates once, however often the head is read.
    client.pointee.attempts = UInt8(clamping: rules.ratesTaken)
    setDeadline(index, server.headerTimeout)
  }

  func verified(
    _ index: UInt32, _ generation: UInt32, _ key: CredentialCache.Key, _ verdict: Bool
  ) {
    credentials.note(key, verdict, at: now)
    let client = at(index)
    guard client.pointee.generation == generation, client.pointee.has(.parked) else { return }
    client.pointee.clear(.parked)
    client.pointee.set(.resumed)
    client.pointee.set(.inputFresh)
    enqueue(index)
  }
}

/// Verdicts on credentials for half a minute, so that a password's slow hash is not for each request.
struct CredentialCache {
  struct Key: Equatable, Sendable {
    fileprivate let words: (Int, Int)

    /// Two hashes keyed by the process: nobody outside can make two credentials meet.
    init(_ users: Int, _ value: UnsafeRawBufferPointer) {
      var first = Hasher()
      first.combine(users)
      first.combine(bytes: value)
      var second = Hasher()
      second.combine(0)
      second.combine(users)
      second.combine(bytes: value)
      words = (first.finalize(), second.finalize())
    }

    static func == (a: Key, b: Key) -> Bool { a.words == b.words }
  }

  private struct Entry {
    var key: Key
    var verdict: Bool
    var expires: Int64
  }

  private static let size = 1024
  private static let lifetime: Int64 = 30_000
  private var entries = [Entry?](repeating: nil, count: CredentialCache.size)

  func verdict(_ key: Key, at now: Int64) -> Bool? {
    guard let entry = entries[key.words.0 & (CredentialCache.size - 1)], entry.key == key,
      entry.expires > now
    else { return nil }
    return entry.verdict
  }

  mutating func note(_ key: Key, _ verdict: Bool, at now: Int64) {
    entries[key.words.0 & (CredentialCache.size - 1)] = Entry(
      key: key, verdict: verdict, expires: now + CredentialCache.lifetime)
  }
}
