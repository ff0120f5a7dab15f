/// F5 DNS's model: data centres hold servers, servers hold virtual servers, pools list them, and
/// wide IPs choose among pools.
package struct GSLBConfiguration: Equatable, Sendable {
  package var dataCentres: [DataCentre] = []
  package var servers: [Server] = []
  package var pools: [Pool] = []
  package var wideIPs: [WideIP] = []
  package var regions: [TopologyRegion] = []
  package var topology: [TopologyRecord] = []
  package var health = HealthPolicy()

  package init() {}

  package subscript(name: VirtualServerName) -> VirtualServer? {
    servers.first { $0.name == name.server }?.virtualServers.first { $0.name == name.name }
  }
}

/// How voters agree on what is up.
package struct HealthPolicy: Equatable, Sendable {
  /// What a name service answers that hears half of the voters or fewer, itself among them.
  package enum Isolation: String, Sendable, CaseIterable {
    /// SERVFAIL, so that resolvers ask another: it can neither keep nor steal a name.
    case refuse
    /// What its own probes see.
    case own
  }

  /// All name services whose probes count, this one included; empty: this one alone.
  package var voters: [String] = []
  /// Between views to each other, besides those that a change sends at once.
  package var viewInterval = Duration.milliseconds(200)
  /// How long a voter's view counts after we sent what it answers to. Less than a second, so that
  /// nothing of it is left after one.
  package var lease = Duration.milliseconds(900)
  /// Nil: `own` with two voters, of which neither could outvote the other; else `refuse`.
  package var isolation: Isolation?
  /// The first wait of a member that returns; doubled with each fall, forgotten after `holdMemory`.
  package var holdDown = Duration.seconds(1)
  package var longestHoldDown = Duration.seconds(60)
  package var holdMemory = Duration.seconds(300)

  package init() {}

  package var effectiveIsolation: Isolation { isolation ?? (voters.count == 2 ? .own : .refuse) }
}
