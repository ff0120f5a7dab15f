import CLinux
import Glibc
import NetTypes

/// Sockets as the control side needs them: non-blocking, closed on exec.
package enum Sockets {
  /// A new stream socket of the family of `address`, in the calling thread's namespace.
  package static func stream(for address: IPAddress) throws(SystemError) -> Descriptor {
    let family = address.isIPv4 ? AF_INET : AF_INET6
    let kind =
      Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    return Descriptor(try system("socket") { socket(family, kind, 0) })
  }

  package static func setOption(
    _ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32
  ) throws(SystemError) {
    var value = value
    try system("setsockopt", "\(level)/\(option)") {
      setsockopt(descriptor, level, option, &value, 4)
    }
  }

  /// A listening stream socket.
  /// - Parameter freeBind: The address need not be the machine's yet (IP_FREEBIND).
  package static func listen(
    on address: SocketAddress, backlog: Int32 = 512, freeBind: Bool = false
  ) throws(SystemError) -> Descriptor {
    let descriptor = try stream(for: address.address)
    try setOption(descriptor.rawValue, SOL_SOCKET, SO_REUSEADDR, 1)
    if freeBind { try setOption(descriptor.rawValue, Int32(IPPROTO_IP), IP_FREEBIND, 1) }
    try bind(descriptor.rawValue, to: address)
    try system("listen", "\(address)") { Glibc.listen(descriptor.rawValue, backlog) }
    return descriptor
  }

  /// - Parameter scope: The interface of a link-local address, by its index.
  package static func bind(
    _ descriptor: Int32, to address: SocketAddress, scope: UInt32 = 0
  ) throws(SystemError) {
    try system("bind", "\(address)") {
      RawSocketAddress(address, scope: scope).with { Glibc.bind(descriptor, $0, $1) }
    }
  }

  /// Whether nobody listens on `address` yet.
  package static func canListen(on address: SocketAddress) -> Bool {
    (try? listen(on: address)) != nil
  }

  /// Begins a connection on a non-blocking socket; its end shows as writable.
  /// - Parameter scope: The interface of a link-local address, by its index.
  package static func beginConnect(
    _ descriptor: Int32, to address: SocketAddress, scope: UInt32 = 0
  ) throws(SystemError) {
    let code = RawSocketAddress(address, scope: scope).with { Glibc.connect(descriptor, $0, $1) }
    if code != 0, errno != EINPROGRESS { throw SystemError("connect", "\(address)") }
  }

  /// The pending error of a socket (SO_ERROR), 0 if none.
  package static func takeError(_ descriptor: Int32) -> Int32 {
    var code: Int32 = 0
    var length: socklen_t = 4
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
    return code
  }

  /// The next connection of a listening socket; nil when there is none.
  package static func accept(_ listener: Int32) throws(SystemError) -> Descriptor? {
    while true {
      let descriptor = atoll_accept(listener)
      if descriptor >= 0 { return Descriptor(descriptor) }
      switch errno {
      case EINTR, ECONNABORTED: continue
      case EAGAIN: return nil
      default: throw SystemError("accept")
      }
    }
  }

  package static func localAddress(_ descriptor: Int32) -> SocketAddress? {
    var address = RawSocketAddress()
    return address.fill { getsockname(descriptor, $0, $1) } == 0 ? address.value : nil
  }

  package static func peerAddress(_ descriptor: Int32) -> SocketAddress? {
    var address = RawSocketAddress()
    return address.fill { getpeername(descriptor, $0, $1) } == 0 ? address.value : nil
  }
}
