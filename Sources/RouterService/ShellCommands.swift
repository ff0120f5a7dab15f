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
    ] + shared + show + manage)

  static let router = ShellGrammar(
    routerStatements + routerStatements.map { ("no \($0.0)", $0.1, $0.2) }
      + routerRemovals + [
        ("router bgp NUMBER", "BGP by its autonomous system number", .statement),
        ("no router bgp NUMBER", "End BGP", .statement),
        ("hostname WORD", "The name in the prompt", .statement),
        ("end", "Back to privileged mode", .end),
      ] + shared + show + manage)

  private typealias Patterns = [(String, String, ShellAction)]

  private static let shared: Patterns = [
    ("exit", "Leave this mode", .exit), ("quit", "Leave this mode", .exit),
    ("logout", "Leave the shell", .exit), ("terminal length NUMBER", "Lines of a page", .nothing),
    ("terminal no length", "Lines of a page", .nothing),
  ]

  private static let show: Patterns = [
    ("show ip bgp", "All paths", .routes),
    ("show ip bgp A.B.C.D/M", "The paths of a prefix", .route),
    ("show ip bgp A.B.C.D", "The paths that an address takes", .route),
    ("show ip bgp summary", "Neighbors and their states", .summary),
    ("show bgp summary", "Neighbors and their states", .summary),
    ("show ip bgp neighbors", "Neighbors in detail", .neighbors),
    ("show ip bgp neighbors A.B.C.D", "One neighbor in detail", .neighbor),
    ("show ip bgp neighbors A.B.C.D advertised-routes", "What a neighbor was told", .advertised),
    ("show ip route", "Routes of the kernel's table", .kernelRoutes),
    ("show ip route bgp", "Routes of the kernel's table", .kernelRoutes),
    ("show version", "The program's version", .showVersion),
  ]

  private static let manage: Patterns = [
    ("show running-config", "What is in force", .showRunning),
    ("show startup-config", "What the next start reads", .showStartup),
    ("write", "Save the running configuration", .write),
    ("write memory", "Save the running configuration", .write),
    ("write file", "Save the running configuration", .write),
    ("write terminal", "What is in force", .showRunning),
    ("copy running-config startup-config", "Save the running configuration", .write),
    ("clear ip bgp *", "Restart all sessions", .clearAll),
    ("clear bgp *", "Restart all sessions", .clearAll),
    ("clear ip bgp A.B.C.D", "Restart one session", .clear),
  ]

  private static let routerStatements: Patterns =
    [
      ("bgp router-id A.B.C.D", "This router's identifier", .statement),
      ("bgp graceful-restart", "Peers keep our routes while we restart", .statement),
      ("bgp graceful-restart restart-time NUMBER", "Seconds that they keep them", .statement),
      ("bgp cluster-id A.B.C.D", "Of route reflectors", .statement),
      ("bgp client-to-client reflection", "Reflect from client to client", .statement),
      ("bgp always-compare-med", "Also between neighboring systems", .statement),
      ("bgp log-neighbor-changes", "Always done", .statement),
      ("network A.B.C.D/M", "Announce a prefix", .statement),
      ("maximum-paths NUMBER", "Equal paths used together", .statement),
      ("maximum-paths ibgp NUMBER", "Equal paths used together", .statement),
      ("timers bgp NUMBER NUMBER", "Keepalive and hold time, seconds", .statement),
      ("neighbor WORD peer-group", "Make a peer group", .statement),
      ("neighbor A.B.C.D peer-group WORD", "Put a neighbor into a peer group", .statement),
    ] + settings("neighbor WORD") + settings("neighbor A.B.C.D")

  private static func settings(_ subject: String) -> Patterns {
    let all: [(String, String)] = [
      ("remote-as NUMBER", "The neighbor's autonomous system"),
      ("description LINE", "A text for people"), ("shutdown", "Keep the session down"),
      ("passive", "Wait for the neighbor to connect"), ("password WORD", "TCP MD5 key"),
      ("timers NUMBER NUMBER", "Keepalive and hold time, seconds"),
      ("next-hop-self", "Announce this router as next hop"),
      ("next-hop-self force", "Also of reflected routes"),
      ("route-reflector-client", "Reflect routes to and from it"),
      ("default-originate", "Announce the default route"),
      ("update-source A.B.C.D", "The session's local address"),
      ("ebgp-multihop", "Allow an external neighbor beyond the link"),
      ("ebgp-multihop NUMBER", "Allow an external neighbor beyond the link"),
      ("maximum-prefix NUMBER", "Close the session beyond so many prefixes"),
      ("soft-reconfiguration inbound", "Always done"), ("activate", "Always done"),
      ("send-community", "Always done"),
    ]
    return all.map { ("\(subject) \($0.0)", $0.1, .statement) }
  }

  /// Negations that need no value.
  private static let routerRemovals: Patterns =
    [
      ("no bgp router-id", "Choose the identifier", .statement),
      ("no bgp cluster-id", "As the identifier", .statement),
      ("no maximum-paths", "One path only", .statement),
      ("no timers bgp", "As by default", .statement),
      ("no neighbor A.B.C.D", "Remove a neighbor", .statement),
    ]
    + ["WORD", "A.B.C.D"].flatMap { subject in
      [
        "remote-as", "description", "password", "timers", "update-source", "maximum-prefix",
      ].map { ("no neighbor \(subject) \($0)", "As by default", .statement) }
    }
}
