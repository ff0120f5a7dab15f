import Delivery
import Glibc
import Linux
import NetTypes

extension Engine {
  /// Takes over what a process before this one may have left in the kernel.
  package func recoverKernel() { kernel.recover() }

  /// Another process has the table, until `recoverKernel()`.
  package func holdKernel() { kernel.hold() }

  /// Has the kernel serve what is applied, with the runtime changes of now.
  func applyKernel() {
    let pools = Dictionary(applied.pools.map { ($0.name, $0) }) { first, _ in first }
    kernel.apply(
      applied.virtualServers.filter { $0.mode == .kernel }.compactMap { server in
        guard var pool = server.pool.flatMap({ pools[$0] }) else { return nil }
        pool.members = pool.members.map { effective($0, of: pool.name) }
        return (server, pool)
      }, applied.egress)
  }

  /// Virtual servers that change to mode kernel go on as proxies until the kernel has them.
  func proxiesUntilKernel(_ configuration: DeliveryConfiguration) -> [String: LiveServer] {
    let moving = Set(
      configuration.virtualServers.filter { $0.mode == .kernel && !kernel.isServing($0.name) }
        .map(\.name))
    guard !moving.isEmpty else { return [:] }
    let pools = Set(configuration.pools.map(\.name))
    return servers.filter { _, old in
      moving.contains(old.configuration.name) && old.configuration.poolNamesAre(within: pools)
    }
  }

  func retireProxies() {
    let isDone = applied.virtualServers.allSatisfy { server in
      server.mode == .proxy || !servers.values.contains { $0.configuration.name == server.name }
    }
    if !isDone { apply(applied) }
  }

  /// What the machine is not ready for stays as it was, where the proxy serves it.
  func dropWhatKernelCannot(_ usable: inout DeliveryConfiguration, _ problems: inout [Problem]) {
    let obstacles = kernelObstacles(usable)
    guard !obstacles.isEmpty else { return }
    problems += obstacles
    let names = Set(usable.pools.map(\.name))
    usable.virtualServers = usable.virtualServers.compactMap { server in
      guard obstacles.contains(where: { $0.object == "virtual server \(server.name)" }) else {
        return server
      }
      return applied.virtualServers.first {
        $0.name == server.name && $0.mode == .proxy && $0.poolNamesAre(within: names)
      }
    }
    usable.egress.removeAll { egress in
      obstacles.contains { $0.object == "egress \(egress.name)" }
    }
  }

  /// The kernel has what was last applied, or has refused it.
  package func settleKernel() async { await kernel.settle() }

  /// Reads the kernel's counters now, not only every two seconds.
  package func readKernelCounts() async throws { try await kernel.readCounts() }

  /// Why the machine cannot serve a virtual server of mode kernel, or an egress.
  private func kernelObstacles(_ configuration: DeliveryConfiguration) -> [Problem] {
    let servers = configuration.virtualServers.filter { $0.mode == .kernel }
    guard !servers.isEmpty || !configuration.egress.isEmpty else { return [] }
    let forwards = kernelForwards()
    func obstacle(_ isIPv4: Bool) -> (found: String, expected: String)? {
      if !NFTables.isInstalled { return ("no nft(8) in PATH", "nftables' command") }
      if isIPv4 ? forwards.v4 : forwards.v6 { return nil }
      let name = isIPv4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding"
      return ("\(name) = 0", "\(name) = 1, so that the kernel forwards")
    }
    return servers.compactMap { server in
      obstacle(server.address.isIPv4).map { server.problem("mode", $0.found, $0.expected) }
    }
      + configuration.egress.compactMap { egress in
        let families = Set(egress.sources.map(\.isIPv4))
        return families.compactMap(obstacle).first.map {
          Problem(
            object: "egress \(egress.name)", field: "source", found: $0.found,
            expected: $0.expected)
        }
      }
  }

  private func kernelForwards() -> (v4: Bool, v6: Bool) {
    func isSet(_ name: String) -> Bool {
      (try? FileSystem.readText("/proc/sys/net/\(name)"))?.first == "1"
    }
    func read() -> (v4: Bool, v6: Bool) {
      (isSet("ipv4/ip_forward"), isSet("ipv6/conf/all/forwarding"))
    }
    guard let namespace = settings.kernel.namespace else { return read() }
    return (try? NetworkNamespace.open(named: namespace).with(read)) ?? (false, false)
  }

  /// What the kernel has counted for one member, over all virtual servers that use its pool.
  func kernelCounts(pool: String, member: SocketAddress) -> EngineSnapshot.Counts {
    applied.virtualServers.filter { $0.mode == .kernel && $0.pool == pool }
      .map { kernel.counts(server: $0.name, member: member) }
      .reduce(EngineSnapshot.Counts(), +)
  }

  func kernelCounts(pool name: String) -> EngineSnapshot.Counts {
    let members = applied.pools.first { $0.name == name }?.members ?? []
    return members.map { kernelCounts(pool: name, member: $0.socketAddress) }
      .reduce(EngineSnapshot.Counts(), +)
  }

  func kernelCounts(_ server: VirtualServer) -> EngineSnapshot.Counts {
    let members = applied.pools.first { $0.name == server.pool }?.members ?? []
    return members.map { kernel.counts(server: server.name, member: $0.socketAddress) }
      .reduce(EngineSnapshot.Counts(), +)
  }
}

extension EngineSnapshot.Counts {
  /// Of what the kernel counts.
  static func + (a: Self, b: Self) -> Self {
    var sum = a
    sum.connections &+= b.connections
    sum.packetsIn &+= b.packetsIn
    sum.packetsOut &+= b.packetsOut
    sum.bytesIn &+= b.bytesIn
    sum.bytesOut &+= b.bytesOut
    return sum
  }
}
