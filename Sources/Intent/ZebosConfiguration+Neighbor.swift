import BGP
import NetTypes

extension ZebosConfiguration {
  /// `neighbor ADDRESS|GROUP …`
  static func applyNeighbor(
    _ statement: inout Statement, _ router: inout RouterConfiguration, _ context: Context,
    _ negated: Bool
  ) throws(Mistake) {
    let name = try statement.word("an address or a peer group's name")
    if let address = IPAddress(name) {
      try applyAddress(address, &statement, &router, context, negated)
    } else if statement.peek == "interface"
      || router.interfaceNeighbors.contains(where: { $0.interface == name })
    {
      try applyInterface(name, &statement, &router, context, negated)
    } else {
      try applyGroup(name, &statement, &router, context, negated)
    }
  }

  private static func applyGroup(
    _ name: String, _ statement: inout Statement, _ router: inout RouterConfiguration,
    _ context: Context, _ negated: Bool
  ) throws(Mistake) {
    let index = router.peerGroups.firstIndex { $0.name == name }
    if statement.take("peer-group") {
      if negated {
        if index == nil { throw statement.mistake("a peer group that exists") }
        router.peerGroups.removeAll { $0.name == name }
        router.listenRanges.removeAll { $0.peerGroup == name }
        router.neighbors.removeAll { $0.peerGroup == name }
      } else if index == nil {
        router.peerGroups.append(PeerGroup(name: name))
      }
      return
    }
    guard let index else {
      throw statement.mistake("an address, or a peer group made by \"neighbor \(name) peer-group\"")
    }
    try apply(&statement, to: &router.peerGroups[index].settings, nil, context, negated)
  }

  /// `IFNAME interface [remote-as N|peer-group NAME]`, and settings of a neighbour so made.
  private static func applyInterface(
    _ name: String, _ statement: inout Statement, _ router: inout RouterConfiguration,
    _ context: Context, _ negated: Bool
  ) throws(Mistake) {
    let index = router.interfaceNeighbors.firstIndex { $0.interface == name }
    let isNaming = statement.take("interface")
    if router.peerGroup(name) != nil {
      throw statement.mistake("an interface's name that no peer group has")
    }
    if negated, statement.isAtEnd {
      guard let index else { throw statement.mistake("a neighbor that exists") }
      router.interfaceNeighbors.remove(at: index)
      return
    }
    var neighbor = index.map { router.interfaceNeighbors[$0] } ?? InterfaceNeighbor(interface: name)
    if isNaming { _ = statement.take("v6only") }
    if statement.take("peer-group") {
      let group = try statement.word("a peer group's name")
      guard router.peerGroup(group) != nil else {
        throw statement.mistake("a peer group made by \"neighbor \(group) peer-group\"")
      }
      neighbor.peerGroup = negated ? nil : group
    } else if !isNaming || !statement.isAtEnd {
      try apply(&statement, to: &neighbor.settings, nil, context, negated)
    }
    if let index {
      router.interfaceNeighbors[index] = neighbor
    } else {
      router.interfaceNeighbors.append(neighbor)
    }
  }

