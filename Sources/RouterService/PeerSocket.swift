import CLinux
import Glibc
import Linux
import NetTypes

/// Options of BGP's sockets.
enum PeerSocket {
  /// DSCP CS6, network control. RFC 4271 appendix E.
  private static let networkControl: Int32 = 0xc0

  /// IP_MINTTL of ip(7) and IPV6_MINHOPCOUNT of linux/in6.h.
  private static let minimumTTL: Int32 = 21
  private static let minimumHopCount: Int32 = 73

  /// - Parameters:
  ///   - timeToLive: of what is sent; nil: as it is.
  ///   - minimumTimeToLive: what arrives with less is dropped by the kernel; nil: nothing is.
  static func prepare(
    _ descriptor: Int32, isIPv4: Bool, timeToLive: UInt8?, minimumTimeToLive: UInt8? = nil
  ) throws(SystemError) {
    try Sockets.setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    if isIPv4 {
      try Sockets.setOption(descriptor, Int32(IPPROTO_IP), IP_TOS, networkControl)
      if let timeToLive {
        try Sockets.setOption(descriptor, Int32(IPPROTO_IP), IP_TTL, Int32(timeToLive))
      }
      if let minimumTimeToLive {
        try Sockets.setOption(
          descriptor, Int32(IPPROTO_IP), minimumTTL, Int32(minimumTimeToLive))
      }
    } else {
      try Sockets.setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_TCLASS, networkControl)
      if let timeToLive {
        try Sockets.setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_UNICAST_HOPS, Int32(timeToLive))
      }
      if let minimumTimeToLive {
        try Sockets.setOption(
          descriptor, Int32(IPPROTO_IPV6), minimumHopCount, Int32(minimumTimeToLive))
      }
    }
  }

  /// Sets the TCP MD5 key for one peer, or for the peers of a prefix on a listening socket; nil
  /// takes it away. RFC 2385, tcp(7).
  static func setPassword(
    _ descriptor: Int32, peers: IPPrefix, _ password: String?
  ) throws(SystemError) {
    let key = Array((password ?? "").utf8.prefix(80))
    let isRange = Int(peers.length) < peers.address.bitWidth
    // struct tcp_md5sig: address (128 octets), flags, prefix length, key length (2), index (4), key.
    var option = RawSocketAddress(SocketAddress(peers.address, port: 0)).octets
    option += isRange ? [1, UInt8(peers.length)] : [0, 0]
    withUnsafeBytes(of: UInt16(key.count)) { option += $0 }
    option += [0, 0, 0, 0]
    option += key + [UInt8](repeating: 0, count: 80 - key.count)
    // TCP_MD5SIG, and TCP_MD5SIG_EXT for the prefix.
    try system("setsockopt", "TCP MD5 key for \(peers)") {
      setsockopt(
        descriptor, Int32(IPPROTO_TCP), isRange ? 32 : 14, option, socklen_t(option.count))
    }
  }
}

extension RawSocketAddress {
  /// A whole `sockaddr_storage`.
  fileprivate var octets: [UInt8] {
    with { pointer, length in
      let bytes = Array(UnsafeRawBufferPointer(start: pointer, count: Int(length)))
      return bytes + [UInt8](repeating: 0, count: 128 - bytes.count)
    }
  }
}
