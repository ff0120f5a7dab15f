import NetTypes

/// What a virtual server's connections leave the edge with.
package enum SourceTranslation: String, Sendable, CaseIterable {
  /// The address of the outgoing interface, so that the answer comes back this way.
  case automap
  /// The client's: members send their answers back by the edge.
  case none
}

extension VirtualServer {
  /// Who moves the bytes.
  package enum Mode: String, Sendable, CaseIterable {
    /// The edge's own threads.
    case proxy
    /// The kernel, by nftables: TCP and UDP, without a look inside.
    case kernel
  }

  /// What of this object alone the kernel cannot do.
  func validateKernelMode() -> [Problem] {
    guard mode == .kernel else {
      return snat == nil ? [] : [problem("snat", "given", "none, as mode is proxy")]
    }
    var problems: [Problem] = []
    if `protocol` != .tcp, `protocol` != .udp {
      problems.append(problem("protocol", `protocol`.rawValue, "tcp or udp, as mode is kernel"))
    }
    let sections = [
      ("tls", tls != nil), ("proxyProtocol", acceptsProxyProtocol), ("accessLog", accessLog != nil),
    ]
    for (field, isGiven) in sections where isGiven {
      problems.append(problem(field, "given", "none, as mode is kernel"))
    }
    if connectionLimit != 0 {
      problems.append(problem("connectionLimit", "\(connectionLimit)", "0, as mode is kernel"))
    }
    if timeouts != Timeouts() {
      problems.append(problem("timeouts", "given", "none, as mode is kernel"))
    }
    if !address.canBeTranslated {
      problems.append(
        problem("address", "\(address)", "neither loopback nor any, as mode is kernel"))
    }
    return problems
  }

  /// What of its pool the kernel cannot do for this virtual server.
  package func kernelProblems(_ pool: Pool) -> [Problem] {
    guard mode == .kernel else { return [] }
    var problems: [Problem] = []
    func refuse(_ field: String, _ found: String, _ expected: String) {
      problems.append(problem("pool.\(field)", found, "\(expected), as mode is kernel"))
    }
    switch pool.loadBalancing {
    case .roundRobin, .ratio: break
    case .consistentHash:
      if pool.hash != .source { refuse("hash", "\(pool.hash)", "source") }
    case .leastConnections, .powerOfTwo, .fastest:
      refuse(
        "loadBalancing", pool.loadBalancing.rawValue, "round-robin, ratio or consistent-hash")
    }
    if pool.persistence != nil { refuse("persistence", "given", "none, or consistent-hash") }
    if pool.queueLength > 0 { refuse("queue", "given", "none") }
    if pool.tls != nil { refuse("tls", "given", "none") }
    if pool.proxyProtocol != nil { refuse("proxyProtocol", "given", "none") }
    if pool.ejectAfter != nil { refuse("ejectAfter", "given", "none") }
    if pool.slowRamp != .zero { refuse("slowRamp", "\(pool.slowRamp)", "none") }
    if pool.serviceDown == .drop { refuse("serviceDown", "drop", "none, reset or reselect") }
    for (index, member) in pool.members.enumerated() {
      if member.connectionLimit != 0 {
        refuse("members[\(index)].connectionLimit", "\(member.connectionLimit)", "0")
      }
      if member.address.isIPv4 != address.isIPv4 {
        let family = address.isIPv4 ? "IPv4" : "IPv6"
        refuse("members[\(index)].address", "\(member.address)", "\(family) as \(address)")
      } else if !member.address.canBeTranslated {
        refuse("members[\(index)].address", "\(member.address)", "neither loopback nor any")
      }
    }
    return problems
  }
}

extension IPAddress {
  /// The kernel keeps loopback addresses on the loopback interface.
  fileprivate var canBeTranslated: Bool {
    let octets = octets
    if octets.allSatisfy({ $0 == 0 }) { return false }
    return isIPv4 ? octets[0] != 127 : octets.dropLast().contains { $0 != 0 } || octets[15] != 1
  }
}