  private static func applyAddress(
    _ address: IPAddress, _ statement: inout Statement, _ router: inout RouterConfiguration,
    _ context: Context, _ negated: Bool
  ) throws(Mistake) {
    let index = router.neighbors.firstIndex { $0.address == address }
    if negated, statement.isAtEnd {
      if index == nil { throw statement.mistake("a neighbor that exists") }
      router.neighbors.removeAll { $0.address == address }
      return
    }
    if statement.take("peer-group") {
      let name = try statement.word("a peer group's name")
      guard router.peerGroups.contains(where: { $0.name == name }) else {
        throw statement.mistake("a peer group made by \"neighbor \(name) peer-group\"")
      }
      if negated {
        router.neighbors.removeAll { $0.address == address && !$0.settings.namesRemoteAS }
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
    let isActive = address.isIPv4 ? router.activatesIPv4ByDefault : true
    let active: (family: AddressFamily, isActive: Bool) = (AddressFamily(of: address), isActive)
    if let index {
      try apply(&statement, to: &router.neighbors[index].settings, active, context, negated)
      if negated, router.neighbors[index].peerGroup == nil,
        !router.neighbors[index].settings.namesRemoteAS
      {
        router.neighbors.remove(at: index)
      }
      return
    }
    var neighbor = Neighbor(address: address)
    try apply(&statement, to: &neighbor.settings, active, context, negated)
    guard neighbor.settings.namesRemoteAS else {
      throw statement.mistake("remote-as or peer-group first, for a new neighbor")
    }
    router.neighbors.append(neighbor)
  }

  /// - Parameter active: The family of the neighbour's address and whether it is exchanged without
  ///   a word; nil for a peer group.
  private static func apply(
    _ statement: inout Statement, to settings: inout NeighborSettings,
    _ active: (family: AddressFamily, isActive: Bool)?, _ context: Context, _ negated: Bool
  ) throws(Mistake) {
    if try applyPolicy(&statement, to: &settings, context, negated) { return }
    if try applyProtocol(&statement, to: &settings, negated) { return }
    switch statement.next() {
    case "remote-as":
      (settings.remoteAS, settings.remoteASKind) = try statement.remoteAS(negated)
    case "description":
      let text = statement.remainder()
      settings.description = negated || text.isEmpty ? nil : text
    case "shutdown":
      var text: String?
      if !negated, statement.take("message") { text = statement.remainder() }
      if let count = text?.utf8.count, !(1...255).contains(count) {
        throw statement.mistake("a message of 1 to 255 octets")
      }
      settings.shutdown = negated ? nil : true
      settings.shutdownMessage = text
    case "passive": settings.passive = negated ? nil : true
    case "next-hop-self":
      let isForced = statement.take("force")
      settings.forcesNextHopSelf = isForced && !negated ? true : nil
      // `no … next-hop-self force` leaves the plain form.
      settings.nextHopSelf = negated && !isForced ? nil : true
    case "route-reflector-client": settings.routeReflectorClient = negated ? nil : true
    case "default-originate": settings.defaultOriginate = negated ? nil : true
    case "activate":
      guard case .family(let family) = context else { break }
      let isUsual = active.map { $0.family == family && $0.isActive } ?? false
      settings.activations[family] = isUsual == !negated ? nil : !negated
      if active == nil { settings.activations[family] = !negated }
    case "send-community": _ = statement.remainder()
    case "soft-reconfiguration":
      try statement.need("inbound")
      settings.keepsReceived = negated ? nil : true
    case "password":
      let text = negated ? statement.remainder() : try statement.word("a password")
      settings.password = negated ? nil : text
    case "timers": try applyTimers(&statement, to: &settings, negated)
    case "update-source":
      if negated {
        _ = statement.remainder()
        (settings.sourceAddress, settings.sourceInterface) = (nil, nil)
      } else {
        let word = try statement.word("an address or an interface's name")
        settings.sourceAddress = IPAddress(word)
        // IFNAMSIZ, with its zero.
        guard settings.sourceAddress != nil || word.utf8.count < 16 && !word.contains("/") else {
          throw statement.mistake("an address or an interface's name of at most 15 octets")
        }
        settings.sourceInterface = settings.sourceAddress == nil ? word : nil
      }
    default:
      throw statement.mistake(
        "remote-as, peer-group, description, shutdown, passive, password, timers, next-hop-self, "
          + "route-reflector-client, default-originate, update-source, soft-reconfiguration, "
          + "ebgp-multihop, "
          + "maximum-prefix, prefix-list, filter-list, distribute-list, route-map, activate, bfd, "
          + "ttl-security, local-role, allowas-in or addpath")
    }
  }

  private static func applyTimers(
    _ statement: inout Statement, to settings: inout NeighborSettings, _ negated: Bool
  ) throws(Mistake) {
    var timers = settings.timers ?? SessionTimers()
    if statement.take("connect") {
      let usual = SessionTimers().connectRetry
      if negated {
        _ = statement.remainder()
        timers.connectRetry = usual
        settings.timers = timers == SessionTimers() ? nil : timers
      } else {
        timers.connectRetry = .seconds(try statement.number(1...65535, "1 to 65535 seconds"))
        settings.timers = timers
      }
    } else if negated {
      _ = statement.remainder()
      settings.timers = nil
    } else {
      settings.timers = try statement.timers()
      settings.timers?.connectRetry = timers.connectRetry
    }
  }

  /// What is asked of the session's protocol. False if the statement is none of it.
  private static func applyProtocol(
    _ statement: inout Statement, to settings: inout NeighborSettings, _ negated: Bool
  ) throws(Mistake) -> Bool {
    var path = settings.addPath ?? AddPath()
    switch statement.peek {
    case "addpath-tx-all-paths":
      _ = statement.next()
      path.sending = negated ? .bestOnly : .all
    case "addpath-tx-bestpath-per-AS":
      _ = statement.next()
      path.sending = negated ? .bestOnly : .bestPerAS
    case "addpath-tx-best-selected":
      _ = statement.next()
      let count = negated && statement.isAtEnd ? 1 : try statement.number(1...6, "1 to 6 paths")
      path.sending = negated ? .bestOnly : .best(Int(count))
    case "disable-addpath-rx":
      _ = statement.next()
      path.receives = negated
    case "local-role":
      _ = statement.next()
      if negated {
        _ = statement.remainder()
        (settings.role, settings.needsRole) = (nil, nil)
        return true
      }
      let word = statement.next()
      guard let role = PeerRole.allCases.first(where: { $0.keyword == word }) else {
        throw statement.mistake(PeerRole.allCases.map(\.keyword).joined(separator: ", "))
      }
      settings.role = role
      settings.needsRole = statement.take("strict-mode") ? true : nil
      return true
    case "ttl-security":
      _ = statement.next()
      if !negated { try statement.need("hops") }
      let hops = negated ? 1 : try statement.number(1...254, "1 to 254 hops")
      if negated { _ = statement.remainder() }
      settings.ttlSecurityHops = negated ? nil : UInt8(clamping: hops)
      return true
    case "ebgp-multihop":
      _ = statement.next()
      let hops = statement.isAtEnd ? 255 : try statement.number(1...255, "1 to 255")
      settings.ebgpMultihop = negated ? nil : UInt8(clamping: hops)
      return true
    case "allowas-in":
      _ = statement.next()
      let count = statement.isAtEnd ? 3 : try statement.number(1...10, "1 to 10 times")
      settings.allowOwnAS = negated ? nil : Int(count)
      return true
    case "bfd":
      _ = statement.next()
      var bfd = BFDSettings()
      if negated {
        _ = statement.remainder()
      } else if !statement.isAtEnd {
        bfd.multiplier = UInt8(clamping: try statement.number(2...255, "a multiplier, 2 to 255"))
        let interval = "an interval of 50 to 60000 milliseconds"
        bfd.receiveInterval = .milliseconds(try statement.number(50...60000, interval))
        bfd.transmitInterval = .milliseconds(try statement.number(50...60000, interval))
      }
      settings.bfd = negated ? nil : bfd
      return true
    default: return false
    }
    settings.addPath = path == AddPath() ? nil : path
    return true
  }

  /// What is asked of the routes. False if the statement is none of it.
  private static func applyPolicy(
    _ statement: inout Statement, to settings: inout NeighborSettings, _ context: Context,
    _ negated: Bool
  ) throws(Mistake) -> Bool {
    let field: WritableKeyPath<PolicyChain.Names, String?>
    switch statement.peek {
    case "maximum-prefix":
      _ = statement.next()
      settings.maximumPrefixes = negated ? nil : try statement.maximumPrefixes()
      if negated { _ = statement.remainder() }
      return true
    case "prefix-list": field = \.prefixList
    case "filter-list": field = \.asPathList
    case "distribute-list": field = \.accessList
    case "route-map": field = \.routeMap
    default: return false
    }
    _ = statement.next()
    var family = AddressFamily.ipv4
    if case .family(let current) = context { family = current }
    let name = try statement.word("a name, then in or out")
    let isImport = statement.take("in")
    if !isImport { try statement.need("out", or: "in or out") }
    var chain = (isImport ? settings.importPolicy : settings.exportPolicy) ?? PolicyChain()
    chain[family][keyPath: field] = negated ? nil : name
    let kept = chain.isEmpty ? nil : chain
    if isImport { settings.importPolicy = kept } else { settings.exportPolicy = kept }
    return true
  }
}

extension PeerRole {
  /// As FRR writes it.
  var keyword: String {
    switch self {
    case .provider: "provider"
    case .routeServer: "rs-server"
    case .routeServerClient: "rs-client"
    case .customer: "customer"
    case .peer: "peer"
    }
  }
}

extension NeighborSettings {
  /// By number, or as external or internal.
  var namesRemoteAS: Bool { remoteAS != nil || remoteASKind != nil }
}

extension ZebosConfiguration.Statement {
  /// A number, `external` or `internal`; neither where it is taken back.
  fileprivate mutating func remoteAS(_ negated: Bool) throws(Mistake) -> (ASNumber?, RemoteASKind?)
  {
    if negated, isAtEnd { return (nil, nil) }
    if let kind = peek.flatMap(RemoteASKind.init(rawValue:)) {
      _ = next()
      return (nil, negated ? nil : kind)
    }
    let number = try asNumber()
    return (negated ? nil : number, nil)
  }

  /// `COUNT [PERCENT] [warning-only|restart MINUTES]`.
  fileprivate mutating func maximumPrefixes() throws(Mistake) -> MaximumPrefixes {
    var limit = MaximumPrefixes(Int(try number(1...4_294_967_295, "a count")))
    if let percent = peek.flatMap({ Int64($0) }) {
      guard (1...100).contains(percent) else { throw mistake("1 to 100 percent") }
      _ = next()
      limit.warningPercent = Int(percent)
    }
    if take("warning-only") {
      limit.warnsOnly = true
    } else if take("restart") {
      limit.restart = .seconds(60 * (try number(1...65535, "1 to 65535 minutes")))
    }
    return limit
  }
}
