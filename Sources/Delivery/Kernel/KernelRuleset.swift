import NetTypes

/// What an edge's own nftables table holds, and the nft(8) scripts that make it so.
///
///     prerouting, output ─▶ new ─ address, protocol, port ─▶ vs-… ─ numgen or jhash ─▶ m-… ─▶ DNAT
///     accounting ─ packets of those connections, by the mark that m-… gave them ─▶ counters
///     postrouting ─▶ masquerade where the mark asks for it; then egress, by source
///
/// 1. A script is one transaction, and holds only what differs: chains of other objects, the turns
///    that they keep and all counters stay as they are.
/// 2. Only a connection's first packet passes `new`; what a connection has been given it keeps.
/// 3. A TCP connection that conntrack(8) has not seen begin is left alone: it is not one of ours.
package struct KernelRuleset: Equatable, Sendable {
  package struct Chain: Equatable, Sendable {
    /// `type … hook … priority …;` of a base chain.
    var hook: String?
    var rules: [String]
  }

  /// A map, or with empty values a set.
  package struct Map: Equatable, Sendable {
    var type: String
    var elements: [String: String]
    var kind: String { type.contains(":") ? "map" : "set" }
  }

  package internal(set) var chains: [String: Chain] = [:]
  package internal(set) var maps: [String: Map] = [:]
  package internal(set) var counters: Set<String> = []
  /// What tells the connections of one member of one virtual server (ct mark).
  var marks: [Target: UInt32] = [:]
  package internal(set) var allMarks: Set<UInt32> = []

  struct Target: Hashable {
    var server: String
    var member: SocketAddress
  }

  init() {}

  /// What another process has left in a table, as `nft list table` prints it: names alone. A script
  /// from there writes every chain and map anew, and keeps the counters.
  package init(listing: String) {
    for line in listing.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard words.count == 3, words[2] == "{" else { continue }
      switch words[0] {
      case "chain": chains[String(words[1])] = Chain(hook: nil, rules: [Self.unknown])
      case "counter": counters.insert(String(words[1]))
      case "map": maps[String(words[1])] = Map(type: ":", elements: [Self.unknown: ""])
      case "set": maps[String(words[1])] = Map(type: "", elements: [Self.unknown: ""])
      default: break
      }
    }
  }

  private static let unknown = "?"

  /// The transaction that leads from `old` to this; nil where nothing differs.
  /// - Parameter old: Nil: there is no table yet.
  package func transaction(table: String, from old: KernelRuleset?) -> String? {
    guard self != old else { return nil }
    let place = "inet \(table)"
    var lines = ["add table \(place)"]
    let old = old ?? KernelRuleset()
    for name in counters.subtracting(old.counters).sorted() {
      lines.append("add counter \(place) \(name)")
    }
    for (name, map) in maps.sorted(by: { $0.key < $1.key }) where old.maps[name] == nil {
      lines.append("add \(map.kind) \(place) \(name) { type \(map.type); }")
    }
    for (name, chain) in chains.sorted(by: { $0.key < $1.key }) where old.chains[name] == nil {
      lines.append("add chain \(place) \(name)" + (chain.hook.map { " { \($0) }" } ?? ""))
    }
    for (name, map) in old.maps.sorted(by: { $0.key < $1.key }) {
      if map.elements[Self.unknown] != nil {
        lines.append("flush \(map.kind) \(place) \(name)")
        continue
      }
      let gone = map.elements.filter { maps[name]?.elements[$0.key] != $0.value }.keys.sorted()
      if !gone.isEmpty {
        lines.append("delete element \(place) \(name) { \(gone.joined(separator: ", ")) }")
      }
    }
    let changed = chains.filter { old.chains[$0.key]?.rules ?? [] != $0.value.rules }
    let removed = old.chains.keys.filter { chains[$0] == nil }.sorted()
    for name in (changed.keys.filter { old.chains[$0] != nil } + removed).sorted() {
      lines.append("flush chain \(place) \(name)")
    }
    for (name, chain) in changed.sorted(by: { $0.key < $1.key }) {
      lines += chain.rules.map { "add rule \(place) \(name) \($0)" }
    }
    for (name, map) in maps.sorted(by: { $0.key < $1.key }) {
      let known = old.maps[name]?.elements ?? [:]
      let new = map.elements.filter { known[$0.key] != $0.value }.sorted { $0.key < $1.key }
        .map { $0.value.isEmpty ? $0.key : "\($0.key) : \($0.value)" }
      if !new.isEmpty {
        lines.append("add element \(place) \(name) { \(new.joined(separator: ", ")) }")
      }
    }
    lines += removed.map { "delete chain \(place) \($0)" }
    for (name, map) in old.maps.sorted(by: { $0.key < $1.key }) where maps[name] == nil {
      lines.append("delete \(map.kind) \(place) \(name)")
    }
    lines += old.counters.subtracting(counters).sorted().map { "delete counter \(place) \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Packets and bytes by counter, of what `nft list counters` prints.
  package static func counts(listing: String) -> [String: (packets: UInt64, bytes: UInt64)] {
    var counts: [String: (packets: UInt64, bytes: UInt64)] = [:]
    var name = ""
    for line in listing.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      if words.count == 3, words[0] == "counter" { name = String(words[1]) }
      if words.count == 4, words[0] == "packets", let packets = UInt64(words[1]),
        let bytes = UInt64(words[3])
      {
        counts[name] = (packets, bytes)
      }
    }
    return counts
  }
}
