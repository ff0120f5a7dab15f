import BGP
import NetTypes

extension ZebosConfiguration {
  /// `neighbor ADDRESS|GROUP …`
  static func applyNeighbor(
    _ statement: inout Statement, _ router: inout RouterConfiguration, _ negated: Bool
  ) throws(Mistake) {
    let name = try statement.word("an address or a peer group's name")
    if let address = IPAddress(name) {
      try applyAddress(address, &statement, &router, negated)
    } else {
      try applyGroup(name, &statement, &router, negated)
    }
  }

  private static func applyGroup(
    _ name: String, _ statement: inout Statement, _ router: inout RouterConfiguration,
    _ negated: Bool
  ) throws(Mistake) {
    let index = router.peerGroups.firstIndex { $0.name == name }
    if statement.take("peer-group") {
      if negated {
        router.peerGroups.removeAll { $0.name == name }
        router.neighbors.removeAll { $0.peerGroup == name }
      } else if index == nil {
        router.peerGroups.append(PeerGroup(name: name))
      }
      return
    }
    guard let index else {
      throw statement.mistake("an address, or a peer group made by \"neighbor \(name) peer-group\"")
    }
    try apply(&statement, to: &router.peerGroups[index].settings, negated)
  }

  private static func applyAddress(
    _ address: IPAddress, _ statement: inout Statement, _ router: inout RouterConfiguration,
    _ negated: Bool
  ) throws(Mistake) {
    let index = router.neighbors.firstIndex { $0.address == address }
    if negated, statement.isAtEnd {
      router.neighbors.removeAll { $0.address == address }
      return
    }
    if statement.take("peer-group") {
      let name = try statement.word("a peer group's name")
      guard router.peerGroups.contains(where: { $0.name == name }) else {
        throw statement.mistake("a peer group made by \"neighbor \(name) peer-group\"")
      }
      if negated {
        router.neighbors.removeAll { $0.address == address && $0.settings.remoteAS == nil }
        if let index = router.neighbors.firstIndex(where: { $0.address == address }) {
          router.neighbors[index].peerGroup = nil
        }
      } else if let index {
        router.neighbors[index].peerGroup = name
      } else {
        router.neighbors.append(Neighbor(address: address, peerGroup: name))
      }
      return
    }
    if let index {
      try apply(&statement, to: &router.neighbors[index].settings, negated)
      if negated, router.neighbors[index].peerGroup == nil,
        router.neighbors[index].settings.remoteAS == nil
      {
        router.neighbors.remove(at: index)
      }
      return
    }
    var neighbor = Neighbor(address: address)
    try apply(&statement, to: &neighbor.settings, negated)
    guard neighbor.settings.remoteAS != nil else {
      throw statement.mistake("remote-as or peer-group first, for a new neighbor")
    }
    router.neighbors.append(neighbor)
  }

  private static func apply(
    _ statement: inout Statement, to settings: inout NeighborSettings, _ negated: Bool
  ) throws(Mistake) {
    switch statement.next() {
    case "remote-as":
      let number = negated && statement.isAtEnd ? nil : try statement.asNumber()
      settings.remoteAS = negated ? nil : number
    case "description":
      let text = statement.remainder()
      settings.description = negated || text.isEmpty ? nil : text
    case "shutdown": settings.shutdown = negated ? nil : true
    case "passive": settings.passive = negated ? nil : true
    case "next-hop-self":
      let isForced = statement.take("force")
      settings.forcesNextHopSelf = isForced && !negated ? true : nil
      // `no … next-hop-self force` leaves the plain form.
      settings.nextHopSelf = negated && !isForced ? nil : true
    case "route-reflector-client": settings.routeReflectorClient = negated ? nil : true
    case "default-originate": settings.defaultOriginate = negated ? nil : true
    case "activate", "send-community": break
    case "soft-reconfiguration": _ = statement.take("inbound")
    case "password":
      let text = negated ? statement.remainder() : try statement.word("a password")
      settings.password = negated ? nil : text
    case "timers":
      settings.timers = negated ? nil : try statement.timers()
      if negated { _ = statement.remainder() }
    case "update-source":
      if negated {
        _ = statement.remainder()
        settings.sourceAddress = nil
      } else {
        let word = try statement.word("an address")
        guard let address = IPAddress(word) else { throw statement.mistake("an address") }
        settings.sourceAddress = address
      }
    case "ebgp-multihop":
      let hops = statement.isAtEnd ? 255 : try statement.number(1...255, "1 to 255")
      settings.ebgpMultihop = negated ? nil : UInt8(clamping: hops)
    case "maximum-prefix":
      let count =
        negated && statement.isAtEnd ? 1 : try statement.number(1...4_294_967_295, "a count")
      settings.maximumPrefixes = negated ? nil : MaximumPrefixes(Int(count))
    default:
      throw statement.mistake(
        "remote-as, peer-group, description, shutdown, passive, password, timers, next-hop-self, "
          + "route-reflector-client, default-originate, update-source, ebgp-multihop or "
          + "maximum-prefix")
    }
  }
}
