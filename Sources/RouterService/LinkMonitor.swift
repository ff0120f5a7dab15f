import CLinux
import Glibc
import Linux
import NetTypes

/// What happened to links, addresses and routes of a network namespace, by others than us.
struct LinkNews: Sendable {
  /// Links, addresses or nexthop objects: the way to next hops may be another.
  var links = false
  /// Routes of other programs.
  var otherRoutes = false
  /// Routes of ours that somebody deleted.
  var lost: [IPPrefix] = []
  /// There was more than the socket could hold: everything is to be compared.
  var isOverrun = false

  var isEmpty: Bool { !links && !otherRoutes && lost.isEmpty && !isOverrun }
}

/// Listens to the kernel's news. Those that our own requests caused never come out of the socket, so
/// that installing a million routes costs nothing here.
@Loop final class LinkMonitor {
  private let descriptor: Descriptor
  private let owner: RouteOwner
  private var registration: Registration?
  private var buffer = [UInt8](repeating: 0, count: 65536)

  /// Opens the socket in the calling thread's namespace.
  /// - Parameter own: The netlink port of the socket that changes routes for us.
  init(owner: RouteOwner, own: UInt32) throws(SystemError) {
    self.owner = owner
    descriptor = Descriptor(
      try system("socket", "AF_NETLINK") {
        socket(
          AF_NETLINK,
          Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
          NETLINK_ROUTE)
      })
    try Self.ignore(own, descriptor.rawValue)
    try? Sockets.setOption(descriptor.rawValue, SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
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
      RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP,
    ]
    for group in groups {
      // RTNLGRP_NEXTHOP is younger than the rest.
      do throws(SystemError) {
        try Sockets.setOption(
          descriptor.rawValue, SOL_NETLINK, Int32(NETLINK_ADD_MEMBERSHIP), Int32(group.rawValue))
      } catch  where group == RTNLGRP_NEXTHOP {}
    }
  }

  /// Has the kernel drop messages whose nlmsg_pid is `port`: a classic BPF program.
  private static func ignore(_ port: UInt32, _ descriptor: Int32) throws(SystemError) {
    var program = [
      // The word at 12, which BPF reads in network order.
      sock_filter(code: UInt16(BPF_LD | BPF_W | BPF_ABS), jt: 0, jf: 0, k: 12),
      sock_filter(code: UInt16(BPF_JMP | BPF_JEQ | BPF_K), jt: 0, jf: 1, k: port.bigEndian),
      sock_filter(code: UInt16(BPF_RET | BPF_K), jt: 0, jf: 0, k: 0),
      sock_filter(code: UInt16(BPF_RET | BPF_K), jt: 0, jf: 0, k: .max),
    ]
    try program.withUnsafeMutableBufferPointer { instructions throws(SystemError) in
      var whole = sock_fprog(len: UInt16(instructions.count), filter: instructions.baseAddress)
      try system("setsockopt", "SO_ATTACH_FILTER") {
        setsockopt(
          descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &whole,
          socklen_t(MemoryLayout<sock_fprog>.size))
      }
    }
  }

  /// Calls `changed` whenever there are news.
  func start(_ changed: @escaping @Loop (LinkNews) -> Void) throws(SystemError) {
    registration = try Loop.watch(descriptor.rawValue) { [weak self] _ in
      guard let news = self?.drain(), !news.isEmpty else { return }
      changed(news)
    }
  }

  func stop() {
    registration?.cancel()
    registration = nil
  }

  private func drain() -> LinkNews {
    var news = LinkNews()
    while true {
      let count = recv(descriptor.rawValue, &buffer, buffer.count, 0)
      if count <= 0 {
        if count < 0, errno == EINTR { continue }
        if count < 0, errno == ENOBUFS {
          news.isOverrun = true
          continue
        }
        return news
      }
      for reply in NetlinkReply.split(buffer[..<count]) { note(reply, &news) }
    }
  }

  private func note(_ reply: NetlinkReply, _ news: inout LinkNews) {
    guard Int(reply.type) == Int(RTM_NEWROUTE) || Int(reply.type) == Int(RTM_DELROUTE) else {
      news.links = true
      return
    }
    guard reply.payload.count > 5 else { return }
    if reply.payload[5] != owner.routingProtocol {
      news.otherRoutes = true
    } else if Int(reply.type) == Int(RTM_DELROUTE), let route = Netlink.route(from: reply, [:]),
      route.table == owner.table, route.metric == owner.metric
    {
      news.lost.append(route.destination)
    }
  }
}
