import Delivery
import Glibc

/// TLS that is forwarded unopened: the ClientHello is read, its server name chooses the pool, and
/// the connection is a relay that begins with those bytes.
extension Worker {
  private static let root: [UInt8] = [UInt8(ascii: "/")]

  func startPassthrough(_ index: UInt32, _ server: WorkerServer) {
    at(index).pointee.phase = .head
    setDeadline(index, server.headerTimeout)
    readHello(index)
  }

  func readHello(_ index: UInt32) {
    let client = at(index)
    guard let server = servers[Int(client.pointee.server)] else { return closeRelay(index) }
    while client.pointee.has(.readable) {
      guard buffers.reserve(2048, in: &client.pointee.input), let base = client.pointee.input.base
      else { return refuseHello(index, server, .notTLS) }
      let room = UnsafeMutableRawBufferPointer(
        start: base + Int(client.pointee.input.end), count: client.pointee.input.room)
      switch receive(index, room) {
      case .bytes(let count): client.pointee.input.end &+= UInt32(count)
      case .wouldBlock: return
      case .end, .failed: return refuseHello(index, server, .closed)
      }
      let bytes = client.pointee.input.bytes.assumingMemoryBound(to: UInt8.self)
      switch ClientHello.read(bytes.span) {
      case .incomplete: continue
      case .invalid: return refuseHello(index, server, .notTLS)
      case .complete(let name):
        clearDeadline(index)
        return startRelay(index, server, to: pool(server, name), serverName: name)
      }
    }
  }

  private func pool(_ server: WorkerServer, _ name: [UInt8]?) -> WorkerPool? {
    guard let name, !server.routePools.isEmpty,
      let route = server.routes.match(host: name.span, target: Worker.root.span)
    else { return server.pool }
    return server.routePools[route]
  }

  func refuseHello(_ index: UInt32, _ server: WorkerServer, _ reason: TLSCounters.Failure) {
    server.shared.tls.fail(reason)
    server.counters.add(.failures)
    closeRelay(index)
  }
}
