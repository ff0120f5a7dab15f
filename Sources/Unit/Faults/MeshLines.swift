import Glibc
import Linux
import NetTypes

/// The lines of a mesh, as faults take them apart.
@Loop struct MeshLines {
  let mesh: String

  private var links: String { "atoll-\(mesh)-links" }

  func line(of site: String, _ plan: MeshPlan) throws -> MeshPlan.Line {
    guard let line = plan.line(of: site) else {
      let known = plan.lines.map(\.site).joined(separator: ", ")
      throw UnitError("link: found \"\(site)\", expected wan or one of \(known)")
    }
    return line
  }

  /// Both ends keep their carrier, and hear nothing.
  func unplug(_ site: String) throws {
    let line = MeshPlan.Line(site: site, mesh: mesh)
    try NetworkNamespace.open(named: links).with {
      let netlink = try Netlink()
      for port in [line.sitePort, line.routerPort]
      where try netlink.link(named: port)?.master != nil {
        try netlink.removeMaster(of: port)
      }
    }
  }

  func plug(_ site: String) throws {
    let line = MeshPlan.Line(site: site, mesh: mesh)
    try NetworkNamespace.open(named: links).with {
      let netlink = try Netlink()
      for port in [line.sitePort, line.routerPort] where try netlink.link(named: port) != nil {
        try netlink.setMaster(of: port, to: site)
      }
    }
  }

  /// Which pairs of sites do not hear each other, as rules of the router: all of them at once.
  func applyCuts(_ plan: MeshPlan) async throws {
    var lines = ["table inet atoll-faults", "delete table inet atoll-faults"]
    let pairs = FaultJournal.active().filter { $0.undo == [.reconnect(mesh: mesh)] }
      .compactMap { fault -> (String, String)? in
        let words = fault.text.split(separator: " ").map(String.init)
        return words.count == 4 ? (words[2], words[3]) : nil
      }
    if !pairs.isEmpty {
      lines += ["table inet atoll-faults {", "  chain forward {"]
      lines.append("    type filter hook forward priority filter; policy accept;")
      for (a, b) in pairs {
        lines.append("    iifname \"\(a)\" oifname \"\(b)\" drop")
        lines.append("    iifname \"\(b)\" oifname \"\(a)\" drop")
      }
      lines += ["  }", "}"]
    }
    try await NFTables.apply(
      lines.joined(separator: "\n") + "\n", inNamespace: plan.routerNamespace)
  }

  /// Puts a process of its own in the place of a line's bridge.
  /// - Returns: Its process.
  func relay(_ site: String, _ impairment: LineImpairment) async throws -> Int32 {
    let line = MeshPlan.Line(site: site, mesh: mesh)
    let directory = UnitDirectory(unit: mesh)
    let child = try NetworkNamespace.open(named: links).with {
      try ChildProcess.spawn(
        [
          try FileSystem.executablePath(), "wire", line.sitePort, line.routerPort, "--delay",
          "\(impairment.delay.inNanoseconds / 1000)", "--jitter",
          "\(impairment.jitter.inNanoseconds / 1000)", "--loss", "\(impairment.permille)",
          "--seed", "\(impairment.seed)",
        ], output: .append(directory.log(of: "wire-\(site)")), newSession: true)
    }
    // Its sockets first: what is on its way meanwhile goes over the bridge still.
    try await Loop.sleep(.milliseconds(100))
    guard ProcessIdentity.startTime(of: child.pid) != nil else {
      throw UnitError("link \(site): its relay ended: \(directory.log(of: "wire-\(site)"))")
    }
    try unplug(site)
    return child.pid
  }
}
