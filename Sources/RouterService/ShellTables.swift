import BGP
import NetTypes

/// A router's state as operators are used to read it.
struct ShellTables {
  private let status: RouterStatus

  init(_ status: RouterStatus) { self.status = status }

  private func aligned(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private var identity: String {
    "router identifier \(status.routerID.map(\.description) ?? "none yet"), "
      + "local AS number \(status.localAS)"
  }

  var summary: String {
    var text = "BGP \(identity)\n"
    text +=
      "\(Set(status.routes.map(\.path.prefix)).count) prefixes, \(status.routes.count) paths\n\n"
    text += "Neighbor        V         AS MsgRcvd MsgSent  Up/Down State/PfxRcd\n"
    for session in status.sessions {
      let isUp = session.state == .established
      text += padded("\(session.peer)", 16) + "4"
      text += aligned("\(session.remoteAS)", 11)
      text += aligned("\(session.counters.messagesReceived)", 8)
      text += aligned("\(session.counters.messagesSent)", 8)
      text += aligned(age(since: session.since), 9) + " "
      text +=
        isUp
        ? "\(session.prefixesReceived)"
        : session.isShutdown ? "Idle (Admin)" : session.state.rawValue
      text += "\n"
    }
    return text + "\nTotal number of neighbors \(status.sessions.count)\n"
  }

  private func age(since: Instant) -> String {
    let seconds = Int(since.duration(to: status.now).components.seconds)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    if seconds >= 86_400 { return "\(seconds / 86_400)d\(two(seconds / 3600 % 24))h" }
    return "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
  }

  private var heading: String {
    """
    BGP local router ID is \(status.routerID.map(\.description) ?? "none yet")
    Status codes: * valid, > best, = multipath, i internal, S stale
    Origin codes: i IGP, e EGP, ? incomplete

        Network            Next Hop            Metric LocPrf Path

    """
  }

  var routes: String { heading + lines(status.routes) }

  private func lines(_ entries: [RouterStatus.RouteEntry]) -> String {
    var text = ""
    var last: IPPrefix?
    for entry in entries {
      let path = entry.path
      let isLocal = path.origin == .local
      let valid = path.isBest || path.removedBy != nil
      text += path.isStale ? "S" : valid ? "*" : " "
      text += path.isBest ? ">" : path.isMultipath ? "=" : " "
      text += path.isInternal && !isLocal ? "i " : "  "
      text += line(path.prefix == last ? nil : path.prefix, path.attributes)
      last = path.prefix
    }
    return text
  }

  private func line(_ prefix: IPPrefix?, _ attributes: PathAttributes) -> String {
    var text = padded(prefix.map(\.description) ?? "", 18) + " "
    text += padded(attributes.nextHop.map(\.description) ?? "0.0.0.0", 18)
    text += aligned(attributes.multiExitDiscriminator.map(String.init) ?? "", 8)
    text += aligned(attributes.localPreference.map(String.init) ?? "", 7) + " "
    let path = attributes.asPath.description
    let origin =
      switch attributes.origin {
      case .igp: "i"
      case .egp: "e"
      case .incomplete: "?"
      }
    return text + (path.isEmpty ? origin : "\(path) \(origin)") + "\n"
  }

  /// The paths of a prefix, or of the longest one that holds an address.
  func route(_ argument: String) -> String {
    let wanted: IPPrefix?
    if let prefix = IPPrefix(argument) {
      wanted = prefix
    } else if let address = IPAddress(argument) {
      wanted = status.routes.map(\.path.prefix).filter { $0.contains(address) }
        .max { $0.length < $1.length }
    } else {
      wanted = nil
    }
    let found = status.routes.filter { $0.path.prefix == wanted }
    if found.isEmpty { return "% Network not in table\n" }
    var text = heading + lines(found)
    for entry in found {
      let from =
        switch entry.path.origin {
        case .local: "this router"
        case .peer(let peer): "\(peer)"
        }
      let verdict = entry.path.removedBy.map { "lost by \($0)" } ?? "best"
      text += "  from \(from): \(entry.path.isBest ? "best" : verdict)\n"
    }
    return text
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
    let counters = session.counters
    text += "  \(counters.messagesReceived) messages received, \(counters.messagesSent) sent\n"
    text += "  \(session.prefixesReceived) prefixes received, \(session.prefixesSent) announced\n"
    if let local = session.localAddress { text += "  Local host: \(local)\n" }
    if let error = session.lastError { text += "  Last error: \(error)\n" }
    return text
  }

  func advertised(_ routes: [(prefix: IPPrefix, attributes: PathAttributes)]) -> String {
    heading + routes.map { "*>  " + line($0.prefix, $0.attributes) }.joined()
  }

  var kernelRoutes: String {
    var text = "Codes: B BGP, * in the kernel's table\n\n"
    var byPrefix: [IPPrefix: [RouterStatus.RouteEntry]] = [:]
    for entry in status.routes where entry.path.isBest || entry.path.isMultipath {
      byPrefix[entry.path.prefix, default: []].append(entry)
    }
    for (prefix, entries) in byPrefix.sorted(by: { $0.key < $1.key }) {
      guard let best = entries.first(where: { $0.path.isBest }), let kernel = best.kernel else {
        continue
      }
      var mark = "*"
      var reason = ""
      if case .failed(let why) = kernel {
        mark = " "
        reason = " (not installed: \(why))"
      }
      let distance = best.path.isInternal ? 200 : 20
      for entry in entries {
        let hop = entry.path.attributes.nextHop.map(\.description) ?? "blackhole"
        text += "B\(mark) \(padded("\(prefix)", 18)) [\(distance)/"
        text += "\(entry.path.attributes.multiExitDiscriminator ?? 0)] via \(hop)\(reason)\n"
      }
    }
    return text
  }
}
