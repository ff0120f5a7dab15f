import CLinux
import Glibc
import Linux
import Synchronization

/// Listening sockets on their way from one process to the next: a packet a virtual server over a
/// Unix socket of packets (SOCK_SEQPACKET), with what it is bound to and a descriptor a worker.
///
/// Both processes then have the same sockets, not others on the same address: no connection that
/// waits to be accepted is lost when either of them closes its own.
package final class InheritedListeners: Sendable {
  /// By what a listening socket is bound to.
  private let descriptors: Mutex<[String: [Int32]]>

  private init(_ descriptors: [String: [Int32]]) { self.descriptors = Mutex(descriptors) }

  deinit { descriptors.withLock { for list in $0.values { for open in list { close(open) } } } }

  package var count: Int { descriptors.withLock { $0.count } }

  /// The sockets, if there are as many as there are workers.
  func take(_ key: String, count: Int) -> [Int32]? {
    descriptors.withLock { $0[key]?.count == count ? $0.removeValue(forKey: key) : nil }
  }

  /// A socket that one process connects to; for its owner only.
  package static func listen(_ path: String) throws(SystemError) -> Descriptor {
    let descriptor = try makeSocket()
    unlink(path)
    let address = try unixAddress(path)
    let raw = descriptor.rawValue
    try system("bind", path) { withPointer(to: address) { bind(raw, $0, $1) } }
    try system("chmod", path) { chmod(path, 0o600) }
    try system("listen", path) { Glibc.listen(raw, 1) }
    return descriptor
  }

  /// Takes what the other process passes, waiting at most `seconds` for each packet of it. Keeps its
  /// thread waiting.
  package static func receive(
    _ listener: borrowing Descriptor, within seconds: Int
  ) throws(SystemError) -> InheritedListeners {
    limit(listener.rawValue, SO_RCVTIMEO, seconds)
    let peer = Descriptor(try system("accept") { accept(listener.rawValue, nil, nil) })
    limit(peer.rawValue, SO_RCVTIMEO, seconds)
    var taken: [String: [Int32]] = [:]
    do throws(SystemError) {
      try receive(peer, &taken)
      return InheritedListeners(taken)
    } catch {
      for list in taken.values { for descriptor in list { close(descriptor) } }
      throw error
    }
  }

  private static func receive(
    _ peer: borrowing Descriptor, _ taken: inout [String: [Int32]]
  ) throws(SystemError) {
    while true {
      var count = Int32(ATOLL_PASSING_LIMIT)
      var descriptors = [Int32](repeating: -1, count: Int(count))
      var name = [UInt8](repeating: 0, count: 4096)
      let socket = peer.rawValue
      let length = try system("recvmsg") {
        atoll_receive_descriptors(socket, &name, name.count, &descriptors, &count)
      }
      // The end has its own packet: a peer that died must not look like one that is done.
      if length == 0 { throw SystemError("recvmsg", code: ECONNRESET) }
      let key = String(decoding: name[..<length], as: UTF8.self)
      if key == endOfList { return }
      taken[key, default: []] += descriptors[..<Int(count)]
    }
  }

  private static let endOfList = "."

  private static func unixAddress(_ path: String) throws(SystemError) -> sockaddr_un {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw SystemError("bind", path, code: ENAMETOOLONG)
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return address
  }

  private static func withPointer<Result>(
    to address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  private static func makeSocket() throws(SystemError) -> Descriptor {
    let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
    let raw = try system("socket") { socket(AF_UNIX, type, 0) }
    return Descriptor(raw)
  }

  /// Passes `listeners` to the process that listens at `path`.
  static func send(
    _ listeners: [(key: String, descriptors: [Int32])], to path: String
  ) throws(SystemError) {
    let descriptor = try makeSocket()
    limit(descriptor.rawValue, SO_SNDTIMEO, 5)
    let address = try unixAddress(path)
    let raw = descriptor.rawValue
    try system("connect", path) { withPointer(to: address) { connect(raw, $0, $1) } }
    func send(_ text: String, _ descriptors: ArraySlice<Int32>) throws(SystemError) {
      let (bytes, list) = (Array(text.utf8), Array(descriptors))
      try system("sendmsg", path) {
        atoll_send_descriptors(raw, bytes, bytes.count, list, Int32(list.count))
      }
    }
    for (key, list) in listeners {
      var rest = list[...]
      while !rest.isEmpty {
        try send(key, rest.prefix(Int(ATOLL_PASSING_LIMIT)))
        rest = rest.dropFirst(Int(ATOLL_PASSING_LIMIT))
      }
    }
    try send(endOfList, [])
  }

  private static func limit(_ descriptor: Int32, _ option: Int32, _ seconds: Int) {
    var time = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
  }
}
