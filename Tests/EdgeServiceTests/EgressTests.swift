import Glibc
import Kubernetes
import Linux
import NetTypes
import Testing
import Transport

@testable import EdgeService

/// The edge of a unit as a process of its own, all in namespaces of the test's own:
///
///     pods 10.92.0.11 and on ── eth0  edge  eth1 ── outside 192.0.2.2
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root to make network namespaces"))
struct EgressTests {
  #if DEBUG
    private static let program = ".build/debug/atoll"
  #else
    private static let program = ".build/release/atoll"
  #endif

  @Test(.enabled(if: access(program, X_OK) == 0, "needs \(program)"))
  func `pods leave with the address that their namespace has`() async throws {
    let scene = try EgressScene()
    let api = try await FakeAPI(in: scene.edge)
    await api.fill()
    let edge = try await scene.start(Self.program, api: api.address)
    try await eventually("the annotations hold") { try scene.source(of: 11) == "192.0.2.77" }
    #expect(try scene.source(of: 12) == "10.92.0.12")
    // Automap: as all others, whether its annotation cannot be read or it has none.
    #expect(try scene.source(of: 13) == "192.0.2.1")
    #expect(try scene.source(of: 14) == "192.0.2.1")
    try await eventually("the namespace is told") {
      await api.posts.contains {
        $0["involvedObject"]["name"].string == "bad"
          && $0["message"].string?.contains("expected automap, none, or addresses of") == true
      }
    }
    // A pod that comes, and a namespace that changes its mind.
    await api.tell(
      "pods", "ADDED", FakeAPI.pod("shop", 15, version: 8))
    try await eventually("the new pod is known") { try scene.source(of: 15) == "192.0.2.77" }
    await api.tell("namespaces", "MODIFIED", FakeAPI.namespace("own", "192.0.2.78", version: 9))
    try await eventually("the new address is given") { try scene.source(of: 12) == "192.0.2.78" }
    let status = try await scene.status()
    #expect(
      status["egress"].elements.map { $0["name"].string } == [
        "namespace own", "namespace shop", "automap",
      ])
    // What is on its way stays so while there is no edge, and after.
    let held = try scene.connect(from: 11)
    await edge.signal(SIGTERM)
    #expect(try await edge.wait().isSuccess)
    #expect(try scene.source(of: 11) == "192.0.2.77")
    let again = try await scene.start(Self.program, api: api.address)
    try await eventually("it serves again") { await (try? scene.status()) != nil }
    #expect(try scene.source(of: 15) == "192.0.2.77")
    #expect(try held.passes())
    await again.signal(SIGTERM)
    #expect(try await again.wait().isSuccess)
    await api.server?.stop()
  }

  private func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let limit = Loop.now.advanced(by: .seconds(15))
    while try await !condition() {
      try #require(Loop.now < limit, "not yet: \(what)")
      try await Loop.sleep(.milliseconds(20))
    }
  }
}

extension FakeAPI {
  static func namespace(_ name: String, _ snat: String?, version: Int = 3) -> JSON {
    var namespace: JSON = [
      "kind": "Namespace", "apiVersion": "v1",
      "metadata": ["name": .string(name), "resourceVersion": .string("\(version)")],
    ]
    if let snat { namespace["metadata"]["annotations"] = ["atoll.dev/snat": .string(snat)] }
    return namespace
  }

  static func pod(_ namespace: String, _ last: Int, version: Int = 3) -> JSON {
    [
      "kind": "Pod", "apiVersion": "v1",
      "metadata": [
        "name": .string("pod-\(last)"), "namespace": .string(namespace),
        "resourceVersion": .string("\(version)"),
      ],
      "status": ["phase": "Running", "podIP": .string("10.92.0.\(last)")],
    ]
  }

  fileprivate func fill() {
    lists["namespaces"] = [
      Self.namespace("shop", "192.0.2.77"), Self.namespace("own", "none"),
      Self.namespace("bad", "banana"), Self.namespace("usual", nil),
    ]
    lists["pods"] = zip(["shop", "own", "bad", "usual"], 11...).map { Self.pod($0, $1) }
  }

  fileprivate func tell(_ resource: String, _ type: String, _ object: JSON) {
    events[resource, default: []].append(["type": .string(type), "object": object])
    // An edge that starts again lists it.
    lists[resource]?.removeAll { $0["metadata"]["name"] == object["metadata"]["name"] }
    lists[resource]?.append(object)
  }
}

private final class EgressScene: Sendable {
  let edge: String
  private let pods: String
  private let outside: String
  private let folder: String
  private let listener: Int32

