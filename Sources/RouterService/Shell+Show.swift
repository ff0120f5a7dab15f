import BGP
import Kubernetes
import NetTypes

/// What `show` shows of a router. Tables are walked a few prefixes a turn.
extension Shell {
  func show(_ action: ShellAction, _ words: [String], _ router: Router) -> ShellPieces {
    switch action {
    case .routes: return routes(words, router)
    case .learnt:
      let isKnown = words.lazy.compactMap { IPAddress($0) }.first.map(router.isNeighbor)
      return isKnown == true ? routes(words, router) : Self.noNeighbor(words)
    case .advertised: return advertised(words, router)
    case .received: return received(words, router)
    case .kernelRoutes: return kernelRoutes(words, router)
    case .routeMaps: return ShellPieces(ShellTables.routeMaps(router.policy, Self.name(words, 2)))
    case .prefixLists:
      let isIPv4 = words.dropFirst().first == "ip"
      return ShellPieces(
        ShellTables.prefixLists(
          router.policy.prefixLists(isIPv4 ? .ipv4 : .ipv6), isIPv4 ? "ip" : "ipv6",
          Self.name(words, 3)))
    case .asPathLists:
      return ShellPieces(ShellTables.asPathLists(router.policy, Self.name(words, 3)))
    case .communityLists:
      return ShellPieces(ShellTables.communityLists(router.policy, Self.name(words, 3)))
    default: return ShellPieces(status(action, words, router))
    }
  }

  private static func name(_ words: [String], _ place: Int) -> String? {
    words.count > place ? words[place] : nil
  }

  private static func noNeighbor(_ words: [String]) -> ShellPieces {
    let text = "No such neighbor in this view/vrf"
    return ShellPieces(
      words.last == "json" ? ShellJSON.text(["warning": .string(text)]) : "% \(text)\n")
  }

  private func status(_ action: ShellAction, _ words: [String], _ router: Router) -> String {
    let isJSON = words.last == "json"
    let status = router.sessionStatus
    let families: [AddressFamily] =
      words.contains("ipv6")
      ? [.ipv6] : words.contains("ip") || words.contains("ipv4") ? [.ipv4] : AddressFamily.allCases
    switch action {
    case .summary:
      return isJSON
        ? ShellJSON.text(ShellJSON.summary(status, router.configuration, families))
        : ShellTables(status).summary(families)
    case .neighbors:
      let address = words.lazy.compactMap { IPAddress($0) }.first
      let found = status.sessions.filter { address == nil || $0.peer == address }
      return isJSON
        ? ShellJSON.text(ShellJSON.neighbors(found, status))
        : ShellTables(status).neighbors(address)
    case .bfd:
      if isJSON { return ShellJSON.text(ShellJSON.bfd(status.bfd, at: status.now)) }
      return words.last == "brief"
        ? ShellTables.bfdBrief(status.bfd) : ShellTables.bfd(status.bfd, at: status.now)
    default: return ""
    }
  }

  private func routes(_ words: [String], _ router: Router) -> ShellPieces {
    let query: ShellQuery
    do throws(ShellQuery.Mistake) { query = try ShellQuery(words, router.policy) } catch {
      return ShellPieces(error.text)
    }
    let isJSON = words.last == "json"
    var inside: IPPrefix?
    switch query.scope {
    case .everything: break
    case .longer(let prefix): inside = prefix
    case .prefix(let prefix): return detail(prefix, isJSON, router)
    case .address(let address):
      return detail(router.longestPrefix(holding: address), isJSON, router)
    }
    let status = router.sessionStatus
    let (tables, json) = (ShellTables(status), ShellJSON(status, router.configuration))
    let total = query.families.reduce(0) { $0 + (status.sizes[$1]?.paths ?? 0) }
    var count = 0
    return .table(
      TableWalk(router, query.families, inside: inside),
      head: isJSON ? json.head : tables.heading,
      rows: { [weak router] prefixes in
        guard let router else { return "" }
        let entries = router.entries(of: prefixes).filter {
          query.accepts($0.path, router.policy)
        }
        let text = isJSON ? json.rows(entries, isFirst: count == 0) : tables.rows(entries)
        count += Set(entries.map(\.path.prefix)).count
        return text
      },
      foot: {
        isJSON ? ShellJSON.foot : "\nDisplayed  \(count) routes and \(total) total paths\n"
      })
  }

