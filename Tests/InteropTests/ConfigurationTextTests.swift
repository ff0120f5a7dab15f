import Glibc
import Intent
import Linux
import Testing

/// FRR's own parser as the judge of what we print.
@Loop struct ConfigurationTextTests {
  nonisolated static let vtysh = "/usr/bin/vtysh"

  private static let text = """
    router bgp 64512
     bgp router-id 10.0.0.1
     bgp graceful-restart restart-time 60
     bgp graceful-restart stalepath-time 100
     bgp graceful-shutdown
     bgp cluster-id 1.1.1.1
     bgp always-compare-med
     no bgp client-to-client reflection
     bgp bestpath as-path multipath-relax
     bgp default local-preference 200
     no bgp default ipv4-unicast
     bgp listen limit 7
     timers bgp 10 30
     maximum-paths 4
     maximum-paths ibgp 3
     network 10.53.0.0/16
     redistribute connected metric 5 route-map pods
     neighbor nodes peer-group
     neighbor nodes remote-as 65001
     neighbor nodes timers 3 9
     neighbor nodes timers connect 2
     neighbor nodes ttl-security hops 2
     neighbor nodes bfd 3 50 100
     neighbor nodes local-role customer strict-mode
     neighbor nodes allowas-in 2
     neighbor nodes addpath-tx-all-paths
     neighbor nodes disable-addpath-rx
     neighbor nodes maximum-prefix 100 80 warning-only
     neighbor nodes prefix-list pods in
     neighbor nodes filter-list own out
     neighbor nodes route-map pods in
     bgp listen range 10.0.0.0/8 peer-group nodes
     neighbor 10.0.0.2 remote-as 65002
     neighbor 10.0.0.2 shutdown message back soon
     neighbor 10.0.0.2 next-hop-self force
     neighbor 10.0.0.2 default-originate
     neighbor 10.0.0.2 addpath-tx-bestpath-per-AS
     neighbor 10.0.0.2 ebgp-multihop 3
     neighbor 10.0.0.2 password secret
     neighbor 10.0.0.2 update-source 10.0.0.9
     neighbor eth0 interface remote-as external
     address-family ipv4 unicast
      neighbor 10.0.0.2 activate
     exit-address-family
     address-family ipv6 unicast
      network 2001:db8::/32
      redistribute connected
      neighbor 10.0.0.2 activate
      neighbor 10.0.0.2 route-map pods6 in
     exit-address-family
    access-list lab permit 10.0.0.0/8 exact-match
    ipv6 access-list lab permit any
    ip prefix-list pods description blocks of pods
    ip prefix-list pods permit 10.0.0.0/8 ge 16 le 24
    ip prefix-list pods seq 10 deny any
    ipv6 prefix-list pods permit 2001:db8::/32 le 64
    bgp as-path access-list own permit ^$
    bgp as-path access-list own deny _65(1|2)[0-9]+_
    bgp community-list standard lab permit 65000:1 no-export
    bgp community-list expanded any permit _1:[0-9]+_
    bgp large-community-list standard lab permit 1:2:3
    bgp extcommunity-list standard lab permit rt 1:2 soo 3:4
    route-map pods permit 10
     description blocks of pods
     match ip address prefix-list pods
     match ip next-hop prefix-list pods
     match as-path own
     match community lab exact-match
     match large-community lab
     match extcommunity lab
     match metric 5
     match local-preference 100
     match origin egp
     match peer 10.0.0.1
     match tag 7
     set local-preference +10
     set metric -5
     set weight 100
     set origin incomplete
     set as-path prepend last-as 3
     set as-path exclude 1 2
     set community 1:1 no-export additive
     set comm-list lab delete
     set large-community 1:2:3 additive
     set large-comm-list lab delete
     set extcommunity rt 1:2 3:4
     set extcommunity soo 1.2.3.4:5
     set ip next-hop peer-address
     set ipv6 next-hop global 2001:db8::1
     set originator-id 1.2.3.4
     set atomic-aggregate
     set aggregator as 1 1.2.3.4
     set tag 5
     call other
     on-match goto 90
    route-map pods6 deny 20
     match ipv6 address prefix-list pods
    """

  @Test(.enabled(if: access(vtysh, X_OK) == 0, "FRR's vtysh is not installed"))
  func `FRR takes what we print`() async throws {
    let configuration = try ZebosConfiguration(parsing: Self.text)
    #expect(try ZebosConfiguration(parsing: configuration.runningConfiguration) == configuration)
    // What concerns logins is ZebOS's alone.
    let logins = ["no service", "line ", " login", "end"]
    let lines = configuration.runningConfiguration.split(separator: "\n").filter { line in
      !logins.contains { line.hasPrefix($0) }
    }
    var template = Array("/tmp/atollvtysh-XXXXXX".utf8CString)
    let folder = String(cString: mkdtemp(&template))
    defer {
      unlink(folder + "/conf")
      rmdir(folder)
    }
    try FileSystem.write(
      Array((lines.joined(separator: "\n") + "\n").utf8), to: folder + "/conf")
    let result = try await ChildProcess.run([Self.vtysh, "-C", "-f", folder + "/conf"])
    #expect(result.outputText == "")
  }
}
