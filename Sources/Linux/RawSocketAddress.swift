import Glibc
import NetTypes

/// A `sockaddr` of either family, as the system calls take it.
package struct RawSocketAddress {
  private var storage = sockaddr_storage()
  private var length: socklen_t

  /// - Parameter scope: The interface of a link-local address, by its index.
  package init(_ address: SocketAddress, scope: UInt32 = 0) {
    switch address.address {
    case .v4(let v4):
      length = socklen_t(MemoryLayout<sockaddr_in>.size)
      withUnsafeMutableBytes(of: &storage) { bytes in
        var raw = sockaddr_in()
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_port = address.port.bigEndian
        raw.sin_addr.s_addr = v4.rawValue.bigEndian
        bytes.storeBytes(of: raw, as: sockaddr_in.self)
      }
    case .v6(let v6):
      length = socklen_t(MemoryLayout<sockaddr_in6>.size)
      withUnsafeMutableBytes(of: &storage) { bytes in
        var raw = sockaddr_in6()
        raw.sin6_family = sa_family_t(AF_INET6)
        raw.sin6_port = address.port.bigEndian
        raw.sin6_scope_id = scope
        withUnsafeMutableBytes(of: &raw.sin6_addr) { $0.copyBytes(from: v6.octets) }
        bytes.storeBytes(of: raw, as: sockaddr_in6.self)
      }
    }
  }

  /// An address to be filled in by the kernel.
  package init() { length = socklen_t(MemoryLayout<sockaddr_storage>.size) }

  /// AF_INET or AF_INET6.
  package var family: Int32 { Int32(storage.ss_family) }

  /// The interface of a link-local address, by its index; 0 if there is none.
  package var scope: UInt32 {
    guard family == AF_INET6 else { return 0 }
    return withUnsafeBytes(of: storage) { $0.load(as: sockaddr_in6.self).sin6_scope_id }
  }

  /// Nil if it is of another family.
  package var value: SocketAddress? {
    withUnsafeBytes(of: storage) { bytes in
      switch family {
      case AF_INET:
        let raw = bytes.load(as: sockaddr_in.self)
        return SocketAddress(
          .v4(IPv4Address(rawValue: UInt32(bigEndian: raw.sin_addr.s_addr))),
          port: UInt16(bigEndian: raw.sin_port))
      case AF_INET6:
        let raw = bytes.load(as: sockaddr_in6.self)
        let octets = withUnsafeBytes(of: raw.sin6_addr) { Array($0) }
        return IPv6Address(octets: octets).map {
          SocketAddress(.v6($0), port: UInt16(bigEndian: raw.sin6_port))
        }
      default: return nil
      }
    }
  }

  package func with<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
    withUnsafePointer(to: storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }

  package mutating func fill<Value>(
    _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Value
  ) -> Value {
    withUnsafeMutablePointer(to: &length) { length in
      withUnsafeMutablePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
      }
    }
  }
}
