import DNS
import Glibc
import Linux
import Logging
import NetTypes
import Testing

@testable import NameService

/// Our name server, and clients, a resolver and secondaries of others, all on the loopback.
@Suite(
  .serialized,
  .enabled(if: FileSystem.exists("/usr/bin/kdig"), "needs kdig: apt-get install knot-dnsutils"))
struct NameInteropTests {
  @Loop private final class Bench {
    let folder = "/tmp/atoll-interop-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let port: UInt16
    let other: UInt16
    private var service: NameFileService?
    private var child: ChildProcess?

    init() throws {
      (port, other) = (try LoopbackPort.free().port, try LoopbackPort.free().port)
      try FileSystem.makeDirectories("\(folder)/other", mode: 0o755)
    }

    func writeZone(serial: Int, address: String) throws {
      try FileSystem.write(
        """
        $TTL 60
        @ SOA ns host \(serial) 3600 3600 360000 5
        @ NS ns
        @ MX 10 ns
        ns A 127.0.0.1
        www A \(address)
        alias CNAME www
        *.wild TXT "a wildcard"
        a.b.empty A 192.0.2.4
        sub NS ns.sub
        ns.sub A 127.0.0.9
        old DNAME wild
        s SRV 0 5 5060 www
        h HTTPS 1 . alpn="h2,h3" port=8443
        n NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:a@x!" .
        l LOC 42 21 54.000 N 71 6 18.000 W -24m 30m
        c CAA 0 issue "ca1.example.net"
        t TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
        u TYPE65280 \\# 4 0a000001
        $GENERATE 201-450 host$ A 10.0.1.${-200}
        """, to: "\(folder)/zone")
    }

    func start() throws {
      try FileSystem.write(
        """
        apiVersion: atoll.dev/v1alpha1
        kind: NameConfiguration
        listen: [127.0.0.1:\(port)]
        workers: 1
        server: {identifier: ns7}
        zones:
        - name: interop.example
          file: zone
          notify: [127.0.0.1:\(other)]
          allowTransfer: [127.0.0.0/8]
        """, to: "\(folder)/names.yaml")
      var options = NameFileService.Options(path: "\(folder)/names.yaml")
      options.interval = .milliseconds(10)
      let service = try NameFileService(options, log: Logger(label: "test"))
      try service.start()
      #expect(service.problems.isEmpty, "\(service.problems)")
      self.service = service
    }

    func start(_ command: [String], _ configuration: String) throws {
      try FileSystem.write(configuration, to: "\(folder)/other/configuration")
      child = try ChildProcess.spawn(
        command, output: .append("\(folder)/other/output"), newSession: true)
    }

    var log: String { (try? FileSystem.readText("\(folder)/other/output")) ?? "" }

    func stop() async {
      if let child {
        kill(-child.pid, SIGKILL)
        _ = try? await child.wait()
      }
      await service?.stop()
      try? FileSystem.removeTree(folder)
    }

    /// What `kdig` prints of `port`.
    func kdig(_ port: UInt16, _ arguments: String...) async throws -> String {
      try await output(
        ["kdig", "@127.0.0.1", "-p", "\(port)", "+timeout=2", "+retry=1"] + arguments)
    }

    /// A run says against what it ran.
    func printVersion(_ command: String...) async throws {
      let lines = try await output(command).split(separator: "\n")
      print(lines.first { $0.contains { $0.isNumber } } ?? "\(command): no version")
    }

    func output(_ command: [String]) async throws -> String {
      let result = try await ChildProcess.run(command, timeout: .seconds(20))
      return result.outputText + result.errorText
    }

    func eventually(_ condition: () async throws -> Bool) async -> Bool {
      let limit = Loop.now.advanced(by: .seconds(30))
      while Loop.now < limit {
        if (try? await condition()) == true { return true }
        try? await Loop.sleep(.milliseconds(100))
      }
      return false
    }
  }

  @Loop @Test func `kdig reads what we answer`() async throws {
    let bench = try Bench()
    try bench.writeZone(serial: 1, address: "192.0.2.1")
    try bench.start()
    try await bench.printVersion("kdig", "-V")
    for (question, answer) in [
      (["alias.interop.example", "A"], "www.interop.example.\n192.0.2.1\n"),
      (["x.wild.interop.example", "TXT"], "\"a wildcard\"\n"),
      (["x.old.interop.example", "TXT"], "wild.interop.example.\nx.wild.interop.example.\n"),
      (["h.interop.example", "HTTPS"], "1 . alpn=h2,h3 port=8443\n"),
      (["u.interop.example", "TYPE65280"], "\\# 4 0A000001\n"),
      (["c.interop.example", "CAA"], "0 issue \"ca1.example.net\" \n"),
    ] {
      let text = try await bench.output(
        ["kdig", "@127.0.0.1", "-p", "\(bench.port)", "+short"] + question)
      #expect(text == answer)
    }
    let full = try await bench.kdig(
      bench.port, "www.interop.example", "A", "+nsid", "+cookie", "+subnet=192.0.2.0/24",
      "+bufsize=1232")
    #expect(full.contains("status: NOERROR") && full.contains("\"ns7\""))
    #expect(full.contains("COOKIE") && full.contains("CLIENT-SUBNET: 192.0.2.0/24/0"))
    #expect(!full.contains("WARNING"))
    let none = try await bench.kdig(bench.port, "nothing.interop.example", "A", "+edns=0")
    #expect(none.contains("NXDOMAIN") && none.contains("SOA"))
    let version = try await bench.kdig(bench.port, "www.interop.example", "A", "+edns=1")
    #expect(version.contains("BADVERS"))
    let tcp = try await bench.kdig(bench.port, "empty.interop.example", "A", "+tcp")
    #expect(tcp.contains("status: NOERROR") && tcp.contains("SOA"))
    let whole = try await bench.kdig(bench.port, "interop.example", "AXFR")
    #expect(whole.contains("host450.interop.example."))
    #expect(whole.components(of: "SOA").count == 3)
    await bench.stop()
  }

