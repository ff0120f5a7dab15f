import BGP
import Kubernetes
import NetTypes

/// A router's state as JSON, with the names that FRR's `json` has.
struct ShellJSON {
  private let status: RouterStatus
  private let configuration: RouterConfiguration

  init(_ status: RouterStatus, _ configuration: RouterConfiguration) {
    self.status = status
    self.configuration = configuration
  }

  static func text(_ json: JSON) -> String { json.prettyText + "\n" }

  private static func family(_ address: IPAddress) -> JSON { address.isIPv4 ? "ipv4" : "ipv6" }

  /// `show ip bgp json`: what stands before the routes, as FRR begins it.
  var head: String {
    """
    {
     "vrfId": 0,
     "vrfName": "default",
     "routerId": \(identifier.text),
     "defaultLocPrf": \(configuration.defaultLocalPreference),
     "localAS": \(status.localAS.rawValue),
     "routes": {
    """ + " "
  }

  static let foot = " }  }\n"

  /// Some prefixes of the table.
  func rows(_ entries: [RouterStatus.RouteEntry], isFirst: Bool) -> String {
    var text = ""
    var left = entries[...]
    while let prefix = left.first?.path.prefix {
      let paths = left.prefix { $0.path.prefix == prefix }
      left = left.dropFirst(paths.count)
      text += isFirst && text.isEmpty ? "" : ","
      text += "\"\(prefix)\": \(JSON(lines(Array(paths))).text)\n"
    }
    return text
  }

  private func lines(_ entries: [RouterStatus.RouteEntry]) -> [JSON] {
    let isShared = entries.count(where: \.path.isMultipath) > 1
    return entries.map { entry in
      var json = line(entry, isShared: entry.path.isMultipath && isShared)
      if entry.path.isBest {
        json["selectionReason"] = .string(ShellTables.selectionReason(entries.map(\.path)))
      }
      return json
    }
  }

  private var identifier: JSON { .string(status.routerID.map(\.description) ?? "0.0.0.0") }

  /// - Parameter isShared: Other paths of the prefix carry its traffic too.
  private func line(_ entry: RouterStatus.RouteEntry, isShared: Bool) -> JSON {
    let (path, attributes) = (entry.path, entry.path.attributes)
    let isLocal = path.origin == .local
    var json: JSON = [
      "valid": JSON(path.isUsable),
      "pathFrom": path.isInternal && !isLocal ? "internal" : "external",
      "prefix": .string("\(path.prefix.address)"), "prefixLen": JSON(Int(path.prefix.length)),
      "network": .string("\(path.prefix)"),
      "weight": JSON(Int(attributes.weight)), "peerId": .string(peer(path.origin)),
      "path": .string(attributes.asPath.description),
      "origin": .string(Self.origin(attributes.origin)), "nexthops": [nextHop(path)],
    ]
    if path.isBest { json["bestpath"] = true }
    if isShared { json["multipath"] = true }
    if path.isStale { json["stale"] = true }
    if let metric = attributes.multiExitDiscriminator { json["metric"] = JSON(Int(metric)) }
    if let preference = attributes.localPreference { json["locPrf"] = JSON(Int(preference)) }
    return json
  }

  /// `show ip bgp neighbors X advertised-routes json`, `received-routes json`: what stands before the
  /// routes.
  func head(_ name: String) -> String {
    """
    {
      "bgpLocalRouterId":\(identifier.text),
      "defaultLocPrf":\(configuration.defaultLocalPreference),
      "localAS":\(status.localAS.rawValue),
      "\(name)":{

    """
  }

  static func foot(_ count: Int, filtered: Int) -> String {
    "  },\n  \"totalPrefixCounter\":\(count),\n  \"filteredPrefixCounter\":\(filtered)\n}\n"
  }

  /// Routes of a neighbor's Adj-RIBs.
  func rows(
    _ routes: [(prefix: IPPrefix, attributes: PathAttributes)], isFirst: Bool
  ) -> String {
    var text = ""
    for (prefix, attributes) in routes {
      let codes: [PathAttributes.Origin: JSON] = [.igp: "i", .egp: "e", .incomplete: "?"]
      var json: JSON = [
        "addrPrefix": .string("\(prefix.address)"), "prefixLen": JSON(Int(prefix.length)),
        "network": .string("\(prefix)"), "path": .string(attributes.asPath.description),
        "bgpOriginCode": codes[attributes.origin] ?? "?",
        "weight": JSON(Int(attributes.weight)), "appliedStatusSymbols": ["*": true, ">": true],
      ]
      if let hop = attributes.nextHop { json["nextHop"] = .string("\(hop)") }
      if let metric = attributes.multiExitDiscriminator { json["metric"] = JSON(Int(metric)) }
      if let preference = attributes.localPreference { json["locPrf"] = JSON(Int(preference)) }
      text += isFirst && text.isEmpty ? "    " : "    ,"
      text += "\"\(prefix)\":\(json.text)\n"
    }
    return text
  }

  private func peer(_ origin: BestRoute.Origin) -> String {
    if case .peer(let address) = origin { "\(address)" } else { "(unspec)" }
  }

