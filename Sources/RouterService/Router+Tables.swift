import BGP
import Linux
import NetTypes

/// The table a few prefixes at a time.
extension Router {
  /// What is told of sessions, without a route.
  package var sessionStatus: RouterStatus {
    RouterStatus(
      localAS: configuration.localAS, routerID: speaker?.configuration.routerID, now: Loop.now,
      isRunning: speaker != nil, sessions: speaker?.sessions ?? [], routes: [], bfd: bfd.sessions,
      sizes: Dictionary(
        uniqueKeysWithValues: AddressFamily.allCases.map { family in
          let size = speaker?.size(family) ?? (prefixes: 0, paths: 0)
          return (family, RouterStatus.Size(prefixes: size.prefixes, paths: size.paths))
        }))
  }

  /// Each prefix's paths, best first.
  func entries(of prefixes: [IPPrefix]) -> [RouterStatus.RouteEntry] {
    (speaker?.routes(of: prefixes) ?? []).map(entry)
  }

  func entry(_ route: RouteStatus) -> RouterStatus.RouteEntry {
    RouterStatus.RouteEntry(
      path: route, kernel: route.isBest ? kernel?.state(of: route.prefix) : nil,
      nextHopProblem: route.attributes.nextHop.flatMap(nextHopProblem))
  }

  /// The longest prefix with a path that holds an address.
  func longestPrefix(holding address: IPAddress) -> IPPrefix? {
    for length in stride(from: address.bitWidth, through: 0, by: -1) {
      let prefix = IPPrefix(address, length: length)
      if let paths = speaker?.routes(of: [prefix]), !paths.isEmpty { return prefix }
    }
    return nil
  }

  /// What one neighbour was told of some prefixes.
  func announced(
    _ prefixes: [IPPrefix], to neighbor: IPAddress
  ) -> [(prefix: IPPrefix, attributes: PathAttributes)] {
    speaker?.announced(prefixes, to: neighbor) ?? []
  }

  /// What a neighbour announced, before policy; nil where that is not kept.
  package func received(from neighbor: IPAddress) -> [ReceivedRoute]? {
    speaker?.received(from: neighbor)
  }

  func isNeighbor(_ address: IPAddress) -> Bool { speaker?.settings(of: address) != nil }
}
