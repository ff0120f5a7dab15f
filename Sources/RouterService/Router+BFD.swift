import BFD
import BGP
import Linux
import Logging
import NetTypes

// A neighbour's path is watched from the first time its session is established, and from then on
// until the neighbour is taken away or told to go without. Up to down ends the BGP session at once,
// and with it its routes (RFC 5882 §4.1). What is no sign of a broken path ends nothing: a peer's
// operator who takes BFD down (§3.2); a session that has yet to come up; a peer that restarts
// gracefully, whose BFD went with its BGP (§4.3.1: with C clear the two share a fate, and the BGP
// session is down before the detection time is over).

extension Router {
  func observePaths() {
    bfd.onChange = { [weak self] path, change in self?.pathChanged(path, change) }
  }

  /// Begins to watch the path of a neighbour whose session is established.
  func watchPath(to peer: IPAddress) {
    guard let settings = speaker?.settings(of: peer), let bfdSettings = settings.bfd,
      let local = speaker?.localAddress(toward: peer)
    else { return }
    let path = BFDPath(
      remote: peer, local: local, interface: scope(of: peer),
      isMultihop: bfdSettings.isMultihop || isDistant(settings))
    if let old = watchedPaths[peer], old != path { bfd.remove(old) }
    do {
      try bfd.add(path, BFDParameters(bfdSettings))
      watchedPaths[peer] = path
      pathFailures[peer] = nil
    } catch {
      watchedPaths[peer] = nil
      if pathFailures.updateValue("\(error)", forKey: peer) != "\(error)" {
        log.error("neighbor \(peer): BFD: \(error)")
      }
    }
  }

  /// Brings the sessions up to date with the settings in force.
  func updateWatchedPaths() {
    dropUnwantedPaths()
    for session in speaker?.sessions ?? [] where session.state == .established {
      watchPath(to: session.peer)
    }
  }

  /// Now and then: neighbours that listen ranges have made go by themselves, and what could not be
  /// watched, as a port was taken, is tried again.
  func tendWatchedPaths() {
    dropUnwantedPaths()
    for peer in pathFailures.keys { watchPath(to: peer) }
  }

  private func dropUnwantedPaths() {
    for (peer, path) in watchedPaths {
      if let settings = speaker?.settings(of: peer), settings.bfd != nil, !settings.shutdown {
        continue
      }
      bfd.remove(path)
      watchedPaths[peer] = nil
    }
    pathFailures = pathFailures.filter { speaker?.settings(of: $0.key)?.bfd != nil }
  }

  private func pathChanged(_ path: BFDPath, _ change: BFDChange) {
    guard let peer = watchedPaths.first(where: { $0.value == path })?.key else { return }
    tracePath(peer, change)
    let text = "neighbor \(peer) BFD \(change.from) -> \(change.to)"
    guard change.from == .up else {
      if change.to == .up { log.notice("\(text)") } else { log.debug("\(text)") }
      return
    }
    log.notice("\(text): \(change.diagnostic)")
    guard !change.isRemoteAdminDown, speaker?.localAddress(toward: peer) != nil else { return }
    drive(.pathDown(peer, reason: "BFD: \(change.diagnostic)"))
  }

  /// Several hops away, as far as configuration and interfaces tell.
  private func isDistant(_ neighbor: ResolvedNeighbor) -> Bool {
    if neighbor.remoteAS != configuration.localAS { return (neighbor.ebgpMultihop ?? 1) > 1 }
    var isOnLink = true
    do {
      try inNamespace {
        isOnLink = try Netlink().addresses().contains { $0.prefix.contains(neighbor.address) }
      }
    } catch { log.error("neighbor \(neighbor.address): \(error)") }
    return !isOnLink
  }
}

extension BFDParameters {
  init(_ settings: BFDSettings) {
    self.init(
      desiredMinTransmit: settings.transmitInterval, requiredMinReceive: settings.receiveInterval,
      multiplier: settings.multiplier)
  }
}
