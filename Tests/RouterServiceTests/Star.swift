import CLinux
import Glibc
import Linux
import NetTypes
import RouterService

/// A namespace with a cable to each of several others, all of which answer for 10.99.0.1: what one of
/// them hears tells which next hop a flow has taken. Cable N is 10.90.N.0/24, ethN here, eth0 there.
final class Star {
  let center: String
  let ends: [String]
  private let ears: [Int32]
  static let port: UInt16 = 9999

  init(ends count: Int) throws {
    let id = "atolltest-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    center = id + "-c"
    ends = (1...count).map { "\(id)-\($0)" }
    try NetworkNamespace.create(named: center)
    try NetworkNamespace.open(named: center).with {
      try Netlink().setUp("lo")
      // Flows are told apart by their ports too.
      try Sysctl.set("net.ipv4.fib_multipath_hash_policy", "1")
    }
    var ears: [Int32] = []
    for (index, end) in ends.enumerated() {
      let number = index + 1
      try NetworkNamespace.create(named: end)
      let other = try NetworkNamespace.open(named: end)
      try NetworkNamespace.open(named: center).with {
        let netlink = try Netlink()
        try netlink.addVeth("eth\(number)", peer: "eth0", in: other)
        try netlink.addAddress(InterfaceAddress("10.90.\(number).1/24")!, to: "eth\(number)")
        try netlink.setUp("eth\(number)")
      }
      ears.append(
        try other.with {
          let netlink = try Netlink()
          try netlink.setUp("lo")
          try netlink.addAddress(InterfaceAddress("10.90.\(number).2/24")!, to: "eth0")
          try netlink.addAddress(InterfaceAddress("10.99.0.1/32")!, to: "lo")
          try netlink.setUp("eth0")
          for center in 1...count where center != number {
            try netlink.addRoute(
              Route(
                destination: prefix("10.90.\(center).0/24"),
                gateway: address("10.90.\(number).1")))
          }
          return try Self.socket(SocketAddress("10.99.0.1:\(Self.port)")!)
        })
    }
    self.ears = ears
  }

  deinit {
    for ear in ears { close(ear) }
    for name in ends + [center] { try? NetworkNamespace.delete(named: name) }
  }

  private static func socket(_ local: SocketAddress) throws -> Int32 {
    let kind =
      Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = try system("socket") { Glibc.socket(AF_INET, kind, 0) }
    // A child of another test may hold a copy until it runs its program.
    try Sockets.setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
    try Sockets.setOption(descriptor, SOL_SOCKET, SO_RCVBUF, 4 << 20)
    try Sockets.bind(descriptor, to: local)
    return descriptor
  }

  func with<Value>(_ body: (Netlink) throws -> Value) throws -> Value {
    try NetworkNamespace.open(named: center).with { try body(Netlink()) }
  }

  @Loop func kernel(_ options: KernelRoutes.Options = .init()) throws -> KernelRoutes {
    try NetworkNamespace.open(named: center).with { try KernelRoutes(options) }
  }

  /// Sends a packet of each of `count` flows and tells which end heard it, by flow.
  @Loop func flows(_ count: Int, from first: Int = 20000) async throws -> [Int: Int] {
    let senders = try NetworkNamespace.open(named: center).with {
      try (0..<count).map { try Self.socket(SocketAddress("10.90.1.1:\(first + $0)")!) }
    }
    defer { for sender in senders { close(sender) } }
    var heard: [Int: Int] = [:]
    for _ in 0..<20 {
      for (flow, sender) in senders.enumerated() where heard[flow] == nil {
        Self.send(flow, sender)
      }
      try await Loop.sleep(.milliseconds(20))
      for (end, ear) in ears.enumerated() {
        while let flow = Self.receive(ear) { heard[flow] = end }
      }
      if heard.count == count { break }
    }
    return heard
  }

  /// Sends numbers, one a millisecond, until `body` is done; returns those that nobody heard.
  @Loop func lost(during body: () async throws -> Void) async throws -> (sent: Int, lost: Int) {
    _ = try await flows(8)
    let sender = try NetworkNamespace.open(named: center).with {
      try Self.socket(SocketAddress("10.90.1.1:19999")!)
    }
    let stream = Stream(sender)
    let thread = pthread(stream)
    try await body()
    stream.isDone = true
    pthread_join(thread, nil)
    close(sender)
    try await Loop.sleep(.milliseconds(50))
    var heard: Set<Int> = []
    for ear in ears { while let number = Self.receive(ear) { heard.insert(number) } }
    return (stream.count, stream.count - heard.filter { $0 >= 1_000_000 }.count)
  }

  private func pthread(_ stream: Stream) -> pthread_t {
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { argument in
        Unmanaged<Stream>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(stream).toOpaque())
    return thread
  }

  /// Written by one thread and ended by another: a test's own.
  private final class Stream: @unchecked Sendable {
    let descriptor: Int32
    nonisolated(unsafe) var isDone = false
    var count = 0

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func run() {
      while !isDone {
        Star.send(1_000_000 + count, descriptor)
        count += 1
        usleep(1000)
      }
    }
  }

  private static func send(_ number: Int, _ descriptor: Int32) {
    var value = UInt32(number)
    _ = RawSocketAddress(SocketAddress("10.99.0.1:\(port)")!).with {
      sendto(descriptor, &value, 4, 0, $0, $1)
    }
  }

  private static func receive(_ descriptor: Int32) -> Int? {
    var value: UInt32 = 0
    return recv(descriptor, &value, 4, 0) == 4 ? Int(value) : nil
  }
}
