import BFD
import BGP
import Intent
import NetTypes

extension DecisionStep {
  /// What decided, as FRR words it.
  var text: String {
    let words: [DecisionStep: String] = [
      .unreachable: "Next hop unreachable", .weight: "Weight", .localOrigin: "Local Route",
      .localPreference: "Local Pref", .asPathLength: "AS Path", .origin: "Origin",
      .multiExitDiscriminator: "MED", .external: "Peer Type", .interiorCost: "IGP Metric",
      .identifier: "Router ID", .clusterList: "Cluster length", .peerAddress: "Neighbor IP",
    ]
    return words[self] ?? "\(self)"
  }
}

extension ShellTables {
  /// Why the best of a destination's paths is it: the last step that took another out.
  static func selectionReason(_ paths: [RouteStatus]) -> String {
    let last = paths.compactMap(\.removedBy).filter { $0 != .unreachable }
      .max { $0.rawValue < $1.rawValue }
    return last?.text ?? "First path received"
  }

  static func age(_ since: Instant, _ now: Instant) -> String {
    let seconds = Int(since.duration(to: now).components.seconds)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    if seconds >= 86_400 * 7 {
      return "\(two(seconds / 604_800))w\(seconds / 86_400 % 7)d\(two(seconds / 3600 % 24))h"
    }
    if seconds >= 86_400 {
      return "\(seconds / 86_400)d\(two(seconds / 3600 % 24))h\(two(seconds / 60 % 60))m"
    }
    return "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
  }

  /// What the peer's OPEN said it can.
  static func text(_ capabilities: Capabilities) -> String {
    var words: [String] = []
    if let number = capabilities.fourOctetAS { words.append("4 Byte AS: received (\(number))") }
    if capabilities.routeRefresh { words.append("Route refresh: received") }
    if capabilities.enhancedRouteRefresh { words.append("Enhanced Route Refresh: received") }
    if capabilities.extendedMessages { words.append("Extended Message: received") }
    if capabilities.extendedNextHop { words.append("Extended nexthop: received") }
    if let role = capabilities.role { words.append("Role: received (\(role))") }
    for family in capabilities.addPath.keys.sorted() {
      words.append("AddPath: \(family == .ipv4 ? "IPv4" : "IPv6") Unicast received")
    }
    for family in capabilities.families {
      words.append("Address Family \(family == .ipv4 ? "IPv4" : "IPv6") Unicast: received")
    }
    if let restart = capabilities.gracefulRestart {
      words.append("Graceful Restart Capability: received")
      words.append("  Remote Restart timer is \(restart.restartTime) seconds")
    }
    if let name = capabilities.hostName {
      words.append("Hostname Capability: received (name: \(name.host))")
    }
    return "  Neighbor capabilities:\n" + words.map { "    \($0)\n" }.joined()
  }

  static func word(_ state: BFDState) -> String {
    switch state {
    case .adminDown: "shutdown"
    case .down: "down"
    case .initial: "init"
    case .up: "up"
    }
  }

  /// `show bfd peers`.
  static func bfd(_ sessions: [BFDStatus], at now: Instant) -> String {
    var text = "BFD Peers:\n"
    for session in sessions {
      let isUp = session.state == .up
      text += "\tpeer \(session.path.remote)\(session.path.isMultihop ? " multihop" : "")"
      text += " local-address \(session.path.local) vrf default\n"
      text += "\t\tID: \(session.localDiscriminator)\n"
      text += "\t\tRemote ID: \(session.remoteDiscriminator)\n"
      text += "\t\tStatus: \(word(session.state))\n"
      text += "\t\t\(isUp ? "Uptime" : "Downtime"): \(age(session.since, now))\n"
      text += "\t\tDiagnostics: \(session.diagnostic)\n"
      text += "\t\tRemote diagnostics: \(session.remoteDiagnostic)\n"
      text += "\t\tLocal timers:\n"
      text += "\t\t\tDetect-multiplier: \(session.parameters.multiplier)\n"
      text += "\t\t\tReceive interval: \(session.parameters.requiredMinReceive.milliseconds)ms\n"
      text +=
        "\t\t\tTransmission interval: \(session.parameters.desiredMinTransmit.milliseconds)ms\n"
      text += "\t\tRemote timers:\n"
      text += "\t\t\tDetect-multiplier: \(session.remoteMultiplier)\n"
      text += "\t\t\tReceive interval: \(session.remoteMinReceive.milliseconds)ms\n"
      text += "\t\t\tTransmission interval: \(session.remoteMinTransmit.milliseconds)ms\n\n"
    }
    return text
  }

