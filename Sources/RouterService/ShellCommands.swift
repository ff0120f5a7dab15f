extension ShellGrammar {
  /// Before `enable`.
  static let user = ShellGrammar(
    [("enable", "Turn on privileged commands", .enable)] + shared + show)

  static let privileged = ShellGrammar(
    [
      ("configure terminal", "Change the running configuration", .configure),
      ("disable", "Turn off privileged commands", .disable),
      ("enable", "Turn on privileged commands", .enable),
    ] + shared + show + manage)

  /// Global statements, and what may be done meanwhile.
  static let configuration = ShellGrammar(
    [
      ("router bgp NUMBER", "BGP by its autonomous system number", .statement),
      ("no router bgp NUMBER", "End BGP", .statement),
      ("hostname WORD", "The name in the prompt", .statement),
      ("no hostname", "The name in the prompt", .statement),
      ("no service password-encryption", "Passwords are shown as they are", .statement),
      ("line con NUMBER", "Logins", .statement), ("line vty NUMBER NUMBER", "Logins", .statement),
      ("login", "Logins", .statement), ("end", "Back to privileged mode", .end),
    ] + policy + shared + show + manage)

  static let router = ShellGrammar(
    removable(routerStatements) + [
      ("address-family ipv4 unicast", "Statements of IPv4", .statement),
      ("address-family ipv6 unicast", "Statements of IPv6", .statement),
    ] + sections)

  static let family = ShellGrammar(
    removable(familyStatements + neighborSettings)
      + [("exit-address-family", "Back to the router", .exit)] + sections)

  static let routeMap = ShellGrammar(removable(clauseStatements) + sections)

  /// What may begin from inside a section, and end it.
  private static let sections: Patterns =
    [
      ("router bgp NUMBER", "BGP by its autonomous system number", .statement),
      ("no router bgp NUMBER", "End BGP", .statement),
      ("hostname WORD", "The name in the prompt", .statement),
      ("end", "Back to privileged mode", .end),
    ] + policy + shared + show + manage

  typealias Patterns = [(String, String, ShellAction)]

  static let shared: Patterns = [
    ("exit", "Leave this mode", .exit), ("quit", "Leave this mode", .exit),
    ("logout", "Leave the shell", .exit),
    ("terminal length NUMBER", "Lines of a page; 0: all", .pageLength),
    ("terminal no length", "Everything at once", .pageLength),
    ("terminal monitor", "Show lines of debugging here", .monitor),
    ("terminal no monitor", "Show them no more", .endMonitor),
    ("no terminal monitor", "Show them no more", .endMonitor),
  ]

  static let show: Patterns =
    withJSON(
      heads.flatMap(tables) + [
        ("show ip route", "Routes of the kernel's table", .kernelRoutes),
        ("show ip route bgp", "Routes of the kernel's table", .kernelRoutes),
        ("show bfd peers", "Sessions that watch paths", .bfd),
      ]) + [
      ("show bfd peers brief", "Sessions that watch paths", .bfd),
      ("show route-map", "Route maps, and how many routes matched", .routeMaps),
      ("show route-map WORD", "One route map", .routeMaps),
      ("show ip prefix-list", "Prefix lists", .prefixLists),
      ("show ip prefix-list WORD", "One prefix list", .prefixLists),
      ("show ipv6 prefix-list", "Prefix lists", .prefixLists),
      ("show ipv6 prefix-list WORD", "One prefix list", .prefixLists),
      ("show bgp as-path-access-list", "AS path lists", .asPathLists),
      ("show bgp as-path-access-list WORD", "One AS path list", .asPathLists),
      ("show bgp community-list", "Community lists", .communityLists),
      ("show bgp community-list WORD", "One community list", .communityLists),
      ("show version", "The program's version", .showVersion),
    ]

  private static let heads = [
    "show ip bgp", "show ip bgp ipv4 unicast", "show ip bgp ipv6 unicast", "show bgp",
    "show bgp ipv4", "show bgp ipv4 unicast", "show bgp ipv6", "show bgp ipv6 unicast",
  ]

  private static func tables(_ head: String) -> Patterns {
    [
      (head, "All paths", .routes),
      ("\(head) A.B.C.D/M", "The paths of a prefix", .routes),
      ("\(head) A.B.C.D/M longer-prefixes", "A prefix and what is inside it", .routes),
      ("\(head) A.B.C.D", "The paths that an address takes", .routes),
      ("\(head) community", "Paths with communities", .routes),
      ("\(head) community WORD", "Paths with a community", .routes),
      ("\(head) community WORD exact-match", "Paths with a community and no other", .routes),
      ("\(head) cidr-only", "Prefixes of other lengths than their classes had", .routes),
      ("\(head) filter-list WORD", "Paths that an AS path list permits", .routes),
      ("\(head) prefix-list WORD", "Prefixes that a list permits", .routes),
      ("\(head) route-map WORD", "Paths that a route map permits", .routes),
      ("\(head) summary", "Neighbors and their states", .summary),
      ("\(head) neighbors", "Neighbors in detail", .neighbors),
      ("\(head) neighbors A.B.C.D", "One neighbor in detail", .neighbors),
      ("\(head) neighbors A.B.C.D advertised-routes", "What a neighbor was told", .advertised),
      ("\(head) neighbors A.B.C.D received-routes", "What a neighbor has sent", .received),
      ("\(head) neighbors A.B.C.D routes", "What is taken from a neighbor", .learnt),
    ]
  }

  /// Each also with `json`, and one that takes a pattern.
  private static func withJSON(_ patterns: Patterns) -> Patterns {
    patterns + patterns.map { ("\($0.0) json", $0.1, $0.2) }
      + heads.map { ("\($0) regexp LINE", "Paths whose AS path has a pattern", .routes) }
  }

  static let manage: Patterns =
    [
      ("show running-config", "What is in force", .showRunning),
      ("show startup-config", "What the next start reads", .showStartup),
      ("write", "Save the running configuration", .write),
      ("write memory", "Save the running configuration", .write),
      ("write file", "Save the running configuration", .write),
      ("write terminal", "What is in force", .showRunning),
      ("copy running-config startup-config", "Save the running configuration", .write),
      ("copy WORD running-config", "Apply a file, whole or not at all", .copy),
    ]
    + debugging
    + ["clear ip bgp", "clear bgp"].flatMap { head in
      ["*", "A.B.C.D"].flatMap { who -> Patterns in
        [
          ("\(head) \(who)", "Restart sessions", .clear),
          ("\(head) \(who) soft", "Ask for routes anew, and tell them anew", .clearSoft),
          ("\(head) \(who) soft in", "Ask for routes anew", .clearSoft),
          ("\(head) \(who) soft out", "Tell routes anew", .clearSoft),
          ("\(head) \(who) in", "Ask for routes anew", .clearSoft),
          ("\(head) \(who) out", "Tell routes anew", .clearSoft),
        ]
      }
    }
}
