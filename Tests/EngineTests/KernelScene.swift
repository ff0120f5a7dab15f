import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Synchronization

/// Namespaces of a test: a client, an edge with the virtual addresses 192.0.2.10 and 2001:db8::10,
/// and three members, each on a cable to the edge: 10.91.1.2 is the client, 10.91.11.2 and on are
/// the members. All of them answer on TCP and UDP port 80 with `NAME PEER-ADDRESS`.
final class KernelScene: Sendable {
  let edge: String
  let client: String
  let members: [String]
  let folder: String
  private let listeners = Mutex<[Int32]>([])
  static let virtual = IPAddress("192.0.2.10")!
  static let virtual6 = IPAddress("2001:db8::10")!

  init() throws {
    let id = "atolltest-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    edge = id + "-e"
    client = id + "-c"
    let names = (1...3).map { "\(id)-\($0)" }
    members = names
    var template = Array("/tmp/atoll-kernel-XXXXXX".utf8CString)
    folder = String(cString: mkdtemp(&template))
    for name in [edge, client] + names {
      try NetworkNamespace.create(named: name)
      try NetworkNamespace.open(named: name).with {
        try Netlink().setUp("lo")
        // Addresses are of use at once.
        try Sysctl.set("net.ipv6.conf.default.accept_dad", "0")
      }
    }
    try NetworkNamespace.open(named: edge).with {
      try Sysctl.set("net.ipv4.ip_forward", "1")
      try Sysctl.set("net.ipv6.conf.all.forwarding", "1")
      let netlink = try Netlink()
      try netlink.addAddress(InterfaceAddress("192.0.2.10/32")!, to: "lo")
      try netlink.addAddress(InterfaceAddress("2001:db8::10/128")!, to: "lo")
    }
    try cable(client, 1)
    for (index, name) in names.enumerated() { try cable(name, 11 + index) }
    for (index, name) in names.enumerated() { try serve(name, "m\(index + 1)") }
  }