  /// `show bfd peers brief`.
  static func bfdBrief(_ sessions: [BFDStatus]) -> String {
    var text = "Session count: \(sessions.count)\n"
    text +=
      "SessionId  LocalAddress                             PeerAddress                      Status\n"
    for session in sessions {
      text += padded("\(session.localDiscriminator)", 11) + padded("\(session.path.local)", 41)
      text += padded("\(session.path.remote)", 33) + word(session.state) + "\n"
    }
    return text
  }

  /// `show route-map [NAME]`: every clause, and how many routes matched it.
  static func routeMaps(_ policy: RoutingPolicy, _ name: String?) -> String {
    let found = policy.routeMaps.filter { name == nil || $0.key == name }
    if let name, found.isEmpty { return "% route-map \(name) not found\n" }
    var text = ""
    for (name, map) in found.sorted(by: { $0.key < $1.key }) {
      text += "route-map: \(name)\n"
      for clause in map.clauses {
        text += " \(clause.isPermitted ? "permit" : "deny"), sequence \(clause.sequence)"
        text += " Matched \(clause.hits.count)\n"
        if let description = clause.description { text += "  Description:\n    \(description)\n" }
        text += "  Match clauses:\n" + clause.matches.map { "    \($0.text)\n" }.joined()
        text += "  Set clauses:\n" + clause.changes.map { "    \($0.text)\n" }.joined()
        text += "  Call clause:\n" + (clause.call.map { "    Call \($0)\n" } ?? "")
        text += "  Action:\n"
        switch clause.onMatch {
        case .end: text += "    Exit routemap\n"
        case .next: text += "    Continue to next entry\n"
        case .goTo(let sequence): text += "    Goto \(sequence)\n"
        }
      }
    }
    return text
  }

  /// `show ip prefix-list [NAME]`.
  static func prefixLists(_ lists: [String: PrefixList], _ keyword: String, _ name: String?)
    -> String
  {
    var text = ""
    for (listName, list) in lists.sorted(by: { $0.key < $1.key })
    where name == nil || listName == name {
      text += "\(keyword) prefix-list \(listName): \(list.rules.count) entries\n"
      if let description = list.description { text += "   Description: \(description)\n" }
      for rule in list.rules {
        text += "   seq \(rule.sequence) \(rule.isPermitted ? "permit" : "deny") "
        text += rule.condition.text + "\n"
      }
    }
    return text
  }

  /// `show bgp as-path-access-list [NAME]`.
  static func asPathLists(_ policy: RoutingPolicy, _ name: String?) -> String {
    policy.asPathLists.filter { name == nil || $0.key == name }.sorted { $0.key < $1.key }
      .map { name, list in
        "AS path access list \(name)\n"
          + list.rules.map { rule in
            "    \(rule.isPermitted ? "permit" : "deny") \(rule.condition.text)\n"
          }.joined()
      }.joined()
  }

  /// `show bgp community-list [NAME]`.
  static func communityLists(_ policy: RoutingPolicy, _ name: String?) -> String {
    policy.communityLists.filter { name == nil || $0.key == name }.sorted { $0.key < $1.key }
      .map { name, list in
        let isExpanded = list.rules.first?.condition.isExpanded ?? false
        return "Named Community \(isExpanded ? "expanded" : "standard") list \(name)\n"
          + list.rules.map { rule in
            let value =
              switch rule.condition {
              case .all(let values): values.map(\.description).joined(separator: " ")
              case .pattern(let expression): expression.text
              }
            return "    \(rule.isPermitted ? "permit" : "deny") \(value)\n"
          }.joined()
      }.joined()
  }
}
