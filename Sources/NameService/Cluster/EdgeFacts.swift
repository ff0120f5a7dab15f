import Kubernetes
import NetTypes

/// What a unit's edge says on its control socket of the routes to its virtual servers.
struct EdgeFacts: Equatable, Sendable {
  /// Own prefixes that other networks are told.
  private(set) var announced: [IPPrefix] = []
  /// Open connections by virtual server's address.
  private(set) var connections: [IPAddress: Int] = [:]
  private(set) var isDraining = false

  /// An edge that does not answer announces nothing that anyone could count on.
  static let none = EdgeFacts()

  private init() {}

  /// - Parameter status: of `GET /status`.
  init(status: JSON) {
    let bgp = status["bgp"]
    isDraining = !status["drain"].isNull
    let own = bgp["as"].int
    let leadsOut = bgp["sessions"].elements.contains { session in
      session["state"].string == "Established" && session["as"].int != own
    }
    if leadsOut {
      announced = bgp["routes"].elements.compactMap { route in
        route["reason"].string == "own prefix" ? route["prefix"].string.flatMap(IPPrefix.init) : nil
      }
    }
    for server in status["virtualServers"].elements {
      guard let address = server["address"].string.flatMap(IPAddress.init) else { continue }
      connections[address, default: 0] += server["activeConnections"].int ?? 0
    }
  }

  func isAnnounced(_ address: IPAddress) -> Bool { announced.contains { $0.contains(address) } }
}
