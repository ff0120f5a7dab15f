import BFD
import BGP
import Kubernetes
import NetTypes

extension ShellJSON {
  /// `show bgp summary json`: each family apart, with the neighbors that exchange it.
  static func summary(
    _ status: RouterStatus, _ configuration: RouterConfiguration, _ families: [AddressFamily]
  ) -> JSON {
    let told = families.map { family in
      (family, status.sessions.filter { $0.families.contains(family) })
    }
    let shown = told.filter { !$1.isEmpty }
    var json: JSON = [:]
    for (family, sessions) in shown.isEmpty ? Array(told.prefix(1)) : shown {
      json[family == .ipv4 ? "ipv4Unicast" : "ipv6Unicast"] = summary(
        status, configuration, family, sessions)
    }
    return json
  }

  private static func summary(
    _ status: RouterStatus, _ configuration: RouterConfiguration, _ family: AddressFamily,
    _ sessions: [SessionStatus]
  ) -> JSON {
    var peers: [String: JSON] = [:]
    for session in sessions { peers["\(session.peer)"] = peer(session, status, family) }
    return [
      "routerId": .string(status.routerID.map(\.description) ?? "0.0.0.0"),
      "as": JSON(Int(status.localAS.rawValue)), "vrfId": 0, "vrfName": "default",
      "ribCount": JSON(status.sizes[family]?.prefixes ?? 0),
      "peerCount": JSON(peers.count), "peers": JSON(peers),
      "failedPeers": JSON(sessions.count { $0.state != .established }),
      "displayedPeers": JSON(peers.count), "totalPeers": JSON(peers.count),
      "dynamicPeers": JSON(sessions.count(where: \.isDynamic)),
      "bestPath": ["multiPathRelax": configuration.relaxesASPath ? "true" : "false"],
    ]
  }

  private static func peer(
    _ session: SessionStatus, _ status: RouterStatus, _ family: AddressFamily
  ) -> JSON {
    let isUp = session.state == .established
    var peer: JSON = [
      "remoteAs": JSON(Int(session.remoteAS.rawValue)),
      "localAs": JSON(Int(status.localAS.rawValue)), "version": 4,
      "msgRcvd": JSON(Int(session.counters.messagesReceived)),
      "msgSent": JSON(Int(session.counters.messagesSent)), "outq": 0, "inq": 0,
      "peerUptime": .string(isUp ? ShellTables.age(session.since, status.now) : "never"),
      "peerUptimeMsec": JSON(isUp ? session.since.milliseconds(to: status.now) : 0),
      "pfxRcd": JSON(session.familyPrefixes[family] ?? 0),
      "pfxSnt": JSON(session.familySent[family] ?? 0),
      "state": .string(session.isShutdown ? "Idle (Admin)" : session.state.rawValue),
      "connectionsEstablished": JSON(Int(session.counters.established)),
      "peerState": session.isShutdown ? "Admin" : "OK",
      "idType": session.peer.isIPv4 ? "ipv4" : "ipv6",
    ]
    if session.isDynamic { peer["dynamicPeer"] = true }
    if let description = session.description { peer["desc"] = .string(description) }
    if let name = session.capabilities?.hostName?.host { peer["hostname"] = .string(name) }
    return peer
  }

  /// `show ip bgp neighbors [X] json`.
  static func neighbors(_ sessions: [SessionStatus], _ status: RouterStatus) -> JSON {
    JSON(
      Dictionary(uniqueKeysWithValues: sessions.map { ("\($0.peer)", neighbor($0, status)) }))
  }

