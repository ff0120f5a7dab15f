import Delivery
import NetTypes

/// A place whose servers stand and fall together.
package struct DataCentre: Equatable, Sendable {
  package var name: String
  package var isEnabled = true

  package init(name: String) { self.name = name }
}

/// What has virtual servers in one data centre: a unit, a load balancer, a host.
package struct Server: Equatable, Sendable {
  package var name: String
  package var dataCentre: String
  /// The voter inside the same unit, whose word about routes and endpoints counts; nil: nobody's.
  package var voter: String?
  package var isEnabled = true
  /// Of virtual servers that have none of their own.
  package var monitor: Monitor
  package var virtualServers: [VirtualServer]

  package init(
    name: String, dataCentre: String, voter: String? = nil, monitor: Monitor = .pathProbe,
    virtualServers: [VirtualServer] = []
  ) {
    self.name = name
    self.dataCentre = dataCentre
    self.voter = voter
    self.monitor = monitor
    self.virtualServers = virtualServers
  }
}

/// An address and port that an application is reached by.
package struct VirtualServer: Equatable, Sendable {
  package var name: String
  package var address: IPAddress
  package var port: UInt16
  /// In place of the server's.
  package var monitor: Monitor?
  package var isEnabled = true

  package init(name: String, address: IPAddress, port: UInt16, monitor: Monitor? = nil) {
    self.name = name
    self.address = address
    self.port = port
    self.monitor = monitor
  }
}

/// A virtual server by its server's name and its own, as `west/web`.
package struct VirtualServerName: Hashable, Comparable, Sendable, CustomStringConvertible {
  package var server: String
  package var name: String

  package init(server: String, name: String) {
    self.server = server
    self.name = name
  }

  /// Parses `server/name`.
  package init?(_ text: some StringProtocol) {
    guard let slash = text.firstIndex(of: "/") else { return nil }
    server = String(text[..<slash])
    name = String(text[text.index(after: slash)...])
    if server.isEmpty || name.isEmpty { return nil }
  }

  package var description: String { "\(server)/\(name)" }

  package static func < (a: Self, b: Self) -> Bool { (a.server, a.name) < (b.server, b.name) }
}

extension Monitor {
  /// A connection through the whole path. With a failure probed again at once, what dies just after
  /// a good probe is down after 500 + 2 × 200 ms at the latest.
  package static let pathProbe = Monitor(
    kind: .tcp, interval: .milliseconds(500), timeout: .milliseconds(200), rise: 2, fall: 2)
}
