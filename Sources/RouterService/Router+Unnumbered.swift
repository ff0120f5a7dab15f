import BGP
import Glibc
import Linux
import Logging
import NetTypes

// An interface neighbour's address is what the router at the other end of the link advertises
// (NeighborDiscovery); we advertise ourselves there, for the peer to do the same. With the address it
// is a neighbour like any other, whose sockets and routes carry the interface beside it.
//
// Deviations: addresses are told apart by themselves, so two peers must not have the same link-local
// address; a silent router is not forgotten, as the session's own timers tell.

extension Router {
  /// Where the speaker works from: interface neighbours have the addresses that were heard.
  var effectiveConfiguration: RouterConfiguration { configuration.including(heardRouters) }

  /// Listens on the interfaces that neighbours are known by. One that is not there is tried again
  /// with every audit; one that was made anew is listened on anew.
  func updateDiscovery() {
    let wanted = Set(
      configuration.interfaceNeighbors.filter { $0.settings.shutdown != true }.map(\.interface))
    if wanted.isEmpty, discoveries.isEmpty { return }
    var indices: [String: UInt32] = [:]
    var failures: [String: String] = [:]
    var begun: [NeighborDiscovery] = []
    let passwords = effectiveConfiguration.passwords
    var isLost = false
    do {
      try inNamespace {
        for name in wanted { indices[name] = if_nametoindex(name) }
        for (name, discovery) in discoveries where indices[name] != discovery.index {
          discovery.stop()
          discoveries[name] = nil
          if heardRouters.removeValue(forKey: name) != nil { isLost = true }
        }
        for name in wanted.sorted() where discoveries[name] == nil {
          do { begun.append(try NeighborDiscovery(interface: name)) } catch {
            failures[name] = "\(error)"
          }
        }
      }
      for discovery in begun {
        let name = discovery.interface
        try discovery.start { [weak self] address in self?.heard(address, on: name) }
        discoveries[name] = discovery
      }
    } catch { log.error("router discovery: \(error)") }
    for (name, failure) in failures where discoveryFailures[name] != failure {
      log.error("neighbor \(name): \(failure)")
    }
    discoveryFailures = failures
    kernel?.linkLocalInterfaces = linkLocalInterfaces
    if isLost {
      updateListenerPasswords(from: passwords)
      reconfigure()
    }
  }

  func stopDiscovery() {
    for discovery in discoveries.values { discovery.stop() }
    discoveries = [:]
    heardRouters = [:]
  }

  /// The index of the interface that a link-local neighbour is on; 0 for all others.
  func scope(of address: IPAddress) -> UInt32 {
    linkLocalInterfaces[address].flatMap { discoveries[$0]?.index } ?? 0
  }

  private var linkLocalInterfaces: [IPAddress: String] {
    Dictionary(heardRouters.map { (.v6($0.value), $0.key) }) { first, _ in first }
  }

  private func heard(_ address: IPv6Address, on interface: String) {
    let known = heardRouters[interface]
    if known == address { return }
    // Another router on the link takes no place that is taken.
    if let known, speaker?.localAddress(toward: .v6(known)) != nil { return }
    let passwords = effectiveConfiguration.passwords
    heardRouters[interface] = address
    updateListenerPasswords(from: passwords)
    log.notice("neighbor \(interface) is \(address)")
    kernel?.linkLocalInterfaces = linkLocalInterfaces
    reconfigure()
    updateWatchedPaths()
  }
}
