import Glibc
import Linux
import NetTypes

/// Makes a socket of that family and type. A factory of its own can make it in another network
/// namespace, where all its traffic then belongs.
package typealias SocketFactory = @Loop (_ family: Int32, _ type: Int32) throws -> Descriptor

/// A non-blocking socket in this process's own namespaces.
@Loop package func makeSocket(family: Int32, type: Int32) throws -> Descriptor {
  let flags = type | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
  return Descriptor(try system("socket") { socket(family, flags, 0) })
}

let streamType = Int32(SOCK_STREAM.rawValue)

/// Where a listener or a peer is.
package enum StreamAddress: Hashable, Sendable, CustomStringConvertible {
  case address(SocketAddress)
  /// A name for the resolver.
  case host(String, port: UInt16)
  case unix(path: String)

  package var description: String {
    switch self {
    case .address(let address): "\(address)"
    case .host(let host, let port): "\(host):\(port)"
    case .unix(let path): path
    }
  }
}

/// A kernel socket address with its length.
struct RawSocketAddress {
  var storage = sockaddr_storage()
  var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

  init() {}

  init(_ address: SocketAddress) {
    switch address.address {
    case .v4(let v4):
      var raw = sockaddr_in()
      raw.sin_family = sa_family_t(AF_INET)
      raw.sin_port = address.port.bigEndian
      raw.sin_addr.s_addr = v4.rawValue.bigEndian
      copy(raw)
    case .v6:
      var raw = sockaddr_in6()
      raw.sin6_family = sa_family_t(AF_INET6)
      raw.sin6_port = address.port.bigEndian
      withUnsafeMutableBytes(of: &raw.sin6_addr) { $0.copyBytes(from: address.address.octets) }
      copy(raw)
    }
  }

  /// - Throws: ENAMETOOLONG for a path of 108 bytes or more.
  init(unixPath path: String) throws(SystemError) {
    var raw = sockaddr_un()
    raw.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: raw.sun_path)
    guard path.utf8.count < room else {
      throw SystemError("bind", path, code: ENAMETOOLONG)
    }
    withUnsafeMutableBytes(of: &raw.sun_path) { $0.copyBytes(from: path.utf8) }
    copy(raw)
  }

  private mutating func copy<Raw>(_ raw: Raw) {
    withUnsafeBytes(of: raw) { bytes in
      withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: bytes) }
    }
    length = socklen_t(MemoryLayout<Raw>.size)
  }

  mutating func withPointer<Result>(
    _ body: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Result
  ) -> Result {
    withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
    }
  }

  /// Nil for what is not IP.
  var socketAddress: SocketAddress? {
    withUnsafeBytes(of: storage) { bytes in
      switch Int32(storage.ss_family) {
      case AF_INET:
        let raw = bytes.loadUnaligned(as: sockaddr_in.self)
        let address = IPv4Address(rawValue: UInt32(bigEndian: raw.sin_addr.s_addr))
        return SocketAddress(.v4(address), port: UInt16(bigEndian: raw.sin_port))
      case AF_INET6:
        let raw = bytes.loadUnaligned(as: sockaddr_in6.self)
        let address = withUnsafeBytes(of: raw.sin6_addr) { octets in
          IPv6Address(
            high: UInt64(bigEndian: octets.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
        return SocketAddress(.v6(address), port: UInt16(bigEndian: raw.sin6_port))
      default: return nil
      }
    }
  }
}

/// The pending error of a socket, which reading clears; 0 for none.
func pendingError(of descriptor: Int32) -> Int32 {
  var code: Int32 = 0
  var length = socklen_t(MemoryLayout<Int32>.size)
  getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
  return code
}

func disableNagle(_ descriptor: Int32) {
  var one: Int32 = 1
  setsockopt(
    descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
}

/// Notices a peer that is gone without a word within about 25 s, also while nothing is sent.
func enableKeepAlive(_ descriptor: Int32) {
  func set(_ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }
  set(SOL_SOCKET, SO_KEEPALIVE, 1)
  set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, 10)
  set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, 5)
  set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
}
