import CLinux
import Glibc
import NetTypes

/// Datagrams with what the kernel knows of their way: the control side's UDP and ICMPv6.
package enum Datagrams {
  /// How a datagram came.
  package struct Arrival: Hashable, Sendable {
    package var source: SocketAddress
    package var destination: IPAddress
    /// By its index.
    package var interface: UInt32
    /// TTL or hop limit; nil where the socket was not asked to tell.
    package var timeToLive: UInt8?
  }

  /// A UDP socket of one family, in the calling thread's namespace.
  package static func socket(isIPv4: Bool) throws(SystemError) -> Descriptor {
    let kind =
      Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    return Descriptor(
      try system("socket", "UDP") { Glibc.socket(isIPv4 ? AF_INET : AF_INET6, kind, 0) })
  }

  /// Has the kernel tell destination, interface and TTL of what arrives.
  package static func reportArrivals(_ descriptor: Int32, isIPv4: Bool) throws(SystemError) {
    if isIPv4 {
      try Sockets.setOption(descriptor, Int32(IPPROTO_IP), IP_PKTINFO, 1)
      try Sockets.setOption(descriptor, Int32(IPPROTO_IP), IP_RECVTTL, 1)
    } else {
      try Sockets.setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_RECVPKTINFO, 1)
      try Sockets.setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_RECVHOPLIMIT, 1)
    }
  }

  /// The next datagram, cut to `buffer`; nil when there is none.
  package static func receive(
    _ descriptor: Int32, into buffer: inout [UInt8]
  ) -> (count: Int, arrival: Arrival)? {
    var raw = atoll_arrival()
    while true {
      let count = atoll_receive_datagram(descriptor, &buffer, buffer.count, &raw)
      if count >= 0 {
        guard let arrival = Arrival(raw) else { continue }
        return (count, arrival)
      }
      // What came of an earlier datagram, as ECONNREFUSED, shows here once.
      if errno == EAGAIN || errno == EBADF { return nil }
    }
  }

  /// Sends one datagram. What the kernel cannot send now is lost, as on the way.
  @discardableResult
  package static func send(
    _ descriptor: Int32, _ bytes: [UInt8], to address: SocketAddress, scope: UInt32 = 0
  ) -> Bool {
    RawSocketAddress(address, scope: scope).with { pointer, length in
      sendto(
        descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), pointer,
        length)
    } == bytes.count
  }
}

extension Datagrams.Arrival {
  fileprivate init?(_ raw: atoll_arrival) {
    func address(_ octets: [UInt8]) -> IPAddress? {
      switch raw.family {
      case AF_INET:
        .v4(IPv4Address(rawValue: octets.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }))
      case AF_INET6: IPv6Address(octets: octets).map(IPAddress.v6)
      default: nil
      }
    }
    guard let source = address(withUnsafeBytes(of: raw.source) { Array($0) }),
      let destination = address(withUnsafeBytes(of: raw.destination) { Array($0) })
    else { return nil }
    self.source = SocketAddress(source, port: raw.source_port)
    self.destination = destination
    interface = raw.interface
    timeToLive = UInt8(exactly: raw.time_to_live)
  }
}