  init() throws {
    let id = "atolltest-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let (edge, pods, outside) = (id + "-e", id + "-p", id + "-o")
    (self.edge, self.pods, self.outside) = (edge, pods, outside)
    var template = Array("/tmp/atoll-egress-XXXXXX".utf8CString)
    folder = String(cString: mkdtemp(&template))
    for name in [edge, pods, outside] {
      try NetworkNamespace.create(named: name)
      try NetworkNamespace.open(named: name).with { try Netlink().setUp("lo") }
    }
    try NetworkNamespace.open(named: edge).with { try Sysctl.set("net.ipv4.ip_forward", "1") }
    func cable(_ name: String, _ interface: String, _ gateway: String, _ own: [String]) throws {
      let other = try NetworkNamespace.open(named: name)
      try NetworkNamespace.open(named: edge).with {
        let netlink = try Netlink()
        try netlink.addVeth(interface, peer: "eth0", in: other)
        try netlink.addAddress(InterfaceAddress("\(gateway)/24")!, to: interface)
        try netlink.setUp(interface)
      }
      try other.with {
        let netlink = try Netlink()
        for address in own {
          try netlink.addAddress(InterfaceAddress("\(address)/24")!, to: "eth0")
        }
        try netlink.setUp("eth0")
        try netlink.addRoute(Route(destination: .defaultIPv4, gateway: IPAddress(gateway)!))
      }
    }
    try cable(pods, "eth0", "10.92.0.1", (11...15).map { "10.92.0.\($0)" })
    try cable(outside, "eth1", "192.0.2.1", ["192.0.2.2"])
    listener = try NetworkNamespace.open(named: outside).with {
      let listener = try Self.socket()
      try Sockets.bind(listener, to: Self.place)
      try system("listen") { listen(listener, 64) }
      return listener
    }
  }

  deinit {
    close(listener)
    for name in [edge, pods, outside] { try? NetworkNamespace.delete(named: name) }
    try? FileSystem.removeTree(folder)
  }

  private static let place = SocketAddress("192.0.2.2:80")!

  private static func socket() throws -> Int32 {
    let socket = try system("socket") {
      Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }
    var limit = timeval(tv_sec: 2, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(
        socket, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    return socket
  }

  /// The address that outside sees of a pod.
  func source(of pod: Int) throws -> String { try connect(from: pod).source }

  /// A connection from a pod to outside, both ends.
  func connect(from pod: Int) throws -> EgressConnection {
    let client = try NetworkNamespace.open(named: pods).with { try Self.socket() }
    try Sockets.bind(client, to: SocketAddress(IPAddress("10.92.0.\(pod)")!, port: 0))
    _ = try system("connect") {
      RawSocketAddress(Self.place).with { Glibc.connect(client, $0, $1) }
    }
    let peer = try system("accept") { accept(listener, nil, nil) }
    return EgressConnection(client, peer)
  }

  func start(_ program: String, api: SocketAddress) async throws -> ChildProcess {
    try FileSystem.write(
      """
      clusters: [{name: a, cluster: {server: "http://\(api)"}}]
      contexts: [{name: a, context: {cluster: a, user: ""}}]
      """, to: folder + "/kubeconfig")
    try FileSystem.write(
      "hostname edge\n!\nrouter bgp 64512\n bgp router-id 192.0.2.1\n!\n",
      to: folder + "/router.conf")
    return try await ChildProcess.spawn(
      [
        program, "edge", "unit", "--name", "test", "--kubeconfig", folder + "/kubeconfig",
        "--router-config", folder + "/router.conf", "--state", folder + "/state",
        "--socket", folder + "/edge.sock", "--node-address", "10.92.0.1",
        "--vip-cidr", "192.0.2.0/24", "--ingress-vip", "192.0.2.10", "--reserved-vips", "11",
      ], output: .append(folder + "/log"),
      networkNamespace: "\(NetworkNamespace.folder)/\(edge)")
  }

  @Loop func status() async throws -> JSON {
    try await EdgeClient(socket: folder + "/edge.sock").exchange("GET", "/status")
  }
}

private final class EgressConnection: Sendable {
  private let client: Int32
  private let peer: Int32

  init(_ client: Int32, _ peer: Int32) { (self.client, self.peer) = (client, peer) }
  deinit {
    close(client)
    close(peer)
  }

  var source: String { Sockets.peerAddress(peer).map { "\($0.address)" } ?? "?" }

  func passes() throws -> Bool {
    var byte: UInt8 = 7
    return send(client, &byte, 1, Int32(MSG_NOSIGNAL)) == 1 && recv(peer, &byte, 1, 0) == 1
  }
}
