import Delivery
import Glibc
import HTTP

/// What balancing by key and by speed need of requests and connections.
extension Worker {
  /// Notes the hash of the request that `requestParser` holds, if its pool goes by one.
  func noteHash(_ index: UInt32, _ pool: WorkerPool, _ bytes: UnsafeRawBufferPointer) {
    at(index).pointee.clear(.hashed)
    guard pool.hashes else { return }
    let key: UnsafeRawBufferPointer?
    switch pool.settings.hash {
    case .source: return noteSourceHash(index)
    case .serverName: return noteHash(index, pool, serverName: tlsServerName(index))
    case .path:
      let target = requestParser.pathAndQuery.bytes(of: bytes)
      key = UnsafeRawBufferPointer(
        rebasing: target[..<(target.firstIndex(of: UInt8(ascii: "?")) ?? target.count)])
    case .header(let name): key = requestParser.value(ofField: name, in: bytes)
    case .cookie(let name): key = requestParser.value(ofCookie: name, in: bytes)
    }
    guard let key else { return }
    noteHash(index, of: key)
  }

  /// Notes the hash of a connection that shows no requests.
  func noteHash(_ index: UInt32, _ pool: WorkerPool, serverName: [UInt8]?) {
    guard pool.settings.hash == .serverName else { return noteSourceHash(index) }
    serverName?.withUnsafeBytes { noteHash(index, of: $0) }
  }

  private func noteHash(_ index: UInt32, of key: UnsafeRawBufferPointer) {
    at(index).pointee.hash = mix(
      key.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 })
    at(index).pointee.set(.hashed)
  }

  /// Notes the hash of a client's address, which connections without requests have only.
  func noteSourceHash(_ index: UInt32) {
    let address = at(index).pointee.address
    at(index).pointee.hash = Worker.hash(of: address)
    at(index).pointee.set(.hashed)
  }

  static func hash(of address: (UInt64, UInt64)) -> UInt64 { mix(mix(address.0) ^ address.1) }

  func hash(of client: UInt32) -> UInt64? {
    at(client).pointee.has(.hashed) ? at(client).pointee.hash : nil
  }

  /// A request has gone to its member in full.
  func beginMeasure(_ upstream: UInt32) {
    at(upstream).pointee.began = moment
  }

  /// The first byte of its answer is here.
  func endMeasure(_ upstream: UInt32) {
    let began = at(upstream).pointee.began
    guard began > 0, let member = members[Int(at(upstream).pointee.member)] else { return }
    at(upstream).pointee.began = 0
    member.latencies.firstByte.record(moment &- began)
    guard member.pool.measures, member.position >= 0 else { return }
    member.pool.balancer.observed(moment &- began, at: member.position, now: now)
  }
}