  private func detail(_ prefix: IPPrefix?, _ isJSON: Bool, _ router: Router) -> ShellPieces {
    let entries = prefix.map { router.entries(of: [$0]) } ?? []
    let status = router.sessionStatus
    return ShellPieces(
      isJSON
        ? ShellJSON.text(ShellJSON(status, router.configuration).route(entries))
        : ShellTables(status).route(entries))
  }

  private func advertised(_ words: [String], _ router: Router) -> ShellPieces {
    guard let address = words.lazy.compactMap({ IPAddress($0) }).first,
      router.isNeighbor(address)
    else { return Self.noNeighbor(words) }
    let isJSON = words.last == "json"
    let status = router.sessionStatus
    let (tables, json) = (ShellTables(status), ShellJSON(status, router.configuration))
    var count = 0
    return .table(
      TableWalk(router, AddressFamily.allCases),
      head: isJSON ? json.head("advertisedRoutes") : tables.heading,
      rows: { [weak router] prefixes in
        let told = router?.announced(prefixes, to: address) ?? []
        defer { count += told.count }
        return isJSON ? json.rows(told, isFirst: count == 0) : tables.rows(told)
      },
      foot: {
        isJSON ? ShellJSON.foot(count, filtered: 0) : "\nTotal number of prefixes \(count)\n"
      })
  }

  private func received(_ words: [String], _ router: Router) -> ShellPieces {
    guard let address = words.lazy.compactMap({ IPAddress($0) }).first,
      router.isNeighbor(address)
    else { return Self.noNeighbor(words) }
    let isJSON = words.last == "json"
    guard let routes = router.received(from: address) else {
      let text = "Inbound soft reconfiguration not enabled"
      return ShellPieces(isJSON ? ShellJSON.text(["warning": .string(text)]) : "% \(text)\n")
    }
    let status = router.sessionStatus
    let (tables, json) = (ShellTables(status), ShellJSON(status, router.configuration))
    let filtered = routes.count(where: \.isFiltered)
    var left = routes[...]
    return .table(
      TableWalk(routes.map(\.prefix)),
      head: isJSON ? json.head("receivedRoutes") : tables.heading,
      rows: { prefixes in
        // One by one with the walk, which has the same order.
        let few = left.prefix(prefixes.count).map { (prefix: $0.prefix, attributes: $0.attributes) }
        defer { left = left.dropFirst(prefixes.count) }
        return isJSON
          ? json.rows(few, isFirst: left.startIndex == routes.startIndex) : tables.rows(few)
      },
      foot: {
        let suffix = filtered > 0 ? " (\(filtered) filtered)" : ""
        return isJSON
          ? ShellJSON.foot(routes.count, filtered: filtered)
          : "\nTotal number of prefixes \(routes.count)\(suffix)\n"
      })
  }

  private func kernelRoutes(_ words: [String], _ router: Router) -> ShellPieces {
    let isJSON = words.last == "json"
    let status = router.sessionStatus
    let (tables, json) = (ShellTables(status), ShellJSON(status, router.configuration))
    var isFirst = true
    return .table(
      TableWalk(router, AddressFamily.allCases), head: isJSON ? "{\n" : ShellTables.kernelHeading,
      rows: { [weak router] prefixes in
        guard let router else { return "" }
        return prefixes.map { prefix in
          let entries = router.entries(of: [prefix])
          if !isJSON { return tables.kernelRows(prefix, entries) }
          guard let row = json.kernelRow(entries) else { return "" }
          defer { isFirst = false }
          return "\(isFirst ? " " : ",")\"\(prefix)\":\(row.text)\n"
        }.joined()
      }, foot: { isJSON ? "}\n" : "" })
  }
}
