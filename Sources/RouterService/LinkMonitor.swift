import CLinux
import Glibc
import Linux
import NetTypes

/// Tells when links, addresses or our own routes of a network namespace change.
@Loop final class LinkMonitor {
  private let descriptor: Descriptor
  private var registration: Registration?

  /// Opens the socket in the calling thread's namespace.
  init() throws(SystemError) {
    descriptor = Descriptor(
      try system("socket", "AF_NETLINK") {
        socket(
          AF_NETLINK,
          Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
          NETLINK_ROUTE)
      })
    // Without a port of its own a socket is taken for the kernel's, and hears nothing.
    var address = sockaddr_nl()
    address.nl_family = sa_family_t(AF_NETLINK)
    let size = socklen_t(MemoryLayout<sockaddr_nl>.size)
    try system("bind", "AF_NETLINK") {
      withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor.rawValue, $0, size)
        }
      }
    }
    let groups = [
      RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
      RTNLGRP_IPV6_ROUTE,
    ]
    for group in groups {
      try Sockets.setOption(
        descriptor.rawValue, SOL_NETLINK, Int32(NETLINK_ADD_MEMBERSHIP), Int32(group.rawValue))
    }
  }

  /// Calls `changed` after links or addresses changed, or a route of `routingProtocol` went.
  func start(
    routingProtocol: UInt8, _ changed: @escaping @Loop () -> Void
  ) throws(SystemError) {
    registration = try Loop.watch(descriptor.rawValue) { [weak self] _ in
      if self?.drain(routingProtocol) ?? false { changed() }
    }
  }

  func stop() {
    registration?.cancel()
    registration = nil
  }

  private func drain(_ routingProtocol: UInt8) -> Bool {
    var isNews = false
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(descriptor.rawValue, &buffer, buffer.count, 0)
      if count <= 0 {
        if count < 0, errno == EINTR { continue }
        // Overrun: news were lost, which is news.
        if count < 0, errno == ENOBUFS {
          isNews = true
          continue
        }
        return isNews
      }
      for reply in NetlinkReply.split(buffer[..<count]) {
        switch Int(reply.type) {
        case Int(RTM_NEWROUTE): break
        case Int(RTM_DELROUTE):
          if reply.payload.count > 5, reply.payload[5] == routingProtocol { isNews = true }
        default: isNews = true
        }
      }
    }
  }
}
