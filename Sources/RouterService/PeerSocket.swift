import CLinux
import Glibc
import Linux
import NetTypes

/// Options of BGP's sockets.
enum PeerSocket {
  /// DSCP CS6, network control. RFC 4271 appendix E.
  private static let networkControl: Int32 = 0xc0

  static func prepare(_ descriptor: Int32, isIPv4: Bool, timeToLive: UInt8?) throws(SystemError) {
    try Sockets.setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    if isIPv4 {
      try Sockets.setOption(descriptor, Int32(IPPROTO_IP), IP_TOS, networkControl)
      if let timeToLive {
        try Sockets.setOption(descriptor, Int32(IPPROTO_IP), IP_TTL, Int32(timeToLive))
      }
    } else {
      try Sockets.setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_TCLASS, networkControl)
      if let timeToLive {
        try Sockets.setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_UNICAST_HOPS, Int32(timeToLive))
      }
    }
  }

  /// Sets the TCP MD5 key for one peer; nil takes it away. RFC 2385, tcp(7).
  static func setPassword(
    _ descriptor: Int32, peer: IPAddress, _ password: String?
  ) throws(SystemError) {
    let key = Array((password ?? "").utf8.prefix(80))
    // struct tcp_md5sig: address (128 octets), flags, prefix length, key length (2), index (4), key.
    var option = RawSocketAddress(SocketAddress(peer, port: 0)).octets
    option += [0, 0]
    withUnsafeBytes(of: UInt16(key.count)) { option += $0 }
    option += [0, 0, 0, 0]
    option += key + [UInt8](repeating: 0, count: 80 - key.count)
    try system("setsockopt", "TCP_MD5SIG for \(peer)") {
      setsockopt(descriptor, Int32(IPPROTO_TCP), 14, option, socklen_t(option.count))
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
