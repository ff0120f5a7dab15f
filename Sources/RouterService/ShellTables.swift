import BFD
import BGP
import NetTypes

/// A router's state as operators are used to read it.
struct ShellTables {
  let status: RouterStatus

  init(_ status: RouterStatus) { self.status = status }

  private func aligned(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private var identity: String {
    "router identifier \(status.routerID.map(\.description) ?? "none yet"), "
      + "local AS number \(status.localAS)"
  }

  /// `show bgp summary`: a table a family, with the neighbors that exchange it.
  func summary(_ families: [AddressFamily]) -> String {
    let told = families.map { family in
      (family, status.sessions.filter { $0.families.contains(family) })
    }
    // Without a neighbor there is still the router to be told of.
    let shown = told.filter { !$1.isEmpty }
    return (shown.isEmpty ? Array(told.prefix(1)) : shown).map(summary).joined()
  }

  private func summary(_ family: AddressFamily, _ sessions: [SessionStatus]) -> String {
    let size = status.sizes[family] ?? RouterStatus.Size()
    var text = "\n\(family == .ipv4 ? "IPv4" : "IPv6") Unicast Summary (VRF default):\n"
    text += "BGP \(identity) vrf-id 0\nBGP table version 0\n"
    text += "RIB entries \(size.prefixes), paths \(size.paths)\nPeers \(sessions.count)\n\n"
    text += "Neighbor        V         AS   MsgRcvd   MsgSent   TblVer  InQ OutQ  Up/Down "
    text += "State/PfxRcd   PfxSnt Desc\n"
    for session in sessions { text += line(session, family) }
    let dynamic = sessions.count(where: \.isDynamic)
    if dynamic > 0 { text += "* - dynamic neighbor\n\(dynamic) dynamic neighbor(s)\n" }
    return text + "\nTotal number of neighbors \(sessions.count)\n"
  }

  private func line(_ session: SessionStatus, _ family: AddressFamily) -> String {
    let isUp = session.state == .established
    let name = (session.isDynamic ? "*" : "") + (session.interface ?? "\(session.peer)")
    var text = padded(name, 15) + " 4"
    // A long address has the rest on a line of its own.
    if name.count > 15 { text += "\n" + String(repeating: " ", count: 17) }
    text += aligned("\(session.remoteAS)", 11)
    text += aligned("\(session.counters.messagesReceived)", 10)
    text += aligned("\(session.counters.messagesSent)", 10)
    text += aligned("0", 9) + aligned("0", 5) + aligned("0", 5)
    text += aligned(session.counters.established == 0 ? "never" : age(since: session.since), 9)
    let state = session.isShutdown ? "Idle (Admin)" : session.state.rawValue
    text += aligned(isUp ? "\(session.familyPrefixes[family] ?? 0)" : state, 13)
    text += aligned("\(session.familySent[family] ?? 0)", 9)
    return text + " \(session.description ?? "N/A")\n"
  }

  private func age(since: Instant) -> String { Self.age(since, status.now) }

  var heading: String {
    """
    BGP local router ID is \(status.routerID.map(\.description) ?? "none yet"), vrf id 0
    Default local pref 100, local AS \(status.localAS)
    Status codes:  * valid, > best, = multipath, i internal, S Stale
    Origin codes:  i - IGP, e - EGP, ? - incomplete

       Network          Next Hop            Metric LocPrf Weight Path

    """
  }

  /// `show ip bgp`: a line a path.
  func rows(_ entries: [RouterStatus.RouteEntry]) -> String {
    var text = ""
    var last: IPPrefix?
    for entry in entries {
      let path = entry.path
      text += path.isStale ? "S" : path.isUsable ? "*" : " "
      text += path.isBest ? ">" : path.isMultipath ? "=" : " "
      text += path.isInternal && path.origin != .local ? "i" : " "
      text += line(path.prefix == last ? nil : path.prefix, path.attributes)
      last = path.prefix
    }
    return text
  }

  /// Routes of a neighbor's Adj-RIBs.
  func rows(_ routes: [(prefix: IPPrefix, attributes: PathAttributes)]) -> String {
    routes.map { "*> " + line($0.prefix, $0.attributes) }.joined()
  }

  private func line(_ prefix: IPPrefix?, _ attributes: PathAttributes) -> String {
    var text = padded(prefix.map(\.description) ?? "", 16) + " "
    // A long prefix has the rest on a line of its own.
    if text.count > 17 { text += "\n" + String(repeating: " ", count: 20) }
    let hop = attributes.nextHop.map(\.description) ?? "0.0.0.0"
    text += padded(hop, 16)
    if hop.count > 15 { text += "\n" + String(repeating: " ", count: 36) }
    text += aligned(attributes.multiExitDiscriminator.map(String.init) ?? "", 10)
    text += aligned(attributes.localPreference.map(String.init) ?? "", 7)
    text += aligned("\(attributes.weight)", 7) + " "
    let path = attributes.asPath.description
    let origin =
      switch attributes.origin {
      case .igp: "i"
      case .egp: "e"
      case .incomplete: "?"
      }
    return text + (path.isEmpty ? origin : "\(path) \(origin)") + "\n"
  }

  /// `show ip bgp PREFIX`: what is known of each of its paths, and why it is best or is not.
  func route(_ entries: [RouterStatus.RouteEntry]) -> String {
    guard let prefix = entries.first?.path.prefix else { return "% Network not in table\n" }
    let best = entries.firstIndex { $0.path.isBest }
    var text = "BGP routing table entry for \(prefix)\n"
    text += "Paths: (\(entries.count) available, "
    text += best.map { "best #\($0 + 1), table default" } ?? "no best path"
    text += ")\n"
    for entry in entries { text += detail(entry, among: entries) }
    return text
  }

  private func detail(
    _ entry: RouterStatus.RouteEntry, among entries: [RouterStatus.RouteEntry]
  ) -> String {
    let (path, attributes) = (entry.path, entry.path.attributes)
    let asPath = attributes.asPath.description
    var text = "  \(asPath.isEmpty ? "Local" : asPath)\n"
    let hop = attributes.nextHop.map(\.description) ?? "0.0.0.0"
    text += "    \(hop)\(path.isUsable ? "" : " (inaccessible)") from "
    switch path.origin {
    case .local: text += "\(hop) (\(status.routerID.map(\.description) ?? "0.0.0.0"))\n"
    case .peer(let peer):
      let id = status.sessions.first { $0.peer == peer }?.identifier
      text += "\(peer) (\(id.map(\.description) ?? "0.0.0.0"))\n"
    }
    var words: [String] = ["Origin \(Self.word(attributes.origin))"]
    if let metric = attributes.multiExitDiscriminator { words.append("metric \(metric)") }
    if let preference = attributes.localPreference { words.append("localpref \(preference)") }
    if attributes.weight != 0 { words.append("weight \(attributes.weight)") }
    words.append(path.isUsable ? "valid" : "invalid")
    switch path.origin {
    case .local: words += ["sourced", "local"]
    case .peer: words.append(path.isInternal ? "internal" : "external")
    }
    if path.isStale { words.append("stale") }
    if path.isMultipath, entries.count(where: \.path.isMultipath) > 1 { words.append("multipath") }
    if path.isBest {
      words.append("best (\(Self.selectionReason(entries.map(\.path))))")
    } else if let step = path.removedBy {
      words.append("not best (\(step.text))")
    }
    text += "      \(words.joined(separator: ", "))\n"
    let communities = attributes.communities.map(\.description)
    if !communities.isEmpty {
      text += "      Community: \(communities.joined(separator: " "))\n"
    }
    let large = (attributes.extended?.largeCommunities ?? []).map(\.description)
    if !large.isEmpty { text += "      Large Community: \(large.joined(separator: " "))\n" }
    let extended = (attributes.extended?.extendedCommunities ?? []).map {
      ExtendedCommunity(rawValue: $0).description
    }
    if !extended.isEmpty {
      text += "      Extended Community: \(extended.joined(separator: " "))\n"
    }
    if let id = attributes.originatorID {
      let clusters = attributes.clusterList.map(\.description).joined(separator: " ")
      text += "      Originator: \(id), Cluster list: \(clusters)\n"
    }
    if path.identifier != 0 { text += "      AddPath ID: RX \(path.identifier)\n" }
    if let problem = entry.nextHopProblem { text += "      Next hop: \(problem)\n" }
    if case .failed(let reason)? = entry.kernel { text += "      Not installed: \(reason)\n" }
    return text
  }

  private static func word(_ origin: PathAttributes.Origin) -> String {
    switch origin {
    case .igp: "IGP"
    case .egp: "EGP"
    case .incomplete: "incomplete"
    }
  }

  /// One neighbor, or all for nil.
  func neighbors(_ address: IPAddress?) -> String {
    let found = status.sessions.filter { address == nil || $0.peer == address }
    if found.isEmpty { return "% No such neighbor\n" }
    return found.map(neighbor).joined(separator: "\n")
  }

  private func neighbor(_ session: SessionStatus) -> String {
    let kind = session.remoteAS == status.localAS ? "internal" : "external"
    var text = "BGP neighbor is \(session.peer), remote AS \(session.remoteAS), "
    text += "local AS \(status.localAS), \(kind) link\n"
    if let description = session.description { text += "  Description: \(description)\n" }
    if let group = session.peerGroup { text += "  Member of peer-group \(group)\n" }
    text +=
      "  BGP version 4, remote router ID \(session.identifier.map(\.description) ?? "unknown")\n"
    text += "  BGP state = \(session.state.rawValue), since \(age(since: session.since))\n"
    if let hold = session.holdTime, let keepalive = session.keepaliveTime {
      text += "  Hold time is \(hold.components.seconds), "
      text += "keepalive interval is \(keepalive.components.seconds) seconds\n"
    }
    if let hold = session.prefixLimitHold {
      text += "  Down: more than \(hold.limit) prefixes of \(hold.family)"
      text +=
        hold.until.map { ", restarts in \(status.now.duration(to: $0).wholeSeconds) s\n" } ?? "\n"
    }
    let counters = session.counters
    text += "  \(counters.messagesReceived) messages received, \(counters.messagesSent) sent\n"
    text += "  \(session.prefixesReceived) prefixes received, \(session.prefixesSent) announced\n"
    if let local = session.localAddress { text += "  Local host: \(local)\n" }
    if let capabilities = session.capabilities { text += Self.text(capabilities) }
    if let bfd = status.bfd.first(where: { $0.path.remote == session.peer }) {
      text += "  BFD: Type: \(bfd.path.isMultihop ? "multi hop" : "single hop")\n"
      text += "    Detect Multiplier: \(bfd.parameters.multiplier), "
      text += "Min Rx interval: \(bfd.parameters.requiredMinReceive.milliseconds), "
      text += "Min Tx interval: \(bfd.parameters.desiredMinTransmit.milliseconds)\n"
      text += "    Status: \(bfd.state), Last update: \(age(since: bfd.since))\n"
    }
    if let error = session.lastError { text += "  Last error: \(error)\n" }
    return text
  }

  static let kernelHeading = "Codes: B - BGP, > - selected route, * - FIB route\n\n"

  /// `show ip route`, one prefix: what is in the kernel's table, and what should be, with why it is
  /// not.
  func kernelRows(_ prefix: IPPrefix, _ entries: [RouterStatus.RouteEntry]) -> String {
    let used = entries.filter { $0.path.isBest || $0.path.isMultipath }
    if let best = used.first(where: { $0.path.isBest }) {
      return best.kernel == nil ? "" : kernelLines(prefix, best, used)
    }
    // No path can be used: the next hops are told with what is wrong with them.
    return entries.map { entry in
      kernelLine("B  ", prefix, entry)
        + " inactive (\(entry.nextHopProblem ?? "next hop unreachable"))\n"
    }.joined()
  }

  private func kernelLines(
    _ prefix: IPPrefix, _ best: RouterStatus.RouteEntry, _ used: [RouterStatus.RouteEntry]
  ) -> String {
    var text = ""
    for entry in used {
      if case .failed(let reason)? = best.kernel {
        text += kernelLine("B> ", prefix, entry) + " (not installed: \(reason))\n"
      } else {
        text += kernelLine("B>*", prefix, entry) + "\n"
      }
    }
    return text
  }

  private func kernelLine(
    _ codes: String, _ prefix: IPPrefix, _ entry: RouterStatus.RouteEntry
  ) -> String {
    let attributes = entry.path.attributes
    let hop = attributes.nextHop.map(\.description) ?? "blackhole"
    let distance = entry.path.isInternal ? 200 : 20
    return "\(codes) \(prefix) [\(distance)/\(attributes.multiExitDiscriminator ?? 0)] via \(hop)"
  }
}