  deinit {
    for descriptor in listeners.withLock({ $0 }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    for name in [edge, client] + members { try? NetworkNamespace.delete(named: name) }
    try? FileSystem.removeTree(folder)
  }

  private func cable(_ name: String, _ number: Int) throws {
    let other = try NetworkNamespace.open(named: name)
    try NetworkNamespace.open(named: edge).with {
      let netlink = try Netlink()
      try netlink.addVeth("eth\(number)", peer: "eth0", in: other)
      try netlink.addAddress(InterfaceAddress("10.91.\(number).1/24")!, to: "eth\(number)")
      try netlink.addAddress(InterfaceAddress("fd91:\(number)::1/64")!, to: "eth\(number)")
      try netlink.setUp("eth\(number)")
    }
    try other.with {
      let netlink = try Netlink()
      try netlink.addAddress(InterfaceAddress("10.91.\(number).2/24")!, to: "eth0")
      try netlink.addAddress(InterfaceAddress("fd91:\(number)::2/64")!, to: "eth0")
      try netlink.setUp("eth0")
      try netlink.addRoute(
        Route(destination: IPPrefix("0.0.0.0/0")!, gateway: IPAddress("10.91.\(number).1")!))
      try netlink.addRoute(
        Route(destination: IPPrefix("::/0")!, gateway: IPAddress("fd91:\(number)::1")!))
    }
  }

  /// Answers in a namespace, IPv4 and IPv6, TCP and UDP.
  func serve(_ namespace: String, _ name: String, port: UInt16 = 80) throws {
    let any = SocketAddress(.v6(.any), port: port)
    let stream = try socket(namespace, any.address, SOCK_STREAM)
    try Sockets.setOption(stream, SOL_SOCKET, SO_REUSEADDR, 1)
    try Sockets.bind(stream, to: any)
    try system("listen") { listen(stream, 512) }
    let datagrams = try socket(namespace, any.address, SOCK_DGRAM)
    try Sockets.bind(datagrams, to: any)
    listeners.withLock { $0 += [stream, datagrams] }
    Thread.spawn(name: "accept \(name)") {
      while true {
        let accepted = accept(stream, nil, nil)
        guard accepted >= 0 else { break }
        Thread.spawn(name: "serve \(name)") {
          let answer = "\(name) \(Self.text(Sockets.peerAddress(accepted)))\n"
          var byte: UInt8 = 0
          while recv(accepted, &byte, 1, 0) == 1 {
            guard send(accepted, answer, answer.utf8.count, Int32(MSG_NOSIGNAL)) > 0 else { break }
          }
          close(accepted)
        }
      }
      close(stream)
    }
    Thread.spawn(name: "echo \(name)") {
      var byte: UInt8 = 0
      var peer = RawSocketAddress()
      while peer.fill({ recvfrom(datagrams, &byte, 1, 0, $0, $1) > 0 ? 0 : -1 }) == 0 {
        let answer = "\(name) \(Self.text(peer.value))\n"
        _ = peer.value.map { to in
          RawSocketAddress(to).with { sendto(datagrams, answer, answer.utf8.count, 0, $0, $1) }
        }
      }
      close(datagrams)
    }
  }

  private static func text(_ peer: SocketAddress?) -> String {
    guard let octets = peer?.address.octets, octets.count == 16 else { return "?" }
    let isMapped = octets.starts(with: [UInt8](repeating: 0, count: 10) + [255, 255])
    return isMapped
      ? octets[12...].map(String.init).joined(separator: ".") : peer.map { "\($0.address)" } ?? "?"
  }

  private func socket(
    _ namespace: String, _ family: IPAddress, _ kind: __socket_type
  ) throws -> Int32 {
    try NetworkNamespace.open(named: namespace).with {
      try system("socket") {
        Glibc.socket(
          family.isIPv4 ? AF_INET : AF_INET6, Int32(kind.rawValue | SOCK_CLOEXEC.rawValue), 0)
      }
    }
  }

  /// A connection, or a flow of datagrams, from a namespace.
  func connect(
    _ address: IPAddress, from namespace: String? = nil, _ kind: __socket_type = SOCK_STREAM,
    port: UInt16 = 80, bound: IPAddress? = nil
  ) throws -> KernelClient {
    let client = KernelClient(try socket(namespace ?? client, address, kind))
    var limit = timeval(tv_sec: 2, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(client.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    setsockopt(client.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    if let bound {
      try Sockets.bind(client.descriptor, to: SocketAddress(bound, port: 0))
    }
    let code = RawSocketAddress(SocketAddress(address, port: port)).with {
      Glibc.connect(client.descriptor, $0, $1)
    }
    guard code == 0 else { throw SystemError("connect", "\(address)") }
    return client
  }

  func answer(_ address: IPAddress, _ kind: __socket_type = SOCK_STREAM, port: UInt16 = 80) throws
    -> String
  { try connect(address, kind, port: port).ask() }

  /// How often each member has answered.
  func tally(_ count: Int, _ address: IPAddress = virtual, _ kind: __socket_type = SOCK_STREAM)
    throws -> [String: Int]
  {
    try (0..<count).reduce(into: [:]) { tally, _ in
      tally[String(try answer(address, kind).prefix(2)), default: 0] += 1
    }
  }

  func nft(_ arguments: String...) async throws -> String {
    try await NFTables.list(arguments, inNamespace: edge)
  }

  // MARK: Configuration

  func member(_ number: Int, weight: Int = 1, v6: Bool = false) -> Member {
    let text = v6 ? "fd91:\(10 + number)::2" : "10.91.\(10 + number).2"
    return Member(address: IPAddress(text)!, port: 80, weight: weight)
  }

  func server(
    _ name: String, _ kind: VirtualServer.TransportProtocol = .tcp, port: UInt16 = 80,
    v6: Bool = false, pool: String = "pool"
  ) -> VirtualServer {
    var server = VirtualServer(
      name: name, address: v6 ? Self.virtual6 : Self.virtual, port: port, protocol: kind,
      pool: pool)
    server.mode = .kernel
    return server
  }

  func settings() -> Engine.Settings {
    var settings = Engine.Settings()
    settings.workers = 1
    settings.connectionsPerWorker = 100
    settings.kernel.namespace = edge
    settings.kernel.table = "atoll-edge-test"
    return settings
  }

  /// Up while a file of the member's address is there.
  var monitor: Monitor {
    var monitor = Monitor(kind: .exec, rise: 1, fall: 1)
    monitor.command = ["/bin/sh", "-c", "test -e \(folder)/$1", "sh"]
    return monitor
  }

  func mark(_ number: Int, isUp: Bool) throws {
    let path = "\(folder)/\(member(number).address)"
    if isUp { try FileSystem.write("", to: path) } else { unlink(path) }
  }
}

final class KernelClient: Sendable {
  let descriptor: Int32

  init(_ descriptor: Int32) { self.descriptor = descriptor }
  deinit { close(descriptor) }

  /// What the member says: its name, and the address that it sees.
  func ask() throws -> String {
    guard send(descriptor, "x", 1, Int32(MSG_NOSIGNAL)) == 1 else { throw SystemError("send") }
    var buffer = [UInt8](repeating: 0, count: 100)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    guard count > 0 else { throw TestFailure("recv: \(count) \(errno)") }
    return String(decoding: buffer[..<(count - 1)], as: UTF8.self)
  }
}

/// Asks without a pause, over one connection that stays and over new ones.
final class KernelLoad: Sendable {
  private let isDone = Atomic(false)
  private let hasEnded = Atomic(false)
  private let asked = Atomic(0)
  private let failed = Atomic(0)

  init(_ scene: KernelScene) {
    Thread.spawn(name: "load") { [self] in
      let held = try? scene.connect(KernelScene.virtual)
      while !isDone.load(ordering: .relaxed) {
        if (try? held?.ask()) == nil { failed.add(1, ordering: .relaxed) }
        if (try? scene.answer(KernelScene.virtual)) == nil { failed.add(1, ordering: .relaxed) }
        asked.add(2, ordering: .relaxed)
        // Where nobody listens any more, not all of the machine.
        if failed.load(ordering: .relaxed) > 100 { usleep(10_000) }
      }
      hasEnded.store(true, ordering: .releasing)
    }
  }

  /// Also what a test that fails must leave behind: no thread that goes on.
  func end() { isDone.store(true, ordering: .relaxed) }

  func stop() -> (asked: Int, failed: Int) {
    end()
    while !hasEnded.load(ordering: .acquiring) { usleep(1000) }
    return (asked.load(ordering: .relaxed), failed.load(ordering: .relaxed))
  }
}

extension Engine {
  func report(_ body: @escaping @Loop (Problem) -> Void) { onProblem = body }
}
