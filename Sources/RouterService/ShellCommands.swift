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
    ("logout", "Leave the shell", .exit), ("terminal length NUMBER", "Lines of a page", .nothing),
    ("terminal no length", "Lines of a page", .nothing),
  ]

  static let show: Patterns = [
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

  static let manage: Patterns = [
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
}
