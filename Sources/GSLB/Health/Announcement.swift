import DNS
import Delivery
import NetTypes

/// The names that a unit's own objects ask for, and its members of them. Every voter's configuration
/// is the union of what all units announce: none reads another's objects.
package struct Announcement: Equatable, Sendable {
  /// A wide IP with one pool, whose members are those of all units that announce it.
  package struct Name: Equatable, Sendable {
    package var name: DomainName
    package var type = SteeredType.a
    package var preferred = LoadBalancing.roundRobin
    package var alternate = LoadBalancing.roundRobin
    package var fallback = LoadBalancing.none
    package var fallbackIP: IPAddress?
    /// Seconds.
    package var ttl: UInt32 = 30
    package var maxAnswers = 1
    package var persistence = false
    package var manualResume = false
    package var rampedReturn = Duration.zero
    package var members: [Member] = []

    package init(_ name: DomainName) { self.name = name }

    /// All but the members: what units must agree on.
    var terms: Name {
      var terms = self
      terms.members = []
      return terms
    }
  }

  package struct Member: Equatable, Sendable {
    /// Of the virtual server, within the unit.
    package var name: String
    package var address: IPAddress
    package var port: UInt16
    package var ratio = 1
    /// Lower ones are first in the pool; equal ones go by their units' names.
    package var order: UInt16 = 0
    /// Without `exec` and `send`, which are never taken from another machine.
    package var monitor: Monitor

    package init(
      _ name: String, address: IPAddress, port: UInt16, monitor: Monitor = .pathProbe
    ) {
      self.name = name
      self.address = address
      self.port = port
      self.monitor = monitor
    }
  }

  package var names: [Name] = []
  /// Where the unit's clients are, for pools that choose by topology.
  package var places: [TopologySource] = []

  package init() {}
}

extension GSLBConfiguration {
  /// This configuration and what units announce beside it. A unit becomes a data centre and a server
  /// of its voter's name. What the configuration has itself stands; where units differ about a name,
  /// the one that sorts first has the say, and the others are told.
  package func union(
    _ announcements: [String: Announcement]
  ) -> (configuration: GSLBConfiguration, problems: [Problem]) {
    var union = self
    var problems: [Problem] = []
    var terms: [String: (unit: String, name: Announcement.Name)] = [:]
    var members: [String: [(order: UInt16, unit: String, member: PoolMember)]] = [:]
    let own = Set(wideIPs.map(\.title))
    for (unit, announcement) in announcements.sorted(by: { $0.key < $1.key }) {
      union.add(unit, announcement)
      for name in announcement.names {
        let title = WideIP(name: name.name, type: name.type).title
        let object = "\(title) of \(unit)"
        if own.contains(title) {
          problems.append(
            Problem(
              object: object, field: "name", found: "\(name.name)",
              expected: "a name that the configuration does not have"))
          continue
        }
        if let first = terms[title] {
          if first.name != name.terms {
            problems.append(
              Problem(
                object: object, field: "terms", found: "others than those of \(first.unit)",
                expected: "the same in all units"))
          }
        } else {
          terms[title] = (unit, name.terms)
        }
        members[title, default: []] += name.members.map {
          var member = PoolMember(VirtualServerName(server: unit, name: $0.name))
          member.ratio = $0.ratio
          return ($0.order, unit, member)
        }
      }
    }
    for (title, first) in terms.sorted(by: { $0.key < $1.key }) {
      let sorted = (members[title] ?? []).enumerated().sorted {
        ($0.element.order, $0.element.unit, $0.offset)
          < ($1.element.order, $1.element.unit, $1.offset)
      }
      union.pools.append(Pool(title, first.name, members: sorted.map(\.element.member)))
      var wideIP = WideIP(name: first.name.name, type: first.name.type, pools: [.init(title)])
      wideIP.persistence = first.name.persistence
      union.wideIPs.append(wideIP)
    }
    return (union, problems)
  }

  private mutating func add(_ unit: String, _ announcement: Announcement) {
    if !dataCentres.contains(where: { $0.name == unit }) {
      dataCentres.append(DataCentre(name: unit))
    }
    topology += announcement.places.map { TopologyRecord($0, to: .dataCentre(unit)) }
    var seen: Set<String> = []
    let announced = announcement.names.flatMap(\.members).filter { seen.insert($0.name).inserted }
      .map { VirtualServer(name: $0.name, address: $0.address, port: $0.port, monitor: $0.monitor) }
    if let index = servers.firstIndex(where: { $0.name == unit }) {
      let known = Set(servers[index].virtualServers.map(\.name))
      servers[index].virtualServers += announced.filter { !known.contains($0.name) }
    } else {
      servers.append(
        Server(name: unit, dataCentre: unit, voter: unit, virtualServers: announced))
    }
  }
}

extension Pool {
  fileprivate init(_ title: String, _ terms: Announcement.Name, members: [PoolMember]) {
    self.init(name: title, type: terms.type, preferred: terms.preferred, members: members)
    alternate = terms.alternate
    fallback = terms.fallback
    fallbackIP = terms.fallbackIP
    ttl = terms.ttl
    maxAnswers = terms.maxAnswers
    manualResume = terms.manualResume
    rampedReturn = terms.rampedReturn
  }
}
