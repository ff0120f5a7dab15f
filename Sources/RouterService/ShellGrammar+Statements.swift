/// The grammar of configuration statements: what the words are. What they mean, and whether their
/// values can be taken, is the configuration's to say.
extension ShellGrammar {
  /// Each statement and its negations: with its values, and without those that end it.
  static func removable(_ statements: Patterns) -> Patterns {
    var patterns = statements
    var seen: Set<String> = []
    for (pattern, help, action) in statements where !pattern.hasPrefix("no ") {
      var words = pattern.split(separator: " ")
      let values = ["NUMBER", "LINE", "A.B.C.D", "A.B.C.D/M", "WORD"]
      // A neighbour's own place is no value.
      let least = words.first == "neighbor" ? 3 : 1
      repeat {
        let text = "no " + words.joined(separator: " ")
        if seen.insert(text).inserted { patterns.append((text, help, action)) }
        guard words.count > least, let last = words.last, values.contains(String(last)) else {
          break
        }
        words.removeLast()
      } while true
    }
    return patterns
  }

  /// Global statements: lists and route maps.
  static let policy: Patterns =
    removable(
      ["ip", "ipv6"].flatMap { family in
        rules("\(family) prefix-list WORD", "Prefixes, their lengths by ge and le")
          + [
            ("\(family) prefix-list WORD description LINE", "A text for people", .statement)
          ]
      } + rules("access-list WORD", "Prefixes")
        + rules("ipv6 access-list WORD", "Prefixes")
        + ["bgp", "ip"].flatMap { owner in
          rules("\(owner) as-path access-list WORD", "AS paths, by a regular expression")
            + ["community-list", "large-community-list", "extcommunity-list"].flatMap { list in
              ["", "standard ", "expanded "].flatMap { kind in
                rules("\(owner) \(list) \(kind)WORD", "Communities")
              }
            }
        }) + [
      ("route-map WORD permit NUMBER", "A clause that lets through what matches", .statement),
      ("route-map WORD deny NUMBER", "A clause that rejects what matches", .statement),
      ("no route-map WORD", "Remove a route map", .statement),
      ("no route-map WORD permit NUMBER", "Remove a clause", .statement),
      ("no route-map WORD deny NUMBER", "Remove a clause", .statement),
    ]

  private static func rules(_ head: String, _ help: String) -> Patterns {
    [
      ("\(head) permit LINE", help, .statement), ("\(head) deny LINE", help, .statement),
      ("\(head) seq NUMBER permit LINE", help, .statement),
      ("\(head) seq NUMBER deny LINE", help, .statement),
      ("no \(head)", "Remove the list", .statement),
      ("no \(head) seq NUMBER", "Remove a rule", .statement),
    ].filter { !$0.0.hasPrefix("no no") }
  }

  static let familyStatements: Patterns =
    [
      ("network A.B.C.D/M", "Announce a prefix", .statement),
      ("network A.B.C.D/M route-map WORD", "Announce a prefix as a route map has it", .statement),
      ("maximum-paths NUMBER", "Equal paths used together", .statement),
      ("maximum-paths ibgp NUMBER", "Equal internal paths used together", .statement),
    ]
    + ["connected", "kernel", "static"].flatMap { source -> Patterns in
      [
        "redistribute \(source)", "redistribute \(source) metric NUMBER",
        "redistribute \(source) route-map WORD",
        "redistribute \(source) metric NUMBER route-map WORD",
      ].map { ($0, "Announce routes of the kernel's table", .statement) }
    }

  static let routerStatements: Patterns =
    [
      ("bgp router-id A.B.C.D", "This router's identifier", .statement),
      ("bgp graceful-restart", "Peers keep our routes while we restart", .statement),
      ("bgp graceful-restart restart-time NUMBER", "Seconds that they keep them", .statement),
      ("bgp graceful-restart stalepath-time NUMBER", "Seconds that we keep theirs", .statement),
      ("bgp graceful-restart preserve-fw-state", "Always done", .statement),
      ("bgp graceful-shutdown", "Announce that this router goes", .statement),
      ("bgp cluster-id A.B.C.D", "Of route reflectors", .statement),
      ("bgp always-compare-med", "Also between neighboring systems", .statement),
      ("bgp deterministic-med", "Always done", .statement),
      ("bgp client-to-client reflection", "Reflect from client to client", .statement),
      ("bgp bestpath as-path multipath-relax", "Paths of one length are equal", .statement),
      ("bgp default local-preference NUMBER", "Of routes that have none", .statement),
      ("bgp default ipv4-unicast", "IPv4 with every neighbor", .statement),
      ("bgp listen limit NUMBER", "The most neighbors that ranges make", .statement),
      ("bgp listen range A.B.C.D/M peer-group WORD", "Accept neighbors", .statement),
      ("no bgp listen range A.B.C.D/M", "Accept neighbors no more", .statement),
      ("bgp log-neighbor-changes", "Always done", .statement),
      ("bgp ebgp-requires-policy", "Never asked for", .statement),
      ("timers bgp NUMBER NUMBER", "Keepalive and hold time, seconds", .statement),
    ] + familyStatements + neighborSettings

