import DNS
import NetTypes

/// A name whose answers depend on health, load and where the client is.
package struct WideIP: Equatable, Sendable {
  /// A pool of the wide IP; the order of the list is that of `globalAvailability`.
  package struct PoolReference: Equatable, Sendable {
    package var pool: String
    /// 1...65535; of `ratio`.
    package var ratio: Int

    package init(_ pool: String, ratio: Int = 1) {
      self.pool = pool
      self.ratio = ratio
    }
  }

  package var name: DomainName
  /// Names that are answered the same.
  package var aliases: [DomainName] = []
  package var type: SteeredType
  /// How a pool is chosen.
  package var loadBalancing: LoadBalancing
  package var pools: [PoolReference]
  /// In place of the first pool when none has a member that is available.
  package var lastResortPool: String?
  /// A client's network keeps its answer as long as that is available.
  package var persistence = false
  package var isEnabled = true

  package init(
    name: DomainName, type: SteeredType = .a, loadBalancing: LoadBalancing = .roundRobin,
    pools: [PoolReference] = []
  ) {
    self.name = name
    self.type = type
    self.loadBalancing = loadBalancing
    self.pools = pools
  }

  /// What messages name it by.
  package var title: String { "wide IP \(name) \(type)" }
}

/// Record types that can be steered.
package enum SteeredType: String, Sendable, CaseIterable, CustomStringConvertible {
  case a = "A"
  case aaaa = "AAAA"
  case cname = "CNAME"
  case srv = "SRV"
  case https = "HTTPS"

  package var recordType: RecordType {
    switch self {
    case .a: .a
    case .aaaa: .aaaa
    case .cname: .cname
    case .srv: .srv
    case .https: .https
    }
  }

  package var description: String { rawValue }
}
