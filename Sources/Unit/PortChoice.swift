import Intent
import Linux
import NetTypes

/// Which host ports a unit's publications get.
@Loop enum PortChoice {
  /// The ports asked for, and free ones for the API server and the edge's 80 and 443. A unit keeps
  /// the ports that it has.
  static func choose(
    for configuration: UnitConfiguration, kept: UnitRecord?
  ) throws -> [PublishedPort] {
    var chosen: [PublishedPort] = []
    for published in configuration.publishes {
      let isOwn = kept?.publishes.contains { $0.hostPort == published.hostPort } ?? false
      guard isOwn || isFree(published.hostPort) else {
        throw UnitError(
          "publish \(published): 127.0.0.1:\(published.hostPort) is taken; choose another host port"
        )
      }
      guard !chosen.contains(where: { $0.hostPort == published.hostPort }) else {
        throw UnitError("publish \(published): host port \(published.hostPort) is named twice")
      }
      chosen.append(published)
    }
    let defaults: [(PublishedPort.Target, port: UInt16, host: UInt16)] = [
      (.server, 6443, 6443), (.edge, 80, 8080), (.edge, 443, 8443),
    ]
    for (target, port, host) in defaults
    where !chosen.contains(where: { $0.target == target && $0.port == port }) {
      let own = kept?.publishes.first { $0.target == target && $0.port == port }
      let hostPort = try own?.hostPort ?? freePort(from: host, avoiding: chosen)
      chosen.append(PublishedPort(hostPort: hostPort, port: port, target: target))
    }
    return chosen
  }

  private static func freePort(from first: UInt16, avoiding: [PublishedPort]) throws -> UInt16 {
    let others = try UnitRegistry.all().flatMap(\.publishes) + avoiding
    for port in first..<(first + 500)
    where !others.contains(where: { $0.hostPort == port }) && isFree(port) {
      return port
    }
    throw UnitError("publish: no free port on 127.0.0.1 from \(first) to \(first + 499)")
  }

  private static func isFree(_ port: UInt16) -> Bool {
    Sockets.canListen(on: SocketAddress(.v4(.loopback), port: port))
  }
}