  private static func origin(_ origin: PathAttributes.Origin) -> String {
    switch origin {
    case .igp: "IGP"
    case .egp: "EGP"
    case .incomplete: "incomplete"
    }
  }

  private func nextHop(_ path: RouteStatus) -> JSON {
    let any: IPAddress = path.prefix.isIPv4 ? .v4(.any) : .v6(.any)
    let hop = path.attributes.nextHop ?? any
    return ["ip": .string("\(hop)"), "afi": Self.family(hop), "used": true]
  }

  /// `show ip bgp PREFIX json`.
  func route(_ entries: [RouterStatus.RouteEntry]) -> JSON {
    guard let prefix = entries.first?.path.prefix else { return [:] }
    return [
      "prefix": .string("\(prefix)"),
      "paths": JSON(entries.map { detail($0.path, $0.nextHopProblem, entries) }),
    ]
  }

  /// - Parameter problem: What keeps the next hop from being reached.
  private func detail(
    _ path: RouteStatus, _ problem: String?, _ entries: [RouterStatus.RouteEntry]
  ) -> JSON {
    let attributes = path.attributes
    let asPath = attributes.asPath
    let segments = asPath.segments.map { segment -> JSON in
      [
        "type": segment.kind == .sequence ? "as-sequence" : "as-set",
        "list": JSON(segment.numbers.map { JSON(Int($0.rawValue)) }),
      ]
    }
    let text = asPath.segments.isEmpty ? "Local" : asPath.description
    var hop = nextHop(path)
    hop["accessible"] = JSON(path.isUsable)
    var json: JSON = [
      "aspath": [
        "string": .string(text), "segments": JSON(segments), "length": JSON(asPath.length),
      ],
      "origin": .string(Self.origin(attributes.origin)), "weight": JSON(Int(attributes.weight)),
      "valid": JSON(path.isUsable), "nexthops": [hop],
    ]
    if let metric = attributes.multiExitDiscriminator { json["metric"] = JSON(Int(metric)) }
    if let preference = attributes.localPreference { json["locPrf"] = JSON(Int(preference)) }
    if path.isBest {
      json["bestpath"] = [
        "overall": true,
        "selectionReason": .string(ShellTables.selectionReason(entries.map(\.path))),
      ]
    }
    if path.isMultipath, entries.count(where: \.path.isMultipath) > 1 { json["multipath"] = true }
    if path.isStale { json["stale"] = true }
    if path.identifier != 0 { json["addpathRxId"] = JSON(Int(path.identifier)) }
    if let problem { json["nextHopProblem"] = .string(problem) }
    if let step = path.removedBy { json["notBestReason"] = .string(step.text) }
    let communities = attributes.communities.map(\.description)
    if !communities.isEmpty {
      json["community"] = [
        "string": .string(communities.joined(separator: " ")), "list": JSON(communities),
      ]
    }
    let large = (attributes.extended?.largeCommunities ?? []).map(\.description)
    if !large.isEmpty {
      json["largeCommunity"] = [
        "string": .string(large.joined(separator: " ")), "list": JSON(large),
      ]
    }
    switch path.origin {
    case .local:
      json["sourced"] = true
      json["local"] = true
      json["peer"] = ["peerId": "0.0.0.0", "routerId": identifier]
    case .peer(let address):
      let session = status.sessions.first { $0.peer == address }
      let id = session?.identifier.map(\.description) ?? "0.0.0.0"
      json["peer"] = [
        "peerId": .string("\(address)"), "routerId": .string(id),
        "type": path.isInternal ? "internal" : "external",
      ]
    }
    return json
  }

  /// `show ip route json`, one prefix; nil: the kernel has nothing to do with it.
  func kernelRow(_ entries: [RouterStatus.RouteEntry]) -> JSON? {
    guard let entry = entries.first(where: \.path.isBest), let kernel = entry.kernel else {
      return nil
    }
    let path = entry.path
    let isInstalled = kernel == .installed
    let hops = entries.map(\.path).filter { $0.isBest || $0.isMultipath }
      .compactMap(\.attributes.nextHop)
    var route: JSON = [
      "prefix": .string("\(path.prefix)"), "prefixLen": JSON(Int(path.prefix.length)),
      "protocol": "bgp", "vrfId": 0, "vrfName": "default", "selected": true,
      "destSelected": true, "distance": JSON(path.isInternal ? 200 : 20),
      "metric": JSON(Int(path.attributes.multiExitDiscriminator ?? 0)),
      "installed": JSON(isInstalled),
      "nexthops": JSON(
        hops.map { hop -> JSON in
          [
            "fib": JSON(isInstalled), "ip": .string("\(hop)"), "afi": Self.family(hop),
            "active": JSON(isInstalled),
          ]
        }),
    ]
    if case .failed(let reason) = kernel { route["reason"] = .string(reason) }
    return [route]
  }
}

extension RouteStatus {
  /// Its next hop can be reached.
  var isUsable: Bool { removedBy != .unreachable }
}
