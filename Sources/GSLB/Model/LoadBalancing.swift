/// How a wide IP chooses a pool, and a pool its members: F5 DNS's names and meanings.
package enum LoadBalancing: String, Sendable, CaseIterable {
  /// Each in turn.
  case roundRobin = "round-robin"
  /// In turn, in proportion to the ratios.
  case ratio
  /// The first that is available, in the order of the list.
  case globalAvailability = "global-availability"
  /// The one that the topology records give the most weight for the client's address.
  case topology
  /// The same one for the same client's network, as long as it is available.
  case staticPersistence = "static-persistence"
  /// The one with the fewest connections, as its unit tells.
  case leastConnections = "least-connections"
  /// The one whose probe answers soonest, seen from this name service.
  case roundTripTime = "round-trip-time"
  /// `fallbackIP`, whatever is available.
  case fallbackIP = "fallback-ip"
  /// What the zone says that holds the name.
  case returnToDNS = "return-to-dns"
  /// No answer at all.
  case drop
  /// Nothing: what comes after it is tried.
  case none
}
