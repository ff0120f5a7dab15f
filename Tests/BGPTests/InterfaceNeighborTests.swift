import BGP
import NetTypes
import Testing

@Suite struct InterfaceNeighborTests {
  private let heard = ["eth0": IPv6Address("fe80::2")!]

  private func configuration(
    _ change: (inout RouterConfiguration) -> Void = { _ in }
  ) -> RouterConfiguration {
    var configuration = RouterConfiguration(
      localAS: ASNumber(64512), routerID: IPv4Address("10.0.0.1"))
    configuration.interfaceNeighbors = [
      InterfaceNeighbor(
        interface: "eth0", settings: NeighborSettings(remoteAS: ASNumber(64513)))
    ]
    change(&configuration)
    return configuration
  }

  @Test func `an interface neighbour is none before its address is heard`() {
    #expect(configuration().including([:]).resolvedNeighbors.isEmpty)
    #expect(configuration().including(["eth1": heard["eth0"]!]).resolvedNeighbors.isEmpty)
  }

  @Test func `once heard it is a neighbour for both families, by its interface`() throws {
    let neighbors = configuration().including(heard).resolvedNeighbors
    let neighbor = try #require(neighbors[.v6(heard["eth0"]!)])
    #expect(neighbor.interface == "eth0")
    #expect(neighbor.remoteAS == ASNumber(64513))
    #expect(neighbor.families == [.ipv4, .ipv6])
  }

  @Test func `IPv4 is left out where the neighbour or its group says so`() {
    var own = configuration()
    own.interfaceNeighbors[0].settings.activations[.ipv4] = false
    var grouped = configuration()
    var settings = NeighborSettings(remoteAS: ASNumber(64513))
    settings.activations[.ipv4] = false
    grouped.peerGroups = [PeerGroup(name: "fabric", settings: settings)]
    grouped.interfaceNeighbors[0].peerGroup = "fabric"
    for configuration in [own, grouped] {
      let neighbors = configuration.including(heard).resolvedNeighbors
      #expect(neighbors.values.first?.families == [.ipv6])
    }
  }

  @Test func `what is wrong with one is told by its interface`() {
    let wrong = configuration {
      $0.interfaceNeighbors += [
        InterfaceNeighbor(interface: "eth0"), InterfaceNeighbor(interface: "eth1", peerGroup: "no"),
      ]
    }
    let texts = wrong.validate().map(\.description)
    #expect(
      texts == [
        "neighbor eth0: interface is listed twice, expected one entry per interface",
        "neighbor eth0: remote AS is missing, expected one here or in its peer group",
        "neighbor eth1: peer group is no, expected a peer group that exists",
        "neighbor eth1: remote AS is missing, expected one here or in its peer group",
      ])
  }
}
