import Delivery
import Glibc
import Linux
import NetTypes

/// Listening sockets of a virtual server, one a worker on the same address (SO_REUSEPORT).
enum Listener {
  /// - Throws: the call that failed, with every socket closed again.
  static func open(_ server: VirtualServer, count: Int) throws(SystemError) -> [Int32] {
    var descriptors: [Int32] = []
    do throws(SystemError) {
      for _ in 0..<count { descriptors.append(try openOne(server)) }
      return descriptors
    } catch {
      for descriptor in descriptors { close(descriptor) }
      throw error
    }
  }

  private static func openOne(_ server: VirtualServer) throws(SystemError) -> Int32 {
    let raw = RawAddress(SocketAddress(server.address, port: server.port))
    let isDatagram = server.protocol == .udp
    let kind = isDatagram ? SOCK_DGRAM.rawValue : SOCK_STREAM.rawValue
    let type = Int32(kind | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = try system("socket") { socket(raw.family, type, 0) }
    do throws(SystemError) {
      setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
      setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1)
      // The address may come to this machine later, or live on another interface.
      if raw.family == AF_INET {
        setOption(descriptor, Int32(IPPROTO_IP), IP_FREEBIND, 1)
      } else {
        setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_FREEBIND, 1)
        setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
      }
      let subject = "\(server.address) port \(server.port)"
      try system("bind", subject) { raw.withPointer { bind(descriptor, $0, $1) } }
      if !isDatagram { try system("listen", subject) { listen(descriptor, 4096) } }
      return descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }

  static func problem(_ server: VirtualServer, _ error: SystemError) -> Problem {
    Problem(
      object: "virtual server \(server.name)", field: "address",
      found: "\(SocketAddress(server.address, port: server.port)) (\(error.call): \(error.reason))",
      expected: "an address and port that can be bound")
  }
}
