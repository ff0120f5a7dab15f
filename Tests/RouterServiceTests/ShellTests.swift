import BGP
import Glibc
import Intent
import Linux
import NetTypes
import Testing

@testable import RouterService

@Loop private final class Host: ShellHost {
  var configuration = ZebosConfiguration()
  var router: Router?
  var saved: String?
  var applied = 0

  func apply(_ configuration: ZebosConfiguration) throws {
    self.configuration = configuration
    applied += 1
    // Never started: it opens no socket.
    router = configuration.router.map { Router(configuration: $0) }
  }
  func save() throws { saved = configuration.runningConfiguration }
  func savedConfiguration() throws -> String { saved ?? "" }
}

@Loop struct ShellTests {
  private let host = Host()

  @Test func `the article's session types, writes and shows what it showed`() {
    let shell = Shell(host)
    var transcript = ""
    for line in [
      "en", "config t", "router bgp 64512", "bgp graceful-restart restart-time 120",
      "neighbor calico-k8s peer-group", "neighbor calico-k8s remote-as 64512",
      "neighbor 172.19.0.2 peer-group calico-k8s", "neighbor 172.19.0.3 peer-group calico-k8s",
      "wr", "end", "show running-config",
    ] {
      transcript += shell.prompt + line + "\n" + shell.run(line).output
    }
    #expect(
      transcript == """
        edge[0]>en
        edge[0]#config t
        Enter configuration commands, one per line.  End with CNTL/Z.
        edge[0](config)#router bgp 64512
        edge[0](config-router)#bgp graceful-restart restart-time 120
        edge[0](config-router)#neighbor calico-k8s peer-group
        edge[0](config-router)#neighbor calico-k8s remote-as 64512
        edge[0](config-router)#neighbor 172.19.0.2 peer-group calico-k8s
        edge[0](config-router)#neighbor 172.19.0.3 peer-group calico-k8s
        edge[0](config-router)#wr
        Building configuration...
        [OK]
        edge[0](config-router)#end
        edge[0]#show running-config
        !
        no service password-encryption
        !
        router bgp 64512
         bgp graceful-restart restart-time 120
         neighbor calico-k8s peer-group
         neighbor calico-k8s remote-as 64512
         neighbor 172.19.0.2 peer-group calico-k8s
         neighbor 172.19.0.3 peer-group calico-k8s
        !
        line con 0
         login
        line vty 0 39
         login
        !
        end

        """)
    #expect(host.saved == host.configuration.runningConfiguration)
    #expect((try? ZebosConfiguration(parsing: host.saved ?? "")) == host.configuration)
  }

  private func run(_ lines: String...) -> Shell.Answer {
    let shell = Shell(host)
    var answer = Shell.Answer()
    for line in lines { answer = shell.run(line) }
    return answer
  }

  @Test(arguments: [
    ("sho ip bgp sum", "% BGP is not running"), ("sh run", "% Unknown command at \"run\""),
    ("conf t", "% Unknown command"), ("show", "% Incomplete command"),
    ("e", "% Ambiguous command: \"e\" may be enable, exit"), ("frobnicate", "% Unknown command"),
  ])
  func `what cannot be run is said with a percent sign`(line: String, expected: String) {
    #expect(run(line).output.hasPrefix(expected))
  }

  @Test func `a bad statement changes nothing`() {
    let answer = run("en", "conf t", "router bgp 64512", "neighbor 172.19.0.2 timers 9 3")
    #expect(answer.output.hasPrefix("% "))
    #expect(answer.prompt == "edge[0](config-router)#")
    #expect(host.applied == 1)
  }

  @Test func `a file is copied onto what is in force, whole or not at all`() throws {
    let path = "/tmp/atoll-copy-\(getpid())-\(UInt32.random(in: 0 ... .max)).conf"
    defer { unlink(path) }
    _ = run("en", "conf t", "router bgp 64512", "neighbor 10.0.0.1 remote-as 64512")
    let before = host.configuration
    try FileSystem.write("router bgp 64512\n network 10.1.0.0/24\n network nowhere\n", to: path)
    #expect(
      run("en", "copy \(path) running-config").output
        == "% line 3: \"network nowhere\": expected a prefix without host bits, as 10.53.0.0/26\n")
    #expect(host.configuration == before)
    try FileSystem.write(
      "router bgp 64512\n network 10.1.0.0/24 route-map m\n neighbor 10.0.0.1 update-source eth1\n"
        + " neighbor 10.0.0.1 soft-reconfiguration inbound\n", to: path)
    #expect(run("en", "copy \(path) running-config").output == "")
    #expect(host.configuration.router?.neighbors.count == 1)
    for line in [
      " network 10.1.0.0/24 route-map m\n", " neighbor 10.0.0.1 update-source eth1\n",
      " neighbor 10.0.0.1 soft-reconfiguration inbound\n",
    ] { #expect(host.configuration.runningConfiguration.contains(line)) }
    let again = try ZebosConfiguration(parsing: host.configuration.runningConfiguration)
    #expect(again == host.configuration)
    _ = run("en", "conf t", "router bgp 64512", "no network 10.1.0.0/24")
    #expect(host.configuration.router?.networkRouteMaps == [:])
    #expect(run("en", "copy /nowhere running-config").output.hasPrefix("% "))
  }

  @Test func `abbreviations reach statements and removals`() {
    _ = run(
      "en", "conf t", "router bgp 64512", "nei 10.0.0.1 rem 64512", "nei 10.0.0.1 desc to the lab",
      "net 10.53.0.0/26")
    #expect(host.configuration.router?.neighbors.first?.settings.description == "to the lab")
    #expect(host.configuration.router?.networks.count == 1)
    _ = run("en", "conf t", "router bgp 64512", "no net 10.53.0.0/26", "no nei 10.0.0.1")
    #expect(host.configuration.router?.networks.isEmpty == true)
    #expect(host.configuration.router?.neighbors.isEmpty == true)
  }

  @Test func `a question mark lists what may follow, a tab completes`() {
    let shell = Shell(host)
    _ = shell.run("enable")
    let help = shell.run("show ip bgp ?").output
    for word in ["<cr>", "A.B.C.D/M", "neighbors", "summary"] { #expect(help.contains(word)) }
    #expect(shell.run("sh\t").completions == ["show"])
    #expect(shell.run("show ip \t").completions == ["bgp", "prefix-list", "route"])
    #expect(shell.run("show nothing \t").completions == [])
    #expect(shell.run("show ip bgp x?").output.hasPrefix("%"))
  }

  @Test func `exit climbs one mode at a time and then leaves`() {
    let shell = Shell(host)
    for line in ["en", "conf t", "router bgp 1"] { _ = shell.run(line) }
    let prompts = (0..<3).map { _ in shell.run("exit") }
    #expect(prompts.map(\.prompt) == ["edge[0](config)#", "edge[0]#", "edge[0]#"])
    #expect(prompts.map(\.isOver) == [false, false, true])
  }

  @Test func `sections have prompts of their own, and statements of the next begin it`() {
    let shell = Shell(host)
    var prompts: [String] = []
    for line in [
      "en", "conf t", "router bgp 64512", "neighbor 10.0.0.1 remote-as 65001",
      "address-family ipv6 unicast", "nei 10.0.0.1 act", "exit-address-family",
      "route-map m permit 10", "match ip address prefix-list pods", "set local-preference 200",
      "ip prefix-list pods seq 5 permit 10.0.0.0/8 le 32", "exit",
    ] {
      let answer = shell.run(line)
      #expect(answer.output == "" || line == "conf t", "\(line): \(answer.output)")
      prompts.append(String(answer.prompt.dropFirst("edge[0]".count)))
    }
    #expect(
      prompts == [
        "#", "(config)#", "(config-router)#", "(config-router)#", "(config-router-af)#",
        "(config-router-af)#", "(config-router)#", "(config-route-map)#", "(config-route-map)#",
        "(config-route-map)#", "(config)#", "#",
      ])
    let router = host.configuration.router
    #expect(router?.neighbors.first?.settings.activations == [.ipv6: true])
    let clause = host.configuration.policy.routeMaps["m"]?[10]
    #expect(clause?.matches == [.prefixList(.ipv4, "pods")])
    #expect(clause?.changes == [.localPreference(.value(200))])
    _ = run("en", "conf t", "no route-map m", "no ip prefix-list pods")
    #expect(host.configuration.policy == RoutingPolicy())
  }

  @Test func `show commands of a router without sessions have their headings`() {
    _ = run("en", "conf t", "router bgp 64512", "bgp router-id 172.19.0.1", "nei 10.0.0.1 rem 1")
    #expect(run("show ip bgp summary").output.contains("local AS number 64512"))
    #expect(run("show ip bgp").output.contains("Next Hop"))
    #expect(run("show ip bgp 10.0.0.0/8").output == "% Network not in table\n")
    #expect(run("show ip bgp nei 10.0.0.2").output == "% No such neighbor\n")
    #expect(run("en", "clear ip bgp 10.0.0.9").output == "% 10.0.0.9 is no neighbor\n")
    #expect(run("en", "clear ip bgp *").output == "")
  }
}
