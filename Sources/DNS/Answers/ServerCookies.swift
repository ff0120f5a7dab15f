import NetTypes

// The cookie that a server hands out, RFC 9018 §4:
//
// | version 1 | reserved 0 0 0 | time, 4 | hash, 8 |
//
// hash = SipHash-2-4(client's cookie | version | reserved | time | client's address, secret)

/// Server cookies that any server with the same secret takes. RFC 7873, RFC 9018.
package struct ServerCookies: Hashable, Sendable {
  /// 128 bits.
  package struct Secret: Hashable, Sendable {
    var low: UInt64
    var high: UInt64

    /// - Precondition: 16 octets.
    package init(_ octets: [UInt8]) {
      precondition(octets.count == 16, "a secret of \(octets.count) octets")
      low = octets[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
      high = octets[8...].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  package var secret: Secret
  /// Still taken, while cookies made by it may be about. RFC 9018 §5.
  package var previous: Secret?

  package init(secret: Secret, previous: Secret? = nil) {
    self.secret = secret
    self.previous = previous
  }

  /// Makes `secret` the one that counts, and goes on taking the last.
  package mutating func roll(to secret: Secret) {
    previous = self.secret
    self.secret = secret
  }

  /// Octets of a cookie.
  static let length = 16
  private static let version: UInt64 = 1

  /// A new cookie's first half: version, nothing reserved, time; its first octet the lowest.
  @inline(__always)
  static func head(time: UInt32) -> UInt64 { version | UInt64(time.byteSwapped) << 32 }

  /// A cookie's second half, of the first as it came: what is reserved counts too. RFC 9018 §4.4.
  /// - Parameter client: The client's cookie, its first octet the lowest.
  @inline(__always)
  func hash(_ client: UInt64, head: UInt64, _ address: IPAddress, _ secret: Secret) -> UInt64 {
    var hash = SipHash((secret.low, secret.high))
    hash.add(client)
    hash.add(head)
    switch address {
    case .v4(let address): return hash.finish(UInt64(address.rawValue.byteSwapped), length: 20)
    case .v6(let address):
      hash.add(address.high.byteSwapped)
      hash.add(address.low.byteSwapped)
      return hash.finish(0, length: 32)
    }
  }

  /// Whether a cookie of ours is good at `now`: not older than an hour, not more than five minutes
  /// ahead. RFC 9018 §4.3.
  @inline(__always)
  func isGood(
    head: UInt64, hash: UInt64, client: UInt64, _ address: IPAddress, now: UInt32
  ) -> Bool {
    let time = UInt32(truncatingIfNeeded: head >> 32).byteSwapped
    let age = Int32(bitPattern: now &- time)
    guard head & 0xff == Self.version, age <= 3600, age >= -300 else { return false }
    if self.hash(client, head: head, address, secret) == hash { return true }
    guard let previous else { return false }
    return self.hash(client, head: head, address, previous) == hash
  }
}
