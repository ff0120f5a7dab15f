import CCrypt
import Delivery
import Glibc
import HTTP
import Wire

/// What refuses a request.
extension Worker {
  struct Refusal {
    var status: Int
    var reason: OwnResponse
  }

  /// 403 for who may not come, 429 beyond a rate, 401 without a user, 413 for too large a body.
  func check(
    _ rule: CompiledRule, _ index: UInt32, _ bytes: UnsafeRawBufferPointer
  ) -> Refusal? {
    let client = at(index)
    let (address, isIPv6) = (client.pointee.address, client.pointee.has(.ipv6))
    if rule.deny.contains(address, isIPv6: isIPv6)
      || (!rule.allow.isEmpty && !rule.allow.contains(address, isIPv6: isIPv6))
    {
      return Refusal(status: 403, reason: .denied)
    }
    if let limiter = rule.limiter, let key = rateKey(limiter, index, bytes) {
      let wait = limiter.take(key, at: Worker.nanoseconds)
      if wait > 0 {
        return Refusal(
          status: 429, reason: .overRate(seconds: (wait + 999_999_999) / 1_000_000_000))
      }
    }
    if let authentication = rule.rule.checks.authentication,
      !isAuthenticated(authentication, bytes)
    {
      rules.response.add("WWW-Authenticate") { writer in
        writer.append("Basic realm=\"")
        writer.append(text: authentication.realm)
        writer.append("\", charset=\"UTF-8\"")
      }
      return Refusal(status: 401, reason: .unauthenticated)
    }
    if let limit = rule.rule.checks.bodyLimit {
      rules.bodyLimit = min(rules.bodyLimit, limit)
      if case .length(let length) = requestParser.requestFraming, length > limit {
        return Refusal(status: 413, reason: .bodyTooLarge(limit: limit))
      }
    }
    return nil
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

  private func isAuthenticated(
    _ settings: BasicAuthentication, _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    guard let value = requestParser.value(ofField: "Authorization", in: bytes),
      value.count > 6, value.count < 1024,
      equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: value[..<6]), "basic ")
    else { return false }
    let key = CredentialCache.Key(settings.realm, value)
    if let known = credentials.verdict(key, at: now) { return known }
    // Seldom: a String may be made, and the hash itself costs milliseconds.
    let verdict = verify(settings, UnsafeRawBufferPointer(rebasing: value[6...]))
    credentials.note(key, verdict, at: now)
    return verdict
  }

  private func verify(
    _ settings: BasicAuthentication, _ encoded: UnsafeRawBufferPointer
  ) -> Bool {
    var encoded = String(decoding: encoded, as: UTF8.self).filter { $0 != " " }
    // Some clients leave the padding out.
    while encoded.utf8.count % 4 != 0 { encoded.append("=") }
    guard let text = Base64.decode(encoded), let colon = text.firstIndex(of: UInt8(ascii: ":")),
      !text.contains(0)
    else { return false }
    let user = String(decoding: text[..<colon], as: UTF8.self)
    let password = String(decoding: text[(colon + 1)...], as: UTF8.self)
    guard let hash = settings.users[user] else { return false }
    let data = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
    defer { data.deallocate() }
    memset(data, 0, MemoryLayout<crypt_data>.size)
    guard let computed = crypt_r(password, hash, data) else { return false }
    let result = Array(UnsafeRawBufferPointer(start: computed, count: strlen(computed)))
    let expected = Array(hash.utf8)
    guard result.count == expected.count, result.first != UInt8(ascii: "*") else { return false }
    // In a time that does not depend on where they differ.
    return zip(result, expected).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
  }
}

/// Verdicts on credentials for half a minute, so that a password's slow hash is not for each request.
struct CredentialCache {
  struct Key: Equatable {
    fileprivate let words: (Int, Int)

    /// Two hashes keyed by the process: nobody outside can make two credentials meet.
    init(_ realm: String, _ value: UnsafeRawBufferPointer) {
      var first = Hasher()
      first.combine(realm)
      first.combine(bytes: value)
      var second = Hasher()
      second.combine(0)
      second.combine(realm)
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
