import BGP
import CLinux
import Glibc
import Linux
import Logging
import NetTypes

/// A listening socket and its watch.
@Loop final class Listener {
  let descriptor: Descriptor
  var registration: Registration?

  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}

extension RouterConfiguration {
  var hasIPv6Neighbors: Bool {
    !interfaceNeighbors.isEmpty || neighbors.contains { !$0.address.isIPv4 }
      || listenRanges.contains { !$0.prefix.isIPv4 }
  }

  fileprivate var addressesToListenOn: [IPAddress] {
    if !listenAddresses.isEmpty { return listenAddresses }
    return hasIPv6Neighbors ? [.v4(.any), .v6(.any)] : [.v4(.any)]
  }

  /// By the addresses that a key is for.
  var passwords: [IPPrefix: String] {
    var passwords: [IPPrefix: String] = [:]
    for range in listenRanges {
      if let password = peerGroup(range.peerGroup)?.settings.password {
        passwords[range.prefix] = password
      }
    }
    for (address, neighbor) in resolvedNeighbors {
      guard let password = neighbor.password else { continue }
      passwords[IPPrefix(address, length: address.bitWidth)] = password
    }
    return passwords
  }
}

extension Router {
  func listen() throws {
    for address in configuration.addressesToListenOn {
      let socket = try Sockets.stream(for: address)
      try Sockets.setOption(socket.rawValue, SOL_SOCKET, SO_REUSEADDR, 1)
      if !address.isIPv4 {
        try Sockets.setOption(socket.rawValue, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
      }
      let local = SocketAddress(address, port: configuration.listenPort)
      try Sockets.bind(socket.rawValue, to: local)
      // The answer to a SYN has to pass the peer's own GTSM. RFC 5082 §3.
      try PeerSocket.prepare(socket.rawValue, isIPv4: address.isIPv4, timeToLive: 255)
      for (peers, password) in effectiveConfiguration.passwords where peers.isIPv4 == address.isIPv4
      {
        try PeerSocket.setPassword(socket.rawValue, peers: peers, password)
      }
      try system("listen", "\(local)") { Glibc.listen(socket.rawValue, 64) }
      let listener = Listener(socket)
      listener.registration = try Loop.watch(listener.descriptor.rawValue) {
        [weak self, weak listener] _ in
        if let listener { self?.accept(listener) }
      }
      listeners.append(listener)
    }
  }

  func closeListeners() {
    for listener in listeners { listener.registration?.cancel() }
    listeners = []
  }

  /// Brings the keys of the listening sockets up to date.
  func updateListenerPasswords(from before: [IPPrefix: String]) {
    let after = effectiveConfiguration.passwords
    for peers in Set(before.keys).union(after.keys) where before[peers] != after[peers] {
      for listener in listeners
      where Sockets.localAddress(listener.descriptor.rawValue)?.address.isIPv4 == peers.isIPv4 {
        do {
          try PeerSocket.setPassword(listener.descriptor.rawValue, peers: peers, after[peers])
        } catch { log.error("neighbor \(peers): \(error)") }
      }
    }
  }

  private func accept(_ listener: Listener) {
    do {
      while let socket = try Sockets.accept(listener.descriptor.rawValue) {
        guard let peer = Sockets.peerAddress(socket.rawValue)?.address,
          let local = Sockets.localAddress(socket.rawValue)?.address,
          let neighbor = effectiveConfiguration.acceptableNeighbor(peer),
          let id = speaker?.makeConnectionID()
        else { continue }
        try PeerSocket.prepare(
          socket.rawValue, isIPv4: peer.isIPv4,
          timeToLive: neighbor.timeToLive(localAS: configuration.localAS),
          minimumTimeToLive: neighbor.minimumTimeToLive)
        let connection = PeerConnection(accepted: socket)
        connections[id] = connection
        drive(
          .accepted(id, peer: peer, local: local, interface: interfaceAddresses(beside: local)))
        if connections[id] != nil { try watch(id, connection) }
      }
    } catch {
      log.error("accept: \(error)")
    }
  }

  /// What else the interface of our end has, for next hops of the other family.
  private func interfaceAddresses(beside local: IPAddress) -> InterfaceAddresses {
    var result = InterfaceAddresses()
    do {
      try inNamespace {
        for address in try Netlink().addresses(beside: local).map(\.address) {
          switch address {
          case .v4(let address): result.ipv4 = result.ipv4 ?? address
          case .v6(let address) where address.isLinkLocal:
            result.linkLocal = result.linkLocal ?? address
          case .v6(let address): result.ipv6 = result.ipv6 ?? address
          }
        }
      }
    } catch { log.warning("addresses beside \(local): \(error)") }
    return result
  }

  private struct NoSource: Error, CustomStringConvertible {
    var interface: String
    var description: String { "update-source \(interface): found no address, expected one" }
  }

  func connect(_ id: ConnectionID, _ target: ConnectionTarget) {
    do {
      if let name = target.sourceInterface { throw NoSource(interface: name) }
      var opened: PeerConnection?
      try inNamespace {
        let socket = try Sockets.stream(for: target.address)
        let descriptor = socket.rawValue
        try PeerSocket.prepare(
          descriptor, isIPv4: target.address.isIPv4, timeToLive: target.timeToLive,
          minimumTimeToLive: target.minimumTimeToLive)
        if let password = target.password {
          let peer = IPPrefix(target.address, length: target.address.bitWidth)
          try PeerSocket.setPassword(descriptor, peers: peer, password)
        }
        if let source = target.source {
          try Sockets.bind(descriptor, to: SocketAddress(source, port: 0))
        }
        opened = try PeerConnection(
          connecting: socket, to: SocketAddress(target.address, port: target.port),
          scope: scope(of: target.address))
      }
      guard let opened else { return }
      connections[id] = opened
      try watch(id, opened)
    } catch {
      log.debug("neighbor \(target.address): \(error)")
      connections.removeValue(forKey: id)?.close()
      drive(.closed(id))
    }
  }

  private func watch(_ id: ConnectionID, _ connection: PeerConnection) throws(SystemError) {
    try connection.start { [weak self] event in
      switch event {
      case .opened(let local):
        guard let self else { return }
        drive(.connected(id, local: local, interface: interfaceAddresses(beside: local)))
      case .received(let bytes): self?.drive(.received(id, bytes))
      case .drained: self?.drive(.drained(id))
      case .closed:
        self?.connections[id] = nil
        self?.drive(.closed(id))
      }
    }
  }
}
