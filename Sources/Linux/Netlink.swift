import CLinux
import Glibc
import NetTypes

/// A request the kernel refused: what was asked, on what, errno, and the kernel's own words if any.
package struct NetlinkError: Error, Equatable, CustomStringConvertible {
  package let operation: String
  package let subject: String
  package let code: Int32
  package let detail: String?

  package init(operation: String, subject: String, code: Int32, detail: String?) {
    self.operation = operation
    self.subject = subject
    self.code = code
    self.detail = detail
  }

  /// The kernel's words, or the text of errno.
  package var reason: String { detail ?? String(cString: strerror(code)) }

  package var description: String {
    "\(operation) \(subject): \(reason)"
  }
}

/// A netlink socket, of NETLINK_ROUTE if not told otherwise, of the network namespace it was made in. The kernel answers at once, so
/// requests are synchronous.
package final class Netlink {
  let descriptor: Int32
  /// The socket's address (nl_pid): news of what it changed carry it.
  package let port: UInt32
  var sequence: UInt32 = 0
  private var buffer = [UInt8](repeating: 0, count: 128 << 10)

  package init(family: Int32 = NETLINK_ROUTE) throws(SystemError) {
    descriptor = try system("socket", "AF_NETLINK") {
      socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), family)
    }
    do throws(SystemError) {
      port = try Self.bind(descriptor)
    } catch {
      close(descriptor)
      throw error
    }
    var on: Int32 = 1
    // The kernel's own words in errors, and only what was asked for in dumps.
    setsockopt(descriptor, SOL_NETLINK, Int32(NETLINK_EXT_ACK), &on, 4)
    setsockopt(descriptor, SOL_NETLINK, Int32(NETLINK_GET_STRICT_CHK), &on, 4)
    // An error need not bring the refused request back.
    setsockopt(descriptor, SOL_NETLINK, Int32(NETLINK_CAP_ACK), &on, 4)
    // Room for many errors at once; without the privilege the usual limit holds.
    var size: Int32 = 4 << 20
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, 4)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &size, 4)
  }

  /// Takes an address of its own, which the kernel chooses.
  private static func bind(_ descriptor: Int32) throws(SystemError) -> UInt32 {
    var address = sockaddr_nl()
    address.nl_family = sa_family_t(AF_NETLINK)
    var size = socklen_t(MemoryLayout<sockaddr_nl>.size)
    try withUnsafeMutablePointer(to: &address) { pointer throws(SystemError) in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw throws(SystemError) in
        try system("bind", "netlink") { Glibc.bind(descriptor, raw, size) }
        try system("getsockname", "netlink") { getsockname(descriptor, raw, &size) }
      }
    }
    return address.nl_pid
  }

  deinit { close(descriptor) }

  /// Sends one request and waits for its acknowledgement.
  package func request(
    _ message: NetlinkMessage, _ operation: String, _ subject: @autoclosure () -> String
  ) throws {
    let results = try batch([message])
    if let (code, detail) = results[0] {
      throw NetlinkError(operation: operation, subject: subject(), code: code, detail: detail)
    }
  }

  /// Requests in one datagram: their acknowledgements, about 800 bytes of kernel memory each, must
  /// all fit into the default receive buffer, or the kernel drops some.
  private static let batchLimit = 128

  /// Sends many requests, a datagram for up to 128 of them.
  /// - Returns: For each request nil, or errno and the kernel's words.
  package func batch(_ messages: [NetlinkMessage]) throws -> [(code: Int32, detail: String?)?] {
    var results: [(code: Int32, detail: String?)?] = Array(repeating: nil, count: messages.count)
    var next = 0
    while next < messages.count {
      let first = next
      let base = sequence &+ 1
      var datagram: [UInt8] = []
      while next < messages.count, next - first < Self.batchLimit, datagram.count < 64 << 10 {
        sequence &+= 1
        datagram += messages[next].finished(sequence: sequence)
        next += 1
      }
      try send(datagram)
      var pending = next - first
      while pending > 0 {
        for reply in try receive() where reply.type == UInt16(NLMSG_ERROR) {
          let index = Int(reply.sequence &- base)
          guard (0..<(next - first)).contains(index) else { continue }
          results[first + index] = Self.failure(in: reply)
          pending -= 1
        }
      }
    }
    return results
  }

  /// How often a dump that changes underway is begun anew before the last try is taken as it is.
  private static let dumpAttempts = 8

  /// Every answer to a dump request.
  package func dump(_ message: NetlinkMessage, _ operation: String) throws -> [NetlinkReply] {
    var answers: [NetlinkReply] = []
    for _ in 0..<Self.dumpAttempts {
      answers = try dumpOnce(message, operation)
      if answers.allSatisfy({ $0.flags & UInt16(NLM_F_DUMP_INTR) == 0 }) { break }
    }
    return answers
  }

  private func dumpOnce(_ message: NetlinkMessage, _ operation: String) throws -> [NetlinkReply] {
    try sendDump(message)
    var answers: [NetlinkReply] = []
    while true {
      for reply in try receive() where reply.sequence == sequence {
        if reply.type == UInt16(NLMSG_DONE) { return answers }
        if reply.type == UInt16(NLMSG_ERROR) {
          guard let (code, detail) = Self.failure(in: reply) else { return answers }
          throw NetlinkError(operation: operation, subject: "dump", code: code, detail: detail)
        }
        answers.append(reply)
      }
    }
  }

  private func sendDump(_ message: NetlinkMessage) throws(SystemError) {
    sequence &+= 1
    var whole = message.finished(sequence: sequence)
    let flags = UInt16(NLM_F_REQUEST) | UInt16(NLM_F_DUMP)
    withUnsafeBytes(of: flags) { whole.replaceSubrange(6..<8, with: $0) }
    try send(whole)
  }

  private func send(_ bytes: [UInt8]) throws(SystemError) {
    try system("send", "netlink") { Glibc.send(descriptor, bytes, bytes.count, 0) }
  }

  func receive() throws(SystemError) -> [NetlinkReply] {
    let count = try system("recv", "netlink") { recv(descriptor, &buffer, buffer.count, 0) }
    return NetlinkReply.split(buffer[..<count])
  }

  /// Hands each message of a dump to `body` where it lies: type and flags, then its payload.
  /// - Returns: false if the table changed underway, so that something may be missing.
  func scan(
    _ message: NetlinkMessage, _ operation: String,
    _ body: (UInt16, UnsafeRawBufferPointer) -> Void
  ) throws -> Bool {
    try sendDump(message)
    var isWhole = true
    while true {
      let count = try system("recv", "netlink") { recv(descriptor, &buffer, buffer.count, 0) }
      var offset = 0
      while offset + 16 <= count {
        let (length, type, flags, number) = buffer.withUnsafeBytes {
          (
            Int($0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)),
            $0.loadUnaligned(fromByteOffset: offset + 4, as: UInt16.self),
            $0.loadUnaligned(fromByteOffset: offset + 6, as: UInt16.self),
            $0.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self)
          )
        }
        guard length >= 16, offset + length <= count else { break }
        defer { offset += (length + 3) & ~3 }
        guard number == sequence else { continue }
        if flags & UInt16(NLM_F_DUMP_INTR) != 0 { isWhole = false }
        switch type {
        case UInt16(NLMSG_DONE): return isWhole
        case UInt16(NLMSG_ERROR):
          let reply = NetlinkReply.split(buffer[offset..<(offset + length)])
          guard let (code, detail) = reply.first.flatMap(Self.failure(in:)) else { return isWhole }
          throw NetlinkError(operation: operation, subject: "dump", code: code, detail: detail)
        default:
          buffer.withUnsafeBytes { bytes in
            body(type, UnsafeRawBufferPointer(rebasing: bytes[(offset + 16)..<(offset + length)]))
          }
        }
      }
    }
  }

  /// The error of an NLMSG_ERROR message; nil for an acknowledgement.
  static func failure(in reply: NetlinkReply) -> (code: Int32, detail: String?)? {
    guard reply.payload.count >= 4 else { return (EBADMSG, nil) }
    let code = -reply.payload[...].integer(at: 0, as: Int32.self)
    if code == 0 { return nil }
    // Behind the errno stands the header of the refused request, then the extended attributes.
    let capped = reply.flags & UInt16(NLM_F_CAPPED) != 0
    let original =
      reply.payload.count >= 8 ? Int(reply.payload[...].integer(at: 4, as: UInt32.self)) : 0
    let offset = 4 + (capped ? 16 : (original + 3) & ~3)
    let words = NetlinkAttributes(reply.payload.dropFirst(offset)).string(
      Int(NLMSGERR_ATTR_MSG.rawValue))
    return (code, words)
  }
}