  @Loop
  @Test(
    .enabled(if: FileSystem.exists("/usr/bin/delv"), "needs delv: apt-get install bind9-dnsutils"))
  func `delv and dig read what we answer`() async throws {
    let bench = try Bench()
    try bench.writeZone(serial: 1, address: "192.0.2.1")
    try bench.start()
    try await bench.printVersion("delv", "-v")
    let delv = try await bench.output(
      ["delv", "@127.0.0.1", "-p", "\(bench.port)", "-i", "alias.interop.example", "A"])
    #expect(delv.contains("192.0.2.1") && delv.contains("CNAME"), "\(delv)")
    let dig = try await bench.output(
      ["dig", "@127.0.0.1", "-p", "\(bench.port)", "sub.interop.example", "A", "+norecurse"])
    #expect(dig.contains("ns.sub.interop.example.") && dig.contains("127.0.0.9"), "\(dig)")
    #expect(dig.contains("COOKIE") && dig.contains("(good)") && !dig.contains("WARNING"))
    await bench.stop()
  }

  @Loop
  @Test(
    .enabled(if: FileSystem.exists("/usr/sbin/unbound"), "needs unbound: apt-get install unbound"))
  func `unbound resolves by what we answer`() async throws {
    let bench = try Bench()
    try bench.writeZone(serial: 1, address: "192.0.2.1")
    try bench.start()
    try bench.start(
      ["/usr/sbin/unbound", "-d", "-c", "\(bench.folder)/other/configuration"],
      """
      server:
        interface: 127.0.0.1@\(bench.other)
        do-daemonize: no
        use-syslog: no
        username: ""
        chroot: ""
        directory: "\(bench.folder)/other"
        pidfile: "\(bench.folder)/other/pid"
        do-not-query-localhost: no
        module-config: "iterator"
        num-threads: 1
      remote-control:
        control-enable: no
      stub-zone:
        name: interop.example
        stub-addr: 127.0.0.1@\(bench.port)
      """)
    try await bench.printVersion("/usr/sbin/unbound", "-V")
    let isUp = await bench.eventually {
      try await bench.kdig(bench.other, "www.interop.example", "A", "+short") == "192.0.2.1\n"
    }
    #expect(isUp, "\(bench.log)")
    let alias = try await bench.kdig(bench.other, "alias.interop.example", "A", "+short")
    #expect(alias == "www.interop.example.\n192.0.2.1\n")
    let wild = try await bench.kdig(bench.other, "y.wild.interop.example", "TXT", "+short")
    #expect(wild == "\"a wildcard\"\n")
    let renamed = try await bench.kdig(bench.other, "y.old.interop.example", "TXT")
    #expect(renamed.contains("\"a wildcard\""), "\(renamed)")
    let none = try await bench.kdig(bench.other, "nothing.interop.example", "A")
    #expect(none.contains("NXDOMAIN"))
    await bench.stop()
  }

  @Loop
  @Test(
    .enabled(if: !Secondary.installed.isEmpty, "needs bind9, knot or nsd"),
    arguments: Secondary.installed)
  func `a secondary takes the zone, and again when it is told of a change`(
    secondary: Secondary
  ) async throws {
    let bench = try Bench()
    try bench.writeZone(serial: 1, address: "192.0.2.1")
    try bench.start()
    let folder = "\(bench.folder)/other"
    try bench.start(
      secondary.command(folder),
      secondary.configuration(
        "interop.example", folder, port: bench.other, primary: bench.port))
    try await bench.printVersion(secondary.command(folder)[0], secondary == .knot ? "-V" : "-v")
    let isTaken = await bench.eventually {
      try await bench.kdig(bench.other, "www.interop.example", "A", "+short") == "192.0.2.1\n"
    }
    #expect(isTaken, "\(bench.log)")
    for question in [
      ["h.interop.example", "HTTPS"], ["host450.interop.example", "A"],
      ["l.interop.example", "LOC"],
    ] {
      let ours = try await bench.kdig(bench.port, question[0], question[1], "+short")
      #expect(try await bench.kdig(bench.other, question[0], question[1], "+short") == ours)
    }
    try bench.writeZone(serial: 2, address: "192.0.2.2")
    let isChanged = await bench.eventually {
      try await bench.kdig(bench.other, "www.interop.example", "A", "+short") == "192.0.2.2\n"
    }
    #expect(isChanged, "\(bench.log)")
    await bench.stop()
  }
}

extension String {
  fileprivate func components(of word: String) -> [Substring] {
    split(separator: word, omittingEmptySubsequences: false)
  }
}
