import NetTypes
import Wire

extension KernelRuleset {
  /// The whole table.
  package init(servers: [KernelServer], egress: [Egress]) {
    self.init()
    chains = Self.baseChains
    maps = [
      "servers4": Map(type: "ipv4_addr . inet_proto . inet_service : verdict", elements: [:]),
      "servers6": Map(type: "ipv6_addr . inet_proto . inet_service : verdict", elements: [:]),
      "received": Map(type: "mark : counter", elements: [:]),
      "sent": Map(type: "mark : counter", elements: [:]),
      "masqueraded": Map(type: "mark", elements: [:]),
    ]
    for server in servers {
      for member in server.pool.members { addMark(server.server.name, member.socketAddress) }
    }
    for server in servers { add(server) }
    var rules = chains["postrouting"]?.rules ?? []
    for egress in egress {
      counters.insert(egress.counter)
      rules += egress.rules
    }
    chains["postrouting"]?.rules = rules
  }

  private static let baseChains = [
    "prerouting": Chain(
      hook: "type nat hook prerouting priority dstnat; policy accept;", rules: toNew),
    "output": Chain(hook: "type nat hook output priority -100; policy accept;", rules: toNew),
    "new": Chain(
      hook: nil,
      rules: [
        "ip daddr . meta l4proto . th dport vmap @servers4",
        "ip6 daddr . meta l4proto . th dport vmap @servers6",
      ]),
    "accounting": Chain(
      hook: "type filter hook postrouting priority mangle; policy accept;",
      rules: [
        "ct mark 0 accept", "ct direction original counter name ct mark map @received",
        "ct direction reply counter name ct mark map @sent",
      ]),
    "postrouting": Chain(
      hook: "type nat hook postrouting priority srcnat; policy accept;",
      rules: ["ct status dnat ct mark @masqueraded masquerade", "ct status dnat accept"]),
  ]

  private static let toNew = [
    "meta l4proto tcp tcp flags & (fin | syn | rst | ack) == syn jump new",
    "meta l4proto udp jump new",
  ]

  /// The same after a restart, but for the rare two that would be alike.
  private mutating func addMark(_ server: String, _ member: SocketAddress) {
    let hash = fnv("\(server) \(member)")
    var mark = max(1, UInt32(truncatingIfNeeded: hash ^ hash >> 32))
    while !allMarks.insert(mark).inserted { mark = mark == .max ? 1 : mark + 1 }
    marks[Target(server: server, member: member)] = mark
  }

  private mutating func add(_ entry: KernelServer) {
    let server = entry.server
    let transport = server.protocol == .udp ? "udp" : "tcp"
    let family = server.address.isIPv4 ? "ip" : "ip6"
    let chain = "vs-\(hexadecimal(fnv(server.name), digits: 16))"
    maps[server.address.isIPv4 ? "servers4" : "servers6"]?
      .elements["\(server.address) . \(transport) . \(server.port)"] = "goto \(chain)"
    for index in entry.pool.members.indices {
      let target = entry.pool.members[index].socketAddress
      let name = markName(server.name, target)
      counters.formUnion(["c-\(name)", "r-\(name)", "s-\(name)"])
      maps["received"]?.elements["0x\(name)"] = "\"r-\(name)\""
      maps["sent"]?.elements["0x\(name)"] = "\"s-\(name)\""
      if server.snat != SourceTranslation.none { maps["masqueraded"]?.elements["0x\(name)"] = "" }
      chains["m-\(name)"] = Chain(
        hook: nil,
        rules: [
          "counter name \"c-\(name)\" ct mark set 0x\(name) meta l4proto \(transport) "
            + "dnat \(family) to \(target) comment \"\(comment(server.name))\""
        ])
    }
    chains[chain] = Chain(hook: nil, rules: choice(entry, family))
  }

  /// What chains and counters of a member are called, behind `m-`, `c-`, `r-` and `s-`.
  package func markName(_ server: String, _ member: SocketAddress) -> String {
    hexadecimal(UInt64(mark(server, member) ?? 0), digits: 8)
  }

  package func mark(_ server: String, _ member: SocketAddress) -> UInt32? {
    marks[Target(server: server, member: member)]
  }

  private func choice(_ entry: KernelServer, _ family: String) -> [String] {
    let slots = entry.slots
    guard let first = slots.first else { return [] }
    func verdict(_ index: Int) -> String {
      "goto m-\(markName(entry.server.name, entry.pool.members[index].socketAddress))"
    }
    guard slots.contains(where: { $0 != first }) else { return [verdict(first)] }
    var elements: [String] = []
    var start = 0
    for next in 1...slots.count where next == slots.count || slots[next] != slots[start] {
      let range = next - start == 1 ? "\(start)" : "\(start)-\(next - 1)"
      elements.append("\(range) : \(verdict(slots[start]))")
      start = next
    }
    let key =
      entry.pool.loadBalancing == .consistentHash
      ? "jhash \(family) saddr mod \(slots.count) seed 0x61746f6c" : "numgen inc mod \(slots.count)"
    return ["\(key) vmap { \(elements.joined(separator: ", ")) }"]
  }
}

/// What a name may be in a comment of nft(8).
func comment(_ text: String) -> String {
  String(
    text.prefix(100).map { character in
      let isPlain = character.isASCII && (character.isLetter || character.isNumber)
      return isPlain || ".:/_-".contains(character) ? character : "_"
    })
}

func fnv(_ text: String) -> UInt64 {
  text.utf8.fnv1a
}

func hexadecimal(_ value: UInt64, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
