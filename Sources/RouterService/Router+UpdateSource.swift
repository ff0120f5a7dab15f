import BGP
import Linux
import Logging
import NetTypes

// `neighbor X update-source IFNAME`: the session's local address is the interface's first of the
// neighbour's family. It is looked up when a configuration is put in force, and followed when it
// changes: a session from an address that is gone has to begin anew. While there is none, the
// neighbour is not connected to.

extension Router {
  /// The configuration with the addresses of the interfaces it names.
  func withSources(_ configuration: RouterConfiguration) -> RouterConfiguration {
    let names = Set(configuration.resolvedNeighbors.values.compactMap(\.sourceInterface))
    sources = names.isEmpty ? [:] : sourceAddresses(names)
    if names.isEmpty { return configuration }
    var configuration = configuration
    for index in configuration.neighbors.indices {
      let neighbor = configuration.neighbors[index]
      guard let name = configuration.resolved(neighbor)?.sourceInterface else { continue }
      configuration.neighbors[index].settings.sourceAddress = sources[name]?.first {
        $0.isIPv4 == neighbor.address.isIPv4
      }
    }
    return configuration
  }

  /// Takes the addresses of now, if they are others.
  func updateSources() {
    guard !sources.isEmpty else { return }
    if sourceAddresses(Set(sources.keys)) != sources { reconfigure() }
  }

  /// Of each interface, without those of the link alone. One that is not there has none.
  private func sourceAddresses(_ names: Set<String>) -> [String: [IPAddress]] {
    var result: [String: [IPAddress]] = [:]
    for name in names { result[name] = [] }
    attempt("look up update-source") {
      try inNamespace {
        let netlink = try Netlink()
        for name in names {
          result[name] = try netlink.addresses(of: name).map(\.address)
            .filter { address in
              if case .v6(let address) = address { !address.isLinkLocal } else { true }
            }
        }
      }
    }
    return result
  }
}
