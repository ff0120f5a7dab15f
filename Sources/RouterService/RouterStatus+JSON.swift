import BGP
import Kubernetes
import NetTypes

extension RouterStatus {
  /// As control sockets show it.
  package var json: JSON {
    var prefixes: [IPPrefix: [RouteEntry]] = [:]
    for route in routes { prefixes[route.path.prefix, default: []].append(route) }
    return [
      "as": JSON(Int(localAS.rawValue)), "routerID": JSON(routerID.map(\.description)),
      "sessions": .array(sessions.map(json)),
      "routes": .array(prefixes.sorted { $0.key < $1.key }.map { Self.json($0.key, $0.value) }),
    ]
  }

  private func json(_ session: SessionStatus) -> JSON {
    let isUp = session.state == .established
    var json: JSON = [
      "peer": .string("\(session.peer)"), "as": JSON(Int(session.remoteAS.rawValue)),
      "state": .string(session.state.rawValue),
      "prefixesReceived": JSON(session.prefixesReceived),
      "prefixesSent": JSON(session.prefixesSent), "isShutdown": JSON(session.isShutdown),
      "description": JSON(session.description),
    ]
    let seconds = Int(session.since.duration(to: now).components.seconds)
    json[isUp ? "uptimeSeconds" : "downSeconds"] = JSON(seconds)
    if !isUp, let error = session.lastError { json["lastError"] = .string("\(error)") }
    if let identifier = session.identifier { json["routerID"] = .string("\(identifier)") }
    return json
  }

  private static func json(_ prefix: IPPrefix, _ paths: [RouteEntry]) -> JSON {
    let used = paths.filter { $0.path.isBest || $0.path.isMultipath }
    let best = used.first { $0.path.isBest }
    let isLocal = best.map { $0.path.origin == .local } ?? false
    // Without a usable path, the next hops that stand in the way.
    let hops = isLocal ? [] : (best == nil ? paths : used).compactMap { $0.path.attributes.nextHop }
    var json: JSON = [
      "prefix": .string("\(prefix)"), "nextHops": JSON(hops.map(\.description)),
      "paths": JSON(paths.count), "stale": JSON(best?.path.isStale ?? false),
    ]
    switch best?.kernel {
    case .installed?: json["installed"] = true
    case .failed(let reason)?:
      json["installed"] = false
      json["reason"] = .string(reason)
    case nil:
      json["installed"] = false
      json["reason"] = .string(
        isLocal ? "own prefix" : best == nil ? obstacle(paths) : "not installed")
    }
    return json
  }

  /// Why no path of a prefix can be used.
  private static func obstacle(_ paths: [RouteEntry]) -> String {
    let reasons = paths.compactMap { entry in
      entry.nextHopProblem.map { problem in
        "next hop \(entry.path.attributes.nextHop.map { "\($0) " } ?? "")cannot be reached: \(problem)"
      }
    }
    return reasons.isEmpty ? "no usable path" : reasons.joined(separator: "; ")
  }
}