  private static func neighbor(_ session: SessionStatus, _ status: RouterStatus) -> JSON {
    let isInternal = session.remoteAS == status.localAS
    let counters = session.counters
    var json: JSON = [
      "remoteAs": JSON(Int(session.remoteAS.rawValue)),
      "localAs": JSON(Int(status.localAS.rawValue)), "bgpVersion": 4,
      "remoteRouterId": .string(session.identifier.map(\.description) ?? "0.0.0.0"),
      "localRouterId": .string(status.routerID.map(\.description) ?? "0.0.0.0"),
      "bgpState": .string(session.state.rawValue),
      "messageStats": [
        "totalSent": JSON(Int(counters.messagesSent)),
        "totalRecv": JSON(Int(counters.messagesReceived)),
        "updatesSent": JSON(Int(counters.updatesSent)),
        "updatesRecv": JSON(Int(counters.updatesReceived)),
      ],
      "addressFamilyInfo": families(session),
      "connectionsEstablished": JSON(Int(counters.established)),
    ]
    json[isInternal ? "nbrInternalLink" : "nbrExternalLink"] = true
    if session.isShutdown { json["adminShutDown"] = true }
    if let description = session.description { json["nbrDesc"] = .string(description) }
    if let group = session.peerGroup { json["peerGroup"] = .string(group) }
    if let interface = session.interface { json["nbrInterface"] = .string(interface) }
    if session.state == .established {
      json["bgpTimerUpMsec"] = JSON(session.since.milliseconds(to: status.now))
      json["bgpTimerUpString"] = .string(ShellTables.age(session.since, status.now))
    }
    if let hold = session.holdTime, let keepalive = session.keepaliveTime {
      json["bgpTimerHoldTimeMsecs"] = JSON(Int(hold.components.seconds) * 1000)
      json["bgpTimerKeepAliveIntervalMsecs"] = JSON(Int(keepalive.components.seconds) * 1000)
    }
    if let local = session.localAddress { json["hostLocal"] = .string("\(local)") }
    json["hostForeign"] = .string("\(session.peer)")
    if let error = session.lastError { json["lastResetDueTo"] = .string("\(error)") }
    if let capabilities = session.capabilities {
      json["neighborCapabilities"] = self.capabilities(capabilities)
    }
    if let bfd = status.bfd.first(where: { $0.path.remote == session.peer }) {
      json["peerBfdInfo"] = [
        "type": bfd.path.isMultihop ? "multi hop" : "single hop",
        "detectMultiplier": JSON(Int(bfd.parameters.multiplier)),
        "rxMinInterval": JSON(bfd.parameters.requiredMinReceive.milliseconds),
        "txMinInterval": JSON(bfd.parameters.desiredMinTransmit.milliseconds),
        "status": .string("\(bfd.state)"),
      ]
    }
    return json
  }

  private static func families(_ session: SessionStatus) -> JSON {
    var json: JSON = [:]
    for family in session.families {
      json[family == .ipv4 ? "ipv4Unicast" : "ipv6Unicast"] = [
        "acceptedPrefixCounter": JSON(session.familyPrefixes[family] ?? 0)
      ]
    }
    return json
  }

  /// What the peer's OPEN said.
  private static func capabilities(_ capabilities: Capabilities) -> JSON {
    var json: JSON = [:]
    var families: JSON = [:]
    for family in capabilities.families {
      families[family == .ipv4 ? "ipv4Unicast" : "ipv6Unicast"] = ["received": true]
    }
    json["multiprotocolExtensions"] = families
    if capabilities.fourOctetAS != nil { json["4byteAs"] = "received" }
    if capabilities.routeRefresh { json["routeRefresh"] = "received" }
    if capabilities.enhancedRouteRefresh { json["enhancedRouteRefresh"] = "received" }
    if capabilities.extendedMessages { json["extendedMessage"] = "received" }
    if capabilities.extendedNextHop { json["extendedNexthop"] = "received" }
    if !capabilities.addPath.isEmpty { json["addPath"] = "received" }
    if let restart = capabilities.gracefulRestart {
      json["gracefulRestart"] = "received"
      json["gracefulRestartRemoteTimerMsecs"] = JSON(Int(restart.restartTime) * 1000)
    }
    return json
  }

  /// `show bfd peers json`.
  static func bfd(_ sessions: [BFDStatus], at now: Instant) -> JSON {
    JSON(
      sessions.map { session -> JSON in
        [
          "multihop": JSON(session.path.isMultihop), "peer": .string("\(session.path.remote)"),
          "local": .string("\(session.path.local)"), "vrf": "default",
          "id": JSON(Int(session.localDiscriminator)),
          "remote-id": JSON(Int(session.remoteDiscriminator)),
          "status": .string(ShellTables.word(session.state)),
          "uptime": JSON(session.since.milliseconds(to: now) / 1000),
          "diagnostic": .string("\(session.diagnostic)"),
          "remote-diagnostic": .string("\(session.remoteDiagnostic)"),
          "receive-interval": JSON(session.parameters.requiredMinReceive.milliseconds),
          "transmit-interval": JSON(session.parameters.desiredMinTransmit.milliseconds),
          "detect-multiplier": JSON(Int(session.parameters.multiplier)),
          "remote-receive-interval": JSON(session.remoteMinReceive.milliseconds),
          "remote-transmit-interval": JSON(session.remoteMinTransmit.milliseconds),
          "remote-detect-multiplier": JSON(Int(session.remoteMultiplier)),
        ]
      })
  }
}

extension Instant {
  fileprivate func milliseconds(to later: Instant) -> Int { duration(to: later).milliseconds }
}

extension Duration {
  var milliseconds: Int {
    Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
  }
}