  static let neighborSettings: Patterns =
    [
      ("neighbor WORD peer-group", "Make a peer group", .statement),
      ("neighbor A.B.C.D peer-group WORD", "Put a neighbor into a peer group", .statement),
      ("no neighbor A.B.C.D", "Remove a neighbor", .statement),
      ("neighbor WORD interface", "A neighbor by its interface", .statement),
      ("neighbor WORD interface remote-as NUMBER", "A neighbor by its interface", .statement),
      ("neighbor WORD interface remote-as external", "Of any system but ours", .statement),
      ("neighbor WORD interface remote-as internal", "Of our own system", .statement),
      ("neighbor WORD interface peer-group WORD", "A neighbor by its interface", .statement),
    ] + settings("neighbor WORD") + settings("neighbor A.B.C.D")

  private static func settings(_ subject: String) -> Patterns {
    var all: [(String, String)] = [
      ("remote-as NUMBER", "The neighbor's autonomous system"),
      ("remote-as external", "Any system but ours"), ("remote-as internal", "Our own system"),
      ("description LINE", "A text for people"), ("shutdown", "Keep the session down"),
      ("shutdown message LINE", "Keep it down, and say why"),
      ("passive", "Wait for the neighbor to connect"), ("password WORD", "TCP MD5 key"),
      ("timers NUMBER NUMBER", "Keepalive and hold time, seconds"),
      ("timers connect NUMBER", "Seconds between attempts to connect"),
      ("next-hop-self", "Announce this router as next hop"),
      ("next-hop-self force", "Also of reflected routes"),
      ("route-reflector-client", "Reflect routes to and from it"),
      ("default-originate", "Announce the default route"),
      ("update-source A.B.C.D", "The session's local address"),
      ("update-source WORD", "The interface that has the session's local address"),
      ("ebgp-multihop", "Allow an external neighbor beyond the link"),
      ("ebgp-multihop NUMBER", "Allow an external neighbor beyond the link"),
      ("ttl-security hops NUMBER", "The most hops its packets may have come"),
      ("local-role WORD", "provider, customer, peer, rs-server or rs-client"),
      ("local-role WORD strict-mode", "The neighbor has to say its role"),
      ("allowas-in", "Our AS may stand in its paths"),
      ("allowas-in NUMBER", "Our AS may stand in its paths, so many times"),
      ("bfd", "Watch the path by BFD"),
      ("bfd NUMBER NUMBER NUMBER", "Multiplier, receive and transmit interval in ms"),
      ("addpath-tx-all-paths", "Announce every path"),
      ("addpath-tx-bestpath-per-AS", "Announce the best of each neighboring AS"),
      ("addpath-tx-best-selected NUMBER", "Announce the best few"),
      ("disable-addpath-rx", "Take one path a prefix"),
      ("maximum-prefix NUMBER", "Close the session beyond so many prefixes"),
      ("maximum-prefix NUMBER NUMBER", "Warn at so many percent"),
      ("soft-reconfiguration inbound", "Keep what it announces as it came"),
      ("activate", "Exchange routes of the family"),
      ("send-community", "Always done"), ("send-community LINE", "Always done"),
    ]
    for limit in ["maximum-prefix NUMBER", "maximum-prefix NUMBER NUMBER"] {
      all.append(("\(limit) warning-only", "Warn and no more"))
      all.append(("\(limit) restart NUMBER", "Minutes until the session starts again"))
    }
    for filter in ["prefix-list", "filter-list", "distribute-list", "route-map"] {
      all.append(("\(filter) WORD in", "What is taken from the neighbor"))
      all.append(("\(filter) WORD out", "What is announced to the neighbor"))
    }
    return all.map { ("\(subject) \($0.0)", $0.1, .statement) }
  }

  static let clauseStatements: Patterns =
    [
      "match ip address prefix-list WORD", "match ip address prefix-len NUMBER",
      "match ip address WORD", "match ip next-hop prefix-list WORD",
      "match ip next-hop address A.B.C.D", "match ip next-hop A.B.C.D",
      "match ipv6 address prefix-list WORD", "match ipv6 address prefix-len NUMBER",
      "match ipv6 address WORD", "match ipv6 next-hop prefix-list WORD",
      "match ipv6 next-hop A.B.C.D", "match as-path WORD", "match community WORD",
      "match community WORD exact-match", "match large-community WORD",
      "match large-community WORD exact-match", "match extcommunity WORD",
      "match metric NUMBER", "match local-preference NUMBER", "match origin WORD",
      "match peer A.B.C.D", "match source-protocol WORD", "match tag NUMBER",
    ].map { ($0, "What a route has to be", .statement) }
    + [
      "set local-preference LINE", "set metric LINE", "set weight NUMBER", "set origin WORD",
      "set as-path prepend LINE", "set as-path exclude LINE", "set community LINE",
      "set comm-list WORD delete", "set large-community LINE", "set large-comm-list WORD delete",
      "set extcommunity rt LINE", "set extcommunity soo LINE", "set extcommunity none",
      "set ip next-hop LINE", "set ipv6 next-hop LINE", "set originator-id A.B.C.D",
      "set atomic-aggregate", "set aggregator as NUMBER A.B.C.D", "set tag NUMBER",
    ].map { ($0, "What becomes of it", .statement) }
    + [
      ("call WORD", "Another route map, which may deny", .statement),
      ("description LINE", "A text for people", .statement),
      ("on-match next", "Go on with the next clause", .statement),
      ("on-match goto NUMBER", "Go on with a later clause", .statement),
      ("continue", "Go on with the next clause", .statement),
      ("continue NUMBER", "Go on with a later clause", .statement),
    ]
}
