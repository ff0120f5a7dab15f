import BGP
import Intent
import Testing

@Suite struct ReflectorTextTests {
  static let text = """
    hostname host
    router bgp 64512
     no bgp client-to-client reflection
     neighbor nodes peer-group
     neighbor nodes remote-as 64512
     neighbor nodes next-hop-self force
     neighbor nodes route-reflector-client
     neighbor 172.19.0.2 peer-group nodes

    """

  @Test func `a reflector in front of its clients is printed as it was typed`() throws {
    let configuration = try ZebosConfiguration(parsing: Self.text)
    let printed = configuration.runningConfiguration
    for line in Self.text.split(separator: "\n") { #expect(printed.contains(line + "\n")) }
    #expect(try ZebosConfiguration(parsing: printed) == configuration)
    #expect(configuration.router?.reflectsBetweenClients == false)
    #expect(configuration.router?.peerGroup("nodes")?.settings.forcesNextHopSelf == true)
  }

  @Test func `no next-hop-self force leaves the plain form, and no next-hop-self neither`() throws {
    var configuration = try ZebosConfiguration(parsing: Self.text)
    var context = ZebosConfiguration.Context.router
    try configuration.apply("no neighbor nodes next-hop-self force", in: &context)
    #expect(configuration.runningConfiguration.contains(" neighbor nodes next-hop-self\n"))
    try configuration.apply("no neighbor nodes next-hop-self", in: &context)
    #expect(!configuration.runningConfiguration.contains("next-hop-self"))
  }
}
