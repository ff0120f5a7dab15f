import Delivery
import Glibc
import NetTypes

/// The PROXY protocol on both sides: before anything else that a client says, and before anything
/// that a member is told.
extension Worker {
  // MARK: Clients

  func startProxyHeader(_ index: UInt32, _ server: WorkerServer) {
    at(index).pointee.phase = .proxyHeader
    setDeadline(index, server.headerTimeout)
    // With a quick proxy the header is here already.
    at(index).pointee.set(.readable)
    readProxyHeader(index)
  }

  /// Looks at what has come and takes exactly the header: the rest is for whoever reads next.
  func readProxyHeader(_ index: UInt32) {
    let client = at(index)
    guard let server = servers[Int(client.pointee.server)] else { return dropClient(index) }
    let count = recv(
      client.pointee.descriptor, scratch.baseAddress, ProxyProtocol.limit, Int32(MSG_PEEK))
    if count < 0, errno == EAGAIN || errno == EINTR { return }
    guard count > 0 else { return dropClient(index) }
    let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<count])
    switch ProxyProtocol.read(bytes.assumingMemoryBound(to: UInt8.self).span) {
    case .incomplete:
      // What was looked at is told again only when more comes.
      if client.pointee.has(.peerClosed) { dropClient(index) }
    case .invalid:
      server.counters.add(.failures)
      dropClient(index)
    case .complete(let header):
      guard recv(client.pointee.descriptor, scratch.baseAddress, header.length, 0) == header.length
      else { return dropClient(index) }
      if let source = header.source { take(source, index) }
      clearDeadline(index)
      beginClient(index, server)
      if client.pointee.kind == .httpClient, client.pointee.phase == .head { driveClient(index) }
    }
  }

  /// Without an answer: who it is for is not known.
  func dropClient(_ index: UInt32) {
    resetOnClose(at(index).pointee.descriptor)
    uncount(index)
    closeSlot(index)
  }

  private func take(_ source: SocketAddress, _ index: UInt32) {
    let client = at(index)
    client.pointee.port = source.port
    switch source.address {
    case .v4(let address):
      client.pointee.clear(.ipv6)
      client.pointee.address = (UInt64(address.rawValue.bigEndian), 0)
    case .v6(let address):
      client.pointee.set(.ipv6)
      client.pointee.address = (address.high.bigEndian, address.low.bigEndian)
    }
  }

  // MARK: Members

  /// Tells a member who its connection is for. False: it could not be told.
  func sendProxyHeader(_ upstream: UInt32) -> Bool {
    guard let version = members[Int(at(upstream).pointee.member)]?.pool.settings.proxyProtocol
    else {
      return true
    }
    let client = at(upstream).pointee.peer
    guard client != Connection.none, let server = servers[Int(at(client).pointee.server)] else {
      return false
    }
    let header = ProxyProtocol.header(
      version, source: address(of: client),
      destination: SocketAddress(server.configuration.address, port: server.configuration.port))
    // A socket that has sent nothing takes a header whole.
    let sent = Glibc.send(
      at(upstream).pointee.descriptor, header, header.count, Int32(MSG_NOSIGNAL))
    return sent == header.count
  }

  private func address(of client: UInt32) -> SocketAddress {
    let (address, port) = (at(client).pointee.address, at(client).pointee.port)
    if at(client).pointee.has(.ipv6) {
      let v6 = IPv6Address(high: UInt64(bigEndian: address.0), low: UInt64(bigEndian: address.1))
      return SocketAddress(.v6(v6), port: port)
    }
    let octets = UInt32(bigEndian: UInt32(truncatingIfNeeded: address.0))
    return SocketAddress(.v4(IPv4Address(rawValue: octets)), port: port)
  }
}
