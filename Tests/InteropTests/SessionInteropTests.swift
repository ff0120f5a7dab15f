import BGP
import Glibc
import Linux
import NetTypes
import RouterService
import Testing

/// FRR at the other end, with what sessions can do beyond routes: roles, GTSM, both families in one
/// session, and words at its end.
@Suite(
  .serialized, .enabled(if: geteuid() == 0, "needs root: network namespaces"),
  .enabled(if: FRRSuite.isInstalled, "needs FRR: apt-get install frr"))
struct SessionInteropTests {
  private static let frr = """
    hostname leaf
    router bgp 64513
     bgp router-id 10.90.0.2
     bgp log-neighbor-changes
     no bgp ebgp-requires-policy
     no bgp network import-check
     neighbor 10.90.0.1 remote-as external
     neighbor 10.90.0.1 timers connect 1
     neighbor 10.90.0.1 password sesame
     neighbor 10.90.0.1 ttl-security hops 1
     neighbor 10.90.0.1 local-role provider strict-mode
     address-family ipv4 unicast
      network 10.92.0.0/24
     exit-address-family
     address-family ipv6 unicast
      network 2001:db8:92::/48
      neighbor 10.90.0.1 activate
     exit-address-family

    """

  @Loop @Test func `roles, GTSM, a key, two families and a farewell between FRR and us`()
    async throws
  {
    let cable = try Cable()
    defer { withExtendedLifetime(cable) {} }
    var configuration = RouterConfiguration(
      localAS: ASNumber(64512), routerID: IPv4Address("10.90.0.1"))
    var neighbor = Neighbor(address: IPAddress("10.90.0.2")!)
    neighbor.settings.remoteASKind = .external
    neighbor.settings.password = "sesame"
    neighbor.settings.ttlSecurityHops = 1
    neighbor.settings.role = .customer
    neighbor.settings.needsRole = true
    neighbor.settings.activations = [.ipv6: true]
    neighbor.settings.timers = SessionTimers(connectRetry: .seconds(1))
    configuration.neighbors = [neighbor]
    configuration.networks = [IPPrefix("10.91.0.0/24")!, IPPrefix("2001:db8:91::/48")!]
    var options = Router.Options()
    options.namespace = cable.path(cable.ours)
    let router = Router(configuration: configuration, options: options)
    let frr = try FRRSuite(Self.frr, namespace: cable.path(cable.theirs))
    do {
      try await frr.start()
      try router.start()
      #expect(
        await eventually { router.status.routes.count == 4 },
        "\(router.status.sessions) \(frr.log)")
      let session = router.status.sessions[0]
      #expect(session.state == .established && session.remoteAS == ASNumber(64513))
      #expect(session.families == [.ipv4, .ipv6])
      #expect(session.capabilities?.role == .provider)
      #expect(session.capabilities?.extendedMessages == true)
      #expect(session.capabilities?.enhancedRouteRefresh == true)
      #expect(session.capabilities?.hostName?.host == "leaf")
      // What a provider gave is marked, by it or by us. RFC 9234 §5.
      let learnt = router.status.routes.filter { $0.path.origin != .local }
      #expect(learnt.map(\.path.attributes.onlyToCustomer) == [ASNumber(64513), ASNumber(64513)])
      let route = learnt.first { !$0.path.prefix.isIPv4 }?.path
      #expect(route?.attributes.nextHop == IPAddress("2001:db8:90::2"))
      #expect(
        await eventually {
          try await frr.show("show bgp ipv6 unicast").contains("2001:db8:91::/48")
        })

      configuration.neighbors[0].settings.shutdown = true
      configuration.neighbors[0].settings.shutdownMessage = "new kernel"
      try router.apply(configuration)
      // Both ends keep routes after NOTIFICATIONs, so that this one is a Hard Reset. RFC 8538.
      var shown = ""
      let isTold = await eventually {
        shown = try await frr.show("show bgp neighbors 10.90.0.1")
        return shown.contains("Administrative Shutdown/Hard Reset")
      }
      #expect(isTold, "\(shown)")
      #expect(await eventually { frr.log.contains("new kernel") }, "\(frr.log)")
    } catch {
      Issue.record(error)
    }
    router.stop(graceful: false)
    await frr.remove()
  }
}
