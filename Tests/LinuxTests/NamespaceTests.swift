import Glibc
import Linux
import NetTypes
import Testing

/// Real namespaces, with names of this process's own.
@Suite(.serialized, .enabled(if: geteuid() == 0, "namespaces need root"))
struct NamespaceTests {
  let left = "atoll-test-\(getpid())-l"
  let right = "atoll-test-\(getpid())-r"

  /// Two namespaces joined by a cable, 192.0.2.1 and 192.0.2.2.
  @Loop private func joined(_ body: () async throws -> Void) async throws {
    try NetworkNamespace.create(named: left)
    try NetworkNamespace.create(named: right)
    defer {
      try? NetworkNamespace.delete(named: left)
      try? NetworkNamespace.delete(named: right)
    }
    let peer = try NetworkNamespace.open(named: right)
    try inside(left) { try $0.addVeth("eth0", peer: "eth0", in: peer) }
    for (name, last) in [(left, UInt8(1)), (right, 2)] {
      try inside(name) { netlink in
        let address = InterfaceAddress(.v4(IPv4Address(192, 0, 2, last)), length: 24)
        try netlink.addAddress(address, to: "eth0")
        try netlink.setUp("lo")
        try netlink.setUp("eth0")
        #expect(try netlink.addresses(of: "eth0").filter(\.address.isIPv4) == [address])
      }
    }
    try await body()
  }

  @Loop private func inside<Value>(_ name: String, _ body: (Netlink) throws -> Value) throws
    -> Value
  {
    try NetworkNamespace.open(named: name).with { try body(try Netlink()) }
  }

  @Test @Loop func `two namespaces answer each other's echoes, and go without a trace`()
    async throws
  {
    try await joined {
      #expect(NetworkNamespace.exists(named: left))
      let times = try await ICMPEcho.ping(
        .v4(IPv4Address(192, 0, 2, 2)), count: 3, timeout: .seconds(2), inNamespace: left)
      #expect(times.count == 3)
      let lost = try await ICMPEcho.ping(
        .v4(IPv4Address(192, 0, 2, 99)), count: 1, timeout: .milliseconds(50), inNamespace: left)
      #expect(lost.isEmpty)
    }
    #expect(!NetworkNamespace.exists(named: left))
    #expect(NetworkNamespace.names(withPrefix: "atoll-test-\(getpid())-").isEmpty)
  }

  @Test @Loop func `routes come back from the kernel as they went in`() async throws {
    try await joined {
      try inside(left) { netlink in
        let block = IPPrefix(.v4(IPv4Address(10, 53, 0, 64)), length: 26)
        var route = Route(destination: block, gateway: .v4(IPv4Address(192, 0, 2, 2)))
        route.routingProtocol = 167
        route.metric = 20
        try netlink.replaceRoute(route)
        let found = try netlink.routes().filter { $0.routingProtocol == 167 }
        #expect(found.map(\.destination) == [block])
        #expect(found.first?.nextHops == route.nextHops && found.first?.metric == 20)

        route.hops = [
          Route.NextHop(gateway: .v4(IPv4Address(192, 0, 2, 2))),
          Route.NextHop(gateway: .v4(IPv4Address(192, 0, 2, 3)), weight: 2),
        ]
        try netlink.replaceRoute(route)
        let multipath = try netlink.routes().filter { $0.routingProtocol == 167 }
        #expect(multipath.count == 1)
        #expect(multipath.first?.hops.map(\.weight) == [1, 2])

        var hole = Route(
          destination: IPPrefix(.v4(IPv4Address(10, 54, 0, 0)), length: 26), kind: .blackhole)
        hole.routingProtocol = 167
        #expect(try netlink.replaceRoutes([hole]).allSatisfy { $0 == nil })
        #expect(try netlink.routes().contains { $0.kind == .blackhole })
        #expect(try netlink.deleteRoutes([route, hole]).allSatisfy { $0 == nil })
        #expect(try netlink.routes().allSatisfy { $0.routingProtocol != 167 })
      }
    }
  }

  @Test @Loop func `an error carries the kernel's reason`() async throws {
    try await joined {
      try inside(left) { netlink in
        let far = Route(
          destination: IPPrefix(.v4(IPv4Address(10, 0, 0, 0)), length: 8),
          gateway: .v4(IPv4Address(203, 0, 113, 1)))
        let error = #expect(throws: NetlinkError.self) { try netlink.addRoute(far) }
        #expect(error?.code == ENETUNREACH)
        #expect(error?.description.contains("10.0.0.0/8 via 203.0.113.1") == true)
      }
    }
  }

  @Test @Loop func `a script of nft applies inside the namespace it is meant for`() async throws {
    try await joined {
      try await NFTables.apply("table inet atoll_test { }\n", inNamespace: left)
      let list = try await ChildProcess.run([
        "nsenter", "--net=/run/netns/\(left)", "nft", "list", "tables",
      ])
      #expect(list.outputText.contains("atoll_test"))
      await #expect(throws: NFTables.Failure.self) {
        try await NFTables.apply("table inet {", inNamespace: left)
      }
    }
  }
}

@Suite struct ChildProcessTests {
  @Test @Loop func `a command's output, errors and exit code come back`() async throws {
    let result = try await ChildProcess.run(
      ["sh", "-c", "cat; echo oops >&2; exit 3"], input: Array("hello".utf8))
    #expect(result.outputText == "hello")
    #expect(result.errorText == "oops\n")
    #expect(result.ending == .exited(3))
  }

  @Test @Loop func `more output than the limit is cut, and the command still ends`() async throws {
    let result = try await ChildProcess.run(
      ["sh", "-c", "head -c 300000 /dev/zero"], limit: 1000)
    #expect(result.output.count == 1000)
    #expect(result.ending.isSuccess)
  }

  @Test @Loop func `a command that does not end is killed at its timeout`() async throws {
    let result = try await ChildProcess.run(["sleep", "600"], timeout: .milliseconds(50))
    #expect(result.ending == .killed(signal: SIGKILL))
  }

  @Test @Loop func `a program that is not there is an error that names it`() async throws {
    let error = await #expect(throws: SystemError.self) {
      try await ChildProcess.run(["/no/such/program"])
    }
    #expect(error?.description.contains("/no/such/program") == true)
  }
}

@Suite struct FileSystemTests {
  @Test func `a tree is removed with its links, and not what they point to`() throws {
    let root = "/tmp/atoll-test-\(getpid())"
    try FileSystem.makeDirectories(root + "/a/b")
    try FileSystem.makeDirectories(root + "-kept")
    try FileSystem.write("x", to: root + "-kept/file")
    symlink(root + "-kept", root + "/a/link")
    try FileSystem.write("y", to: root + "/a/b/file", mode: 0o600)
    #expect(try FileSystem.readText(root + "/a/b/file") == "y")
    try FileSystem.removeTree(root)
    #expect(!FileSystem.exists(root))
    #expect(try FileSystem.readText(root + "-kept/file") == "x")
    try FileSystem.removeTree(root + "-kept")
  }
}
