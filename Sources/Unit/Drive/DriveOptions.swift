import NetTypes

/// How a client site's users behave.
package struct DriveOptions: Equatable, Sendable {
  package enum CachePolicy: String, Sendable, CaseIterable {
    /// As a browser: an answer is good for as long as it says.
    case ttl
    /// As a client that looks a name up once.
    case forever
  }

  package var name: String
  package var path = "/"
  package var port: UInt16 = 80
  /// Requests a second, sent whether or not earlier ones have been answered.
  package var rate = 100
  package var duration = Duration.seconds(20)
  /// Users, each with a cache of answers of its own.
  package var users = 50
  package var retryOnce = false
  package var cache = CachePolicy.ttl
  /// For one attempt, from the connection's beginning to the end of the answer.
  package var timeout = Duration.seconds(1)
  /// What takes longer is told as slow.
  package var slow = Duration.milliseconds(500)

  package init(name: String) { self.name = name }

  /// When the n-th request is sent.
  package func start(of request: Int) -> Duration {
    .nanoseconds(Int64(request) * 1_000_000_000 / Int64(max(1, rate)))
  }

  package var requests: Int {
    Int((Double(duration.inNanoseconds) / 1e9 * Double(rate)).rounded(.down))
  }
}

/// A user's cache of one name's addresses.
package struct AnswerCache: Equatable, Sendable {
  private(set) var addresses: [IPAddress] = []
  private var expiry: Instant?

  package init() {}

  /// What is still good; nil: the name is to be looked up.
  package func addresses(at now: Instant) -> [IPAddress]? {
    guard let expiry, !addresses.isEmpty, now < expiry else { return nil }
    return addresses
  }

  /// - Parameter ttl: Of the answer; 0 is good for the one request that asked.
  package mutating func store(
    _ addresses: [IPAddress], ttl: Duration, policy: DriveOptions.CachePolicy, at now: Instant
  ) {
    self.addresses = addresses
    switch policy {
    case .ttl: expiry = now.advanced(by: ttl)
    case .forever: expiry = Instant(nanoseconds: .max)
    }
  }
}
