import CLinux
import Glibc
import NetTypes

/// Datagrams received and answered many at a time: recvmmsg(2) and sendmmsg(2), without allocation.
package struct DatagramBatch: ~Copyable {
  /// Datagrams that came together at most.
  package let capacity: Int
  private let batch: OpaquePointer
  private let answerCapacity: Int

  /// - Throws: ENOMEM.
  package init(
    capacity: Int, queryBytes: Int, answerBytes: Int
  ) throws(SystemError) {
    guard let batch = atoll_batch_make(UInt32(capacity), queryBytes, answerBytes) else {
      throw SystemError("malloc")
    }
    self.batch = batch
    self.capacity = capacity
    answerCapacity = answerBytes
  }

  deinit { atoll_batch_free(batch) }

  /// A UDP socket that shares its address with others of this process (SO_REUSEPORT), in the calling
  /// thread's namespace. One that is bound to no address of its own learns which was asked.
  /// - Parameter blocking: Whether `receive` waits for a first datagram.
  package static func socket(
    bound address: SocketAddress, blocking: Bool = false
  ) throws(SystemError) -> Descriptor {
    let descriptor = try Datagrams.socket(isIPv4: address.address.isIPv4)
    let number = descriptor.rawValue
    try Sockets.setOption(number, SOL_SOCKET, SO_REUSEADDR, 1)
    try Sockets.setOption(number, SOL_SOCKET, SO_REUSEPORT, 1)
    switch address.address {
    case .v4(let v4):
      try Sockets.setOption(number, Int32(IPPROTO_IP), IP_FREEBIND, 1)
      if v4.rawValue == 0 { try Sockets.setOption(number, Int32(IPPROTO_IP), IP_PKTINFO, 1) }
    case .v6(let v6):
      try Sockets.setOption(number, Int32(IPPROTO_IPV6), IPV6_FREEBIND, 1)
      try Sockets.setOption(number, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
      if v6 == IPv6Address(high: 0, low: 0) {
        try Sockets.setOption(number, Int32(IPPROTO_IPV6), IPV6_RECVPKTINFO, 1)
      }
    }
    try Sockets.bind(number, to: address)
    if blocking { try system("fcntl") { fcntl(number, F_SETFL, 0) } }
    return descriptor
  }

  /// What the socket has; 0 where that is nothing, or its end (see `end`).
  package mutating func receive(_ descriptor: Int32) -> Int {
    Int(atoll_batch_receive(batch, descriptor))
  }

  /// Has whoever waits on the socket find its end.
  package static func end(_ descriptor: Int32) { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Nil of a datagram that did not fit.
  package func query(_ index: Int) -> UnsafeBufferPointer<UInt8>? {
    let item = atoll_batch_item(batch, UInt32(index))
    return item.is_cut == 0
      ? UnsafeBufferPointer(start: item.query, count: item.query_count) : nil
  }

  package func source(_ index: Int) -> IPAddress {
    let item = atoll_batch_item(batch, UInt32(index))
    // Within the batch, always.
    let octets = UnsafeRawPointer(item.source).unsafelyUnwrapped
    guard item.family == AF_INET else {
      return .v6(
        IPv6Address(
          high: UInt64(bigEndian: octets.loadUnaligned(as: UInt64.self)),
          low: UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 8, as: UInt64.self))))
    }
    return .v4(IPv4Address(rawValue: UInt32(bigEndian: octets.loadUnaligned(as: UInt32.self))))
  }

  /// Room for the answer to a datagram.
  package func answer(_ index: Int) -> UnsafeMutableBufferPointer<UInt8> {
    UnsafeMutableBufferPointer(
      start: atoll_batch_item(batch, UInt32(index)).answer, count: answerCapacity)
  }

  /// Has `count` bytes of the answer's room be sent, from the address that was asked.
  package mutating func reply(_ index: Int, _ count: Int) {
    atoll_batch_answer(batch, UInt32(index), count)
  }

  /// What the kernel cannot send now is lost, as on the way.
  /// - Returns: how many answers went.
  @discardableResult package mutating func send(_ descriptor: Int32) -> Int {
    Int(atoll_batch_send(batch, descriptor))
  }

  /// Where a datagram came from and which address it asked, for an answer that comes later.
  package struct Way: Sendable {
    fileprivate var bytes: [UInt8]

    @discardableResult package func send(_ descriptor: Int32, _ answer: [UInt8]) -> Bool {
      atoll_send_way(descriptor, bytes, answer, answer.count) == answer.count
    }
  }

  package func way(_ index: Int) -> Way {
    Way(
      bytes: [UInt8](unsafeUninitializedCapacity: Int(ATOLL_WAY_SIZE)) { bytes, count in
        count = atoll_batch_way(batch, UInt32(index), bytes.baseAddress)
      })
  }
}
