import CLinux
import Delivery
import Glibc

extension Worker {
  /// Connections accepted in one turn.
  private static let acceptBudget = 64

  func acceptAll(_ index: UInt32) {
    let listener = at(index)
    guard let server = servers[Int(listener.pointee.server)] else { return }
    let isHTTP = server.isHTTP
    for _ in 0..<Worker.acceptBudget {
      guard hasRoom else { return pause(index) }
      let descriptor = atoll_accept(listener.pointee.descriptor)
      if descriptor < 0 {
        switch errno {
        case EINTR, ECONNABORTED, EPROTO: continue
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pause(index)
        default: return
        }
      }
      setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
      guard let client = open(descriptor, isHTTP ? .httpClient : .tcpClient) else { return }
      let connection = at(client)
      connection.pointee.server = listener.pointee.server
      guard admit(client, server) else {
        server.counters.add(.failures)
        resetOnClose(descriptor)
        closeSlot(client)
        continue
      }
      connection.pointee.set(.counted)
      server.active += 1
      clients += 1
      server.counters.add(.connections)
      server.counters.add(.activeConnections)
      noteAddress(client)
      if server.configuration.acceptsProxyProtocol {
        startProxyHeader(client, server)
      } else {
        beginClient(client, server)
      }
    }
    enqueue(index)
  }

  /// What a client's connection begins with, once it is known whose it is.
  func beginClient(_ client: UInt32, _ server: WorkerServer) {
    if let tls = server.tls {
      startHandshake(client, server, tls)
    } else if server.isHTTP {
      at(client).pointee.phase = .head
      if server.isDraining { at(client).pointee.set(.closeAfter) }
      setDeadline(client, server.idleTimeout)
    } else if server.configuration.protocol == .tlsPassthrough {
      startPassthrough(client, server)
    } else {
      startRelay(client, server)
    }
  }

  /// Whether there is a slot for one more client and its upstream, besides those that the clients
  /// already here may need.
  var hasRoom: Bool { taken + (clients - upstreamsInUse) + 2 <= settings.capacity }

  /// Leaves connections in the kernel's queue until a slot is free; a pooled upstream makes way.
  private func pause(_ index: UInt32) {
    if !at(index).pointee.has(.paused) {
      at(index).pointee.set(.paused)
      pausedListeners += 1
    }
    // Descriptors may also come free elsewhere in the process.
    setDeadline(index, 200)
    for member in members {
      if let member, member.idle != Connection.none { return closeUpstream(member.idle) }
    }
    reapResting()
  }

  /// Keeps the client's address and port, for X-Forwarded-For and whatever goes by them.
  private func noteAddress(_ index: UInt32) {
    let connection = at(index)
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let code = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getpeername(connection.pointee.descriptor, $0, &length)
      }
    }
    guard code == 0 else { return }
    withUnsafeBytes(of: storage) { bytes in
      // Both families have the port behind the family.
      let port = bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
      connection.pointee.port = UInt16(bigEndian: port)
      if storage.ss_family == sa_family_t(AF_INET6) {
        connection.pointee.set(.ipv6)
        connection.pointee.address = (
          bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
          bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        )
      } else {
        connection.pointee.address.0 = UInt64(
          bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
      }
    }
  }

  /// Takes a client out of its server's count; the last one of a server that drains ends it.
  func uncount(_ index: UInt32) {
    let connection = at(index)
    guard connection.pointee.has(.counted), connection.pointee.server != Connection.none,
      let server = servers[Int(connection.pointee.server)]
    else { return }
    connection.pointee.clear(.counted)
    dismiss(index, server)
    server.active -= 1
    clients -= 1
    server.counters.subtract(.activeConnections)
    if server.isDraining, server.active == 0 { endServer(Int(connection.pointee.server)) }
  }
}
