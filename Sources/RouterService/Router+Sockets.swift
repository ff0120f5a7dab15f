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
  }

  fileprivate var addressesToListenOn: [IPAddress] {
    if !listenAddresses.isEmpty { return listenAddresses }
    return hasIPv6Neighbors ? [.v4(.any), .v6(.any)] : [.v4(.any)]
  }

  fileprivate var passwords: [IPAddress: String] { resolvedNeighbors.compactMapValues(\.password) }
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
      try PeerSocket.prepare(socket.rawValue, isIPv4: address.isIPv4, timeToLive: nil)
      for (peer, password) in configuration.passwords where peer.isIPv4 == address.isIPv4 {
        try PeerSocket.setPassword(socket.rawValue, peer: peer, password)
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
  func setListenerPasswords(old: RouterConfiguration) {
    let (before, after) = (old.passwords, configuration.passwords)
    for peer in Set(before.keys).union(after.keys) where before[peer] != after[peer] {
      for listener in listeners
      where Sockets.localAddress(listener.descriptor.rawValue)?.address.isIPv4 == peer.isIPv4 {
        do {
          try PeerSocket.setPassword(listener.descriptor.rawValue, peer: peer, after[peer])
        } catch { log.error("neighbor \(peer): \(error)") }
      }
    }
  }

  private func accept(_ listener: Listener) {
    do {
      while let socket = try Sockets.accept(listener.descriptor.rawValue) {
        guard let peer = Sockets.peerAddress(socket.rawValue)?.address,
          let local = Sockets.localAddress(socket.rawValue)?.address,
          let neighbor = effectiveConfiguration.resolvedNeighbors[peer],
          let id = speaker?.makeConnectionID()
        else { continue }
        try PeerSocket.prepare(
          socket.rawValue, isIPv4: peer.isIPv4, timeToLive: timeToLive(neighbor))
        let connection = PeerConnection(accepted: socket)
        connections[id] = connection
        drive(.accepted(id, peer: peer, local: local))
        if connections[id] != nil { try watch(id, connection) }
      }
    } catch {
      log.error("accept: \(error)")
    }
  }

  private func timeToLive(_ neighbor: ResolvedNeighbor) -> UInt8? {
    neighbor.remoteAS == configuration.localAS ? nil : neighbor.ebgpMultihop ?? 1
  }

  func connect(_ id: ConnectionID, _ target: ConnectionTarget) {
    do {
      var opened: PeerConnection?
      try inNamespace {
        let socket = try Sockets.stream(for: target.address)
        let descriptor = socket.rawValue
        try PeerSocket.prepare(
          descriptor, isIPv4: target.address.isIPv4,
          timeToLive: target.timeToLive == 255 ? nil : target.timeToLive)
        if let password = target.password {
          try PeerSocket.setPassword(descriptor, peer: target.address, password)
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
      case .opened(let local): self?.drive(.connected(id, local: local))
      case .received(let bytes): self?.drive(.received(id, bytes))
      case .drained: self?.drive(.drained(id))
      case .closed:
        self?.connections[id] = nil
        self?.drive(.closed(id))
      }
    }
  }
}
