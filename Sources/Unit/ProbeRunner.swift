import HTTP
import Intent
import Linux
import NetTypes
import Transport

/// Sends one probe from where a packet of that kind would come from: the edge towards nodes and
/// pods, the client towards virtual servers.
@Loop struct ProbeRunner {
  struct Outcome {
    var detail = ""
    var failure: String?
  }

  static let echoes = 3
  static let timeout = Duration.seconds(2)

  let plan: UnitPlan

  func run(_ probe: VerificationPlan.Probe) async -> Outcome {
    do {
      switch probe {
      case .ping(let address): return try await ping(address)
      case .connect(let address): return try await connect(to: address)
      case .request(let address, let host, let path):
        return try await request(address, host: host, path: path)
      case .route(let prefix, _, let node): return try route(to: prefix, of: node)
      }
    } catch {
      return Outcome(failure: "\(error)")
    }
  }

  func ping(_ address: IPAddress) async throws -> Outcome {
    let times = try await ICMPEcho.ping(
      address, count: Self.echoes, timeout: Self.timeout, inNamespace: plan.edge.namespace)
    guard times.count == Self.echoes, let least = times.min(), let most = times.max() else {
      return Outcome(failure: "\(times.count) of \(Self.echoes) echoes came back")
    }
    let average = times.reduce(.zero, +) / times.count
    return Outcome(
      detail:
        "min/avg/max \(milliseconds(least))/\(milliseconds(average))/\(milliseconds(most)) ms")
  }

  private func connect(to address: SocketAddress) async throws -> Outcome {
    let isVIP = plan.configuration.vipCIDR.contains(address.address)
    let started = Loop.now
    let namespace = isVIP ? plan.client.namespace : plan.edge.namespace
    let stream = try await connectStream(
      to: .address(address), timeout: Self.timeout, socket: socketFactory(in: namespace))
    stream.close()
    return Outcome(detail: "\(milliseconds(started.duration(to: Loop.now))) ms")
  }

  private func request(_ address: SocketAddress, host: String, path: String) async throws -> Outcome
  {
    let started = Loop.now
    let client = HTTPClient(socket: socketFactory(in: plan.client.namespace))
    guard let url = HTTPURL("http://\(address)\(path)") else {
      return Outcome(failure: "\(path) is no path of a URL")
    }
    var head = HTTPRequestHead(method: "GET", target: path)
    head.headers.add("Host", host)
    let response = try await client.send(
      head, to: HTTPClient.Origin(url), timeout: Self.timeout)
    let status = response.status
    _ = try await response.body.collect(limit: 16 << 20)
    client.closeIdle()
    let time = milliseconds(started.duration(to: Loop.now))
    if status < 500 { return Outcome(detail: "\(status) in \(time) ms") }
    return Outcome(failure: "the edge answered \(status)")
  }

  /// The kernels' routes to a node's block as they are now, from the edge on: each leads on towards
  /// the node.
  private func route(to prefix: IPPrefix, of node: IPAddress) throws -> Outcome {
    var steps: [String] = []
    for (router, nextHop) in plan.path(to: node) {
      let routes = try NetworkNamespace.open(named: router.namespace).with {
        try Netlink().routes()
      }
      guard let route = routes.first(where: { $0.destination == prefix }) else {
        return Outcome(failure: "the kernel of \(router.name) has no route to \(prefix)")
      }
      guard route.nextHops.contains(nextHop) else {
        let found = route.nextHops.map(\.description).joined(separator: ", ")
        return Outcome(
          failure: "\(router.name): next hop is \(found.isEmpty ? "none" : found), "
            + "expected \(nextHop)")
      }
      steps.append("\(router.name) → \(nextHop), proto \(route.routingProtocol)")
    }
    return Outcome(detail: steps.joined(separator: "; "))
  }

  private func milliseconds(_ duration: Duration) -> String {
    let microseconds = duration.inNanoseconds / 1000
    let fraction = microseconds % 1000 / 10
    return "\(microseconds / 1000).\(fraction < 10 ? "0" : "")\(fraction)"
  }
}
