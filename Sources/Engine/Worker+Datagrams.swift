import Glibc

/// UDP: one flow a client address, each with a socket of its own towards the member it was given.
extension Worker {
  private static let datagramBudget = 256

  func receiveDatagrams(_ index: UInt32) {
    let listener = at(index)
    guard let server = servers[Int(listener.pointee.server)], !server.isDraining else { return }
    var source = RawAddress.empty
    for _ in 0..<Worker.datagramBudget {
      source.length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let count = withUnsafeMutablePointer(to: &source.storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          recvfrom(
            listener.pointee.descriptor, scratch.baseAddress, scratch.count, 0, $0, &source.length)
        }
      }
      if count < 0 {
        if errno == EINTR || errno == ECONNREFUSED { continue }
        return
      }
      guard let flow = server.flows[source.key] ?? openFlow(server, index, source) else {
        server.counters.add(.bytesIn, UInt64(count))
        server.counters.add(.failures)
        continue
      }
      setDeadline(flow, server.idleTimeout)
      let sent = Glibc.send(
        at(flow).pointee.descriptor, scratch.baseAddress, count, Int32(MSG_NOSIGNAL))
      if sent < 0 {
        let code = errno
        server.counters.add(.bytesIn, UInt64(count))
        if code == EAGAIN { continue }
        failFlow(flow, code)
      } else {
        countIn(flow, server, members[Int(at(flow).pointee.member)], count)
      }
    }
    enqueue(index)
  }

  private func openFlow(
    _ server: WorkerServer, _ listener: UInt32, _ source: RawAddress
  ) -> UInt32? {
    guard hasRoom, let pool = server.pool else { return nil }
    let client = source.key
    guard let slot = pick(pool, forFlowFrom: (client.address, client.low)),
      let member = members[Int(slot)]
    else { return nil }
    // What is reserved goes with a flow that does not come to be.
    defer { dropReservation(slot) }
    let type = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(member.raw.family, type, 0)
    guard descriptor >= 0 else { return nil }
    guard member.raw.withPointer({ connect(descriptor, $0, $1) }) == 0 else {
      close(descriptor)
      reportFailure(slot, errno)
      return nil
    }
    guard let index = open(descriptor, .flow) else { return nil }
    let connection = at(index)
    connection.pointee.server = at(listener).pointee.server
    connection.pointee.peer = listener
    connection.pointee.member = slot
    connection.pointee.address = (client.address, client.low)
    connection.pointee.port = client.port
    if source.family == AF_INET6 { connection.pointee.set(.ipv6) }
    beginRequest(index)
    connection.pointee.timing.member = slot
    server.flows[client] = index
    server.active += 1
    clients += 1
    connection.pointee.set(.counted)
    server.counters.add(.connections)
    server.counters.add(.activeConnections)
    member.counters.add(.connections)
    pool.counters.add(.connections)
    beginUse(index)
    return index
  }

  /// Answers of the member, sent from the virtual server's own address.
  func flowEvent(_ index: UInt32) {
    let flow = at(index)
    guard flow.pointee.kind == .flow, let server = servers[Int(flow.pointee.server)] else { return }
    let target = RawAddress(flow: flow.pointee)
    for _ in 0..<Worker.datagramBudget {
      let count = recv(flow.pointee.descriptor, scratch.baseAddress, scratch.count, 0)
      if count < 0 {
        let code = errno
        if code == EINTR { continue }
        if code != EAGAIN { failFlow(index, code) }
        return
      }
      let listener = at(flow.pointee.peer).pointee.descriptor
      _ = target.withPointer {
        sendto(listener, scratch.baseAddress, count, Int32(MSG_NOSIGNAL), $0, $1)
      }
      noteFlowFirstByte(index)
      setDeadline(index, server.idleTimeout)
      countOut(index, server, members[Int(flow.pointee.member)], count)
    }
    enqueue(index)
  }

  /// The member's host says that nothing listens: the next datagram starts a new flow.
  private func failFlow(_ index: UInt32, _ code: Int32) {
    reportFailure(at(index).pointee.member, code)
    closeFlow(index)
  }

  func closeFlow(_ index: UInt32) {
    let flow = at(index)
    guard flow.pointee.kind == .flow else { return }
    finishRequest(index)
    if let server = servers[Int(flow.pointee.server)] {
      server.flows[
        FlowKey(
          address: flow.pointee.address.0, low: flow.pointee.address.1, port: flow.pointee.port)] =
        nil
    }
    uncount(index)
    closeUpstream(index)
  }
}

extension RawAddress {
  static let empty = RawAddress()

  private init() { length = 0 }

  /// The client of a flow.
  init(flow: Connection) {
    if flow.has(.ipv6) {
      length = socklen_t(MemoryLayout<sockaddr_in6>.size)
      storage.ss_family = sa_family_t(AF_INET6)
      withUnsafeMutableBytes(of: &storage) { bytes in
        bytes.storeBytes(of: flow.port, toByteOffset: 2, as: UInt16.self)
        bytes.storeBytes(of: flow.address.0, toByteOffset: 8, as: UInt64.self)
        bytes.storeBytes(of: flow.address.1, toByteOffset: 16, as: UInt64.self)
      }
    } else {
      length = socklen_t(MemoryLayout<sockaddr_in>.size)
      storage.ss_family = sa_family_t(AF_INET)
      withUnsafeMutableBytes(of: &storage) { bytes in
        bytes.storeBytes(of: flow.port, toByteOffset: 2, as: UInt16.self)
        bytes.storeBytes(
          of: UInt32(truncatingIfNeeded: flow.address.0), toByteOffset: 4, as: UInt32.self)
      }
    }
  }

  var key: FlowKey {
    withUnsafeBytes(of: storage) { bytes in
      let port = bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
      guard family == AF_INET6 else {
        let address = bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
        return FlowKey(address: UInt64(address), low: 0, port: port)
      }
      return FlowKey(
        address: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
        low: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self), port: port)
    }
  }
}
