import DNS
import NetTypes

/// Collects a wide IP's records, and what topology says of its pools and members.
struct WideIPBuilder {
  private(set) var records: [RecordData] = []
  private let type: SteeredType
  private let configuration: GSLBConfiguration
  private let clients: TopologyClasses

  init(_ type: SteeredType, _ configuration: GSLBConfiguration, _ clients: TopologyClasses) {
    self.type = type
    self.configuration = configuration
    self.clients = clients
  }

  mutating func pool(_ name: String, ratio: Int) -> PoolPlan? {
    guard let pool = configuration.pools.first(where: { $0.name == name }), pool.isEnabled,
      pool.type == type
    else { return nil }
    let members = pool.members.compactMap { $0.isEnabled ? member($0) : nil }
    return PoolPlan(
      pool: pool, ratio: ratio, members: members,
      fallback: pool.fallbackIP.map { record($0.recordData) },
      topologyWeights: weights { destination in
        if case .pool(name) = destination { true } else { false }
      })
  }

  private mutating func member(_ member: PoolMember) -> PoolPlan.Member? {
    let server = member.virtualServer.flatMap { name in
      configuration.servers.first { $0.name == name.server }
    }
    let virtualServer = member.virtualServer.flatMap { configuration[$0] }
    if let server, let virtualServer {
      let centre = configuration.dataCentres.first { $0.name == server.dataCentre }
      guard server.isEnabled, virtualServer.isEnabled, centre?.isEnabled ?? true else { return nil }
    }
    guard let data = member.data(type, virtualServer) else { return nil }
    return PoolPlan.Member(
      record: record(data),
      key: member.virtualServer?.description ?? member.target?.description ?? "",
      virtualServer: member.virtualServer, ratio: member.ratio,
      topologyWeights: weights { destination in
        switch destination {
        case .pool: false
        case .server(let name): server?.name == name
        case .dataCentre(let name): server?.dataCentre == name
        case .subnet(let prefix): virtualServer.map { prefix.contains($0.address) } ?? false
        }
      })
  }

  /// A record once, however many members have it.
  private mutating func record(_ data: RecordData) -> Int {
    if let known = records.firstIndex(of: data) { return known }
    records.append(data)
    return records.count - 1
  }

  /// For each class of clients the weight of the narrowest record that leads to the destination.
  private func weights(_ fits: (TopologyRecord.Destination) -> Bool) -> [Int] {
    let fitting = configuration.topology.map { fits($0.destination) ? $0.weight : 0 }
    return clients.classes.map { records in
      records.first { fitting[$0] > 0 }.map { fitting[$0] } ?? 0
    }
  }

  /// Classes of clients that this wide IP does not tell apart become one.
  func mergeClasses(
    _ pools: inout [PoolPlan], _ last: inout PoolPlan?, usesTopology: Bool
  ) -> (tables: Int, classes: [SteeredSet.ClientClass]) {
    let all = pools + [last].compactMap(\.self)
    var kept: [Int] = []
    var known: [[Int]: Int] = [:]
    var tables: [Int] = []
    for clients in clients.classes.indices.prefix(usesTopology ? .max : 1) {
      let weights = all.flatMap { pool in
        [pool.topologyWeights[clients]] + pool.members.map { $0.topologyWeights[clients] }
      }
      let table = known[weights] ?? kept.count
      if table == kept.count {
        known[weights] = table
        kept.append(clients)
      }
      tables.append(table)
    }
    for index in pools.indices { pools[index].keep(kept) }
    last?.keep(kept)
    guard kept.count > 1 else { return (1, []) }
    return (
      kept.count,
      clients.prefixes.map { SteeredSet.ClientClass($0.prefix, table: tables[$0.index]) }
    )
  }
}

extension PoolPlan {
  fileprivate mutating func keep(_ classes: [Int]) {
    topologyWeights = classes.map { topologyWeights[$0] }
    for index in members.indices {
      members[index].topologyWeights = classes.map { [all = members[index].topologyWeights] in
        all[$0]
      }
    }
  }
}

extension IPAddress {
  var recordData: RecordData {
    switch self {
    case .v4(let address): .a(address)
    case .v6(let address): .aaaa(address)
    }
  }
}

extension PoolMember {
  /// The record that it stands for; nil where the configuration lacks what it takes.
  func data(_ type: SteeredType, _ virtualServer: VirtualServer?) -> RecordData? {
    switch type {
    case .a, .aaaa:
      guard let address = virtualServer?.address, address.isIPv4 == (type == .a) else { return nil }
      return address.recordData
    case .cname: return target.map { .cname($0) }
    case .srv:
      guard let target, let port = port ?? virtualServer?.port else { return nil }
      return .srv(priority: priority, weight: weight, port: port, target: target)
    case .https:
      guard let target else { return nil }
      let text = "\(priority) \(target) \(parameters)"
      return try? RecordData(presentation: text, type: .https)
    }
  }
}
