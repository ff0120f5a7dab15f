/// How members are probed.
package struct Monitor: Hashable, Sendable {
  package enum Kind: String, Sendable, CaseIterable {
    case none
    case tcp
    /// Ends in a reset before the member's process sees a connection.
    case tcpHalfOpen = "tcp-half-open"
    case http, https
    /// grpc.health.v1, without TLS.
    case grpc
    case udp, dns, icmp
    /// A command of the edge's machine: from files only, never from a cluster's objects.
    case exec
  }

  package enum QueryType: Int, Sendable, CaseIterable {
    case a = 1
    case ns = 2
    case soa = 6
    case txt = 16
    case aaaa = 28
    case srv = 33
  }

  /// Bytes of an answer that are looked at.
  package static let answerLimit = 64 << 10

  package var kind: Kind
  package var interval: Duration
  package var timeout: Duration
  /// Successes in a row until a member that is down is up.
  package var rise: Int
  /// Failures in a row until a member that is up is down.
  package var fall: Int
  /// Where the member is probed, if not where it serves.
  package var port: UInt16?
  /// Of `http` and `https`.
  package var path: String
  package var expectedStatus: ClosedRange<Int>
  /// Host, or :authority; nil: the member's address.
  package var host: String?
  /// Of `https`: the name asked for; nil: `host`.
  package var serverName: String?
  /// Of `https`: the certificate must be one that the machine trusts.
  package var verify = false
  /// Of `tcp` and `udp`: what is sent first.
  package var send = ""
  /// Of `tcp`, `udp`, `http` and `https`: text that the answer must have.
  package var receive = ""
  /// Of `grpc`; empty: the server as a whole.
  package var service = ""
  /// Of `dns`.
  package var queryName = ""
  package var queryType = QueryType.a
  /// Of `exec`: the program and its arguments; the member's address and port follow.
  package var command: [String] = []

  package init(
    kind: Kind, path: String = "/", interval: Duration = .seconds(1),
    timeout: Duration = .seconds(1), rise: Int = 2, fall: Int = 3,
    expectedStatus: ClosedRange<Int> = 200...399
  ) {
    self.kind = kind
    self.path = path
    self.interval = interval
    self.timeout = timeout
    self.rise = rise
    self.fall = fall
    self.expectedStatus = expectedStatus
  }

  package static let none = Monitor(kind: .none)
}

extension Monitor {
  package func validate() -> [(field: String, found: String, expected: String)] {
    guard kind != .none else { return [] }
    var found: [(field: String, found: String, expected: String)] = []
    let shortest: Duration = kind == .exec ? .seconds(1) : .milliseconds(10)
    if interval < shortest {
      found.append(("interval", "\(interval)", kind == .exec ? "1 s or more" : "10 ms or more"))
    }
    if timeout < .milliseconds(1) || timeout > .seconds(3600) {
      found.append(("timeout", "\(timeout)", "1 ms to 1 hour"))
    }
    if !(1...100).contains(rise) { found.append(("rise", "\(rise)", "1 to 100")) }
    if !(1...100).contains(fall) { found.append(("fall", "\(fall)", "1 to 100")) }
    if kind == .http || kind == .https,
      !path.hasPrefix("/") || path.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f })
    {
      found.append(("path", "\"\(path)\"", "a path from /"))
    }
    if let host, host.isEmpty || host.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7f }) {
      found.append(("host", "\"\(host)\"", "a host's name"))
    }
    if kind == .dns {
      let labels = queryName.split(separator: ".", omittingEmptySubsequences: false)
      if queryName.isEmpty || queryName.utf8.count > 253
        || !labels.allSatisfy({ (1...63).contains($0.utf8.count) })
      {
        found.append(("queryName", "\"\(queryName)\"", "a name to ask for"))
      }
    }
    if kind == .exec, command.first?.hasPrefix("/") != true {
      found.append(
        ("command", command.isEmpty ? "nothing" : "\"\(command[0])\"", "a program's path from /"))
    }
    return found
  }
}
