import NetTypes

/// Renders a service table as one nft(8) script, which replaces our table in one transaction.
///
///     prerouting, output ─▶ services ─┬ cluster address, port ─▶ svc-… ─▶ DNAT to an endpoint
///                                     └ own address, node port ─▶ ext-… ─ mark ─▶ svc-…
///     postrouting ─▶ masquerade what is marked, and a pod that reached itself
///     forward, output ─▶ reject what has no endpoint
package struct ServiceRules: Sendable {
  package static let table = "atoll"
  /// The packet mark for "masquerade on the way out", the bit kube-proxy uses.
  static let masqueradeMark = "0x4000"

  package var table: ServiceTable
  /// Pods of these prefixes are masqueraded when they talk to anything outside all of them.
  package var natOutgoing: [IPPrefix]
  /// Networks that see pod addresses as they are, with `natOutgoing`.
  package var routed: [IPPrefix]

  package init(table: ServiceTable, natOutgoing: [IPPrefix] = [], routed: [IPPrefix] = []) {
    self.table = table
    self.natOutgoing = natOutgoing
    self.routed = routed
  }

  /// The script. IPv4 only for now: entries without an IPv4 address are left out.
  package var script: String {
    let entries = table.entries.filter { $0.clusterAddresses.contains(where: \.isIPv4) }
    var lines = [
      "table ip \(Self.table)", "delete table ip \(Self.table)", "table ip \(Self.table) {",
    ]
    lines += container(
      "map service-ips", "ipv4_addr . inet_proto . inet_service : verdict",
      entries.filter { !targets($0).isEmpty }.flatMap { entry in
        keys(of: entry).map { "\($0) : goto \(chain("svc", entry))" }
      })
    lines += container(
      "map node-ports", "inet_proto . inet_service : verdict",
      entries.filter { $0.nodePort != nil && !externalTargets($0).isEmpty }.map { entry in
        "\(entry.transport.rawValue) . \(entry.nodePort ?? 0) : goto \(chain("ext", entry))"
      })
    lines += container(
      "set no-endpoints", "ipv4_addr . inet_proto . inet_service",
      entries.filter { targets($0).isEmpty }.flatMap(keys))
    let addresses = Set(entries.flatMap { targets($0).map(\.address) }).sorted()
    lines += container(
      "set hairpin", "ipv4_addr . ipv4_addr", addresses.map { "\($0) . \($0)" })
    lines += Self.baseChains
    lines += postrouting
    for entry in entries { lines += chains(of: entry) }
    lines.append("}")
    return lines.joined(separator: "\n") + "\n"
  }

  private static let baseChains = [
    "  chain services {",
    "    ip daddr . meta l4proto . th dport vmap @service-ips",
    "    fib daddr type local meta l4proto . th dport vmap @node-ports",
    "  }",
    "  chain prerouting {",
    "    type nat hook prerouting priority dstnat; policy accept;",
    "    jump services",
    "  }",
    "  chain output {",
    "    type nat hook output priority -100; policy accept;",
    "    jump services",
    "  }",
    "  chain refuse {",
    "    ct state new ip daddr . meta l4proto . th dport @no-endpoints reject",
    "  }",
    "  chain filter-forward {",
    "    type filter hook forward priority filter; policy accept;",
    "    jump refuse",
    "  }",
    "  chain filter-output {",
    "    type filter hook output priority filter; policy accept;",
    "    jump refuse",
    "  }",
  ]

  private var postrouting: [String] {
    var lines = [
      "  chain postrouting {", "    type nat hook postrouting priority srcnat; policy accept;",
      "    meta mark & \(Self.masqueradeMark) == \(Self.masqueradeMark) masquerade",
      "    ip saddr . ip daddr @hairpin masquerade",
    ]
    let inside = (natOutgoing + routed).filter(\.isIPv4).sorted().map(\.description)
    for pool in natOutgoing where pool.isIPv4 {
      lines.append(
        "    ip saddr \(pool) ip daddr != { \(inside.joined(separator: ", ")) } masquerade")
    }
    return lines + ["  }"]
  }

  private func container(_ head: String, _ type: String, _ elements: [String]) -> [String] {
    var lines = ["  \(head) {", "    type \(type)"]
    if !elements.isEmpty {
      // Two Services may ask for one node port; the first keeps it.
      var seen: Set<Substring> = []
      let unique = elements.filter { seen.insert($0.prefix { $0 != ":" }).inserted }
      lines.append("    elements = { \(unique.joined(separator: ", ")) }")
    }
    return lines + ["  }"]
  }

  private func keys(of entry: ServiceTable.Entry) -> [String] {
    entry.clusterAddresses.filter(\.isIPv4).map {
      "\($0) . \(entry.transport.rawValue) . \(entry.port)"
    }
  }

  private func targets(_ entry: ServiceTable.Entry) -> [SocketAddress] {
    entry.endpoints.filter(\.address.isIPv4)
  }

  private func externalTargets(_ entry: ServiceTable.Entry) -> [SocketAddress] {
    entry.isExternalLocal ? entry.localEndpoints.filter(\.address.isIPv4) : targets(entry)
  }

  private func chains(of entry: ServiceTable.Entry) -> [String] {
    var lines: [String] = []
    if !targets(entry).isEmpty {
      lines += [
        "  chain \(chain("svc", entry)) {", "    \(translation(entry, targets(entry)))", "  }",
      ]
    }
    let external = externalTargets(entry)
    if entry.nodePort != nil, !external.isEmpty {
      lines.append("  chain \(chain("ext", entry)) {")
      if entry.isExternalLocal {
        lines.append("    \(translation(entry, external))")
      } else {
        lines.append("    meta mark set meta mark | \(Self.masqueradeMark)")
        lines.append("    goto \(chain("svc", entry))")
      }
      lines.append("  }")
    }
    return lines
  }

  private func translation(_ entry: ServiceTable.Entry, _ targets: [SocketAddress]) -> String {
    let choice = entry.isSticky ? "jhash ip saddr mod" : "numgen random mod"
    let map = targets.enumerated().map { "\($0) : \($1.address) . \($1.port)" }
    return "meta l4proto \(entry.transport.rawValue) dnat ip addr . port to \(choice) "
      + "\(targets.count) map { \(map.joined(separator: ", ")) } comment \"\(entry.name.prefix(120))\""
  }

  /// A chain's name: nft allows no slash or colon and not every length, so it is a hash (FNV-1a).
  private func chain(_ kind: String, _ entry: ServiceTable.Entry) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in "\(entry.name)/\(entry.transport.rawValue)".utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    let digits = String(hash, radix: 16)
    return "\(kind)-\(String(repeating: "0", count: 16 - digits.count))\(digits)"
  }
}
