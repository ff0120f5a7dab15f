import DNS
import Delivery
import GSLB
import NetTypes

/// Data centres and servers `east`, `west`, … each with a virtual server `web`, and a pool of all.
func sites(
  _ names: [String], mode: LoadBalancing = .roundRobin, change: (inout GSLB.Pool) -> Void = { _ in }
) -> GSLBConfiguration {
  var configuration = GSLBConfiguration()
  configuration.health.voters = names
  for (index, name) in names.enumerated() {
    configuration.dataCentres.append(DataCentre(name: name))
    let address = IPAddress.v4(IPv4Address(10, UInt8(index + 1), 0, 1))
    configuration.servers.append(
      Server(
        name: name, dataCentre: name, voter: name,
        virtualServers: [GSLB.VirtualServer(name: "web", address: address, port: 80)]))
  }
  var pool = GSLB.Pool(name: "web", preferred: mode, members: names.map { PoolMember(web($0)) })
  change(&pool)
  configuration.pools = [pool]
  configuration.wideIPs = [WideIP(name: name("www.gslb.example"), pools: [.init("web")])]
  return configuration
}

func web(_ server: String) -> VirtualServerName { VirtualServerName(server: server, name: "web") }

func name(_ text: String) -> DomainName {
  guard let name = DomainName(text) else { fatalError("\(text) is no name") }
  return name
}

func prefix(_ text: String) -> IPPrefix {
  guard let prefix = IPPrefix(text) else { fatalError("\(text) is no prefix") }
  return prefix
}

func address(_ text: String) -> IPAddress {
  guard let address = IPAddress(text) else { fatalError("\(text) is no address") }
  return address
}

/// The first addresses of a table's rows, by the second octet: 1 is the first site's.
func leads(_ set: SteeredSet, table: Int = 0) -> [Int] {
  set.tables[table].rows.map { Int(set.records[Int($0[0])].bytes[1]) }
}

/// How often each site leads.
func counts(_ set: SteeredSet, table: Int = 0) -> [Int: Int] {
  leads(set, table: table).reduce(into: [:]) { $0[$1, default: 0] += 1 }
}

extension GSLBConfiguration {
  /// The first wide IP's set with these states; sites that are not named are up.
  func set(
    _ states: [String: MemberState] = [:], geography: Geography = { _ in [] }
  ) -> SteeredSet {
    var all: [VirtualServerName: MemberState] = [:]
    for server in servers {
      for virtualServer in server.virtualServers {
        all[VirtualServerName(server: server.name, name: virtualServer.name)] =
          states[server.name] ?? MemberState()
      }
    }
    return SteeringPlan(self, geography: geography).sets(all)[0]
  }
}
