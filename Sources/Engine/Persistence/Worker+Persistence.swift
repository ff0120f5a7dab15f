import Delivery
import HTTP
import Synchronization

/// Clients that stay at their members.
extension Worker {
  /// Finds out where the request that `requestParser` holds belongs.
  func findPersistent(_ index: UInt32, _ pool: WorkerPool, _ bytes: UnsafeRawBufferPointer) {
    let client = at(index)
    client.pointee.sticky = Connection.none
    client.pointee.stickyKey = 0
    client.pointee.clear(.setCookie)
    guard let persistence = pool.persistence else { return }
    switch persistence.settings.kind {
    case .cookie(let cookie):
      // As long as nothing else is said, the answer is to name the member.
      client.pointee.set(.setCookie)
      guard let value = requestParser.value(ofCookie: cookie.name, in: bytes),
        let token = MemberToken(value), let slot = persistence.slots[token]
      else { return }
      client.pointee.sticky = slot
    case .source: lookUp(index, persistence, Worker.hash(of: client.pointee.address))
    case .header(let name):
      guard let value = requestParser.value(ofField: name, in: bytes), !value.isEmpty else {
        return
      }
      // Keyed by the process, so that nobody can choose values that meet.
      var hasher = Hasher()
      hasher.combine(bytes: value)
      lookUp(index, persistence, UInt64(bitPattern: Int64(hasher.finalize())))
    }
  }

  /// As `findPersistent`, of connections without requests.
  func findPersistentSource(_ index: UInt32, _ pool: WorkerPool) {
    at(index).pointee.sticky = Connection.none
    at(index).pointee.stickyKey = 0
    guard let persistence = pool.persistence, persistence.settings.kind == .source else { return }
    lookUp(index, persistence, Worker.hash(of: at(index).pointee.address))
  }

  private func lookUp(_ index: UInt32, _ persistence: WorkerPersistence, _ key: UInt64) {
    at(index).pointee.stickyKey = key
    guard
      let identity = persistence.table.member(
        of: key, now: seconds, timeout: persistence.timeout),
      let slot = persistence.identities[identity]
    else { return }
    at(index).pointee.sticky = slot
  }

  private var seconds: UInt32 { UInt32(truncatingIfNeeded: now / 1000) }

  /// The member for a client: its own if it has one that can serve, else one that the balancer
  /// picks, which is its own from then on.
  func pick(
    _ pool: WorkerPool, for client: UInt32, excluding excluded: UInt32 = Connection.none
  ) -> UInt32? {
    let own = at(client).pointee.sticky
    if own != excluded, serves(own, pool), let member = members[Int(own)], reserve(member) {
      at(client).pointee.clear(.setCookie)
      return own
    }
    guard let slot = pickAgain(pool, hash: hash(of: client), excluding: excluded) else {
      return nil
    }
    if let persistence = pool.persistence {
      if at(client).pointee.stickyKey != 0, let member = members[Int(slot)] {
        persistence.table.set(
          member.identity, for: at(client).pointee.stickyKey, now: seconds,
          timeout: persistence.timeout)
      }
      if case .cookie = persistence.settings.kind { at(client).pointee.set(.setCookie) }
    }
    return slot
  }

  /// As above, of a flow of datagrams.
  func pick(_ pool: WorkerPool, forFlowFrom address: (UInt64, UInt64)) -> UInt32? {
    let hash = Worker.hash(of: address)
    guard let persistence = pool.persistence, persistence.settings.kind == .source else {
      return pickAgain(pool, hash: pool.hashes ? hash : nil)
    }
    let timeout = persistence.timeout
    if let identity = persistence.table.member(of: hash, now: seconds, timeout: timeout),
      let own = persistence.identities[identity], serves(own, pool), let member = members[Int(own)],
      reserve(member)
    {
      return own
    }
    guard let slot = pickAgain(pool, hash: pool.hashes ? hash : nil) else { return nil }
    if let member = members[Int(slot)] {
      persistence.table.set(member.identity, for: hash, now: seconds, timeout: timeout)
    }
    return slot
  }

  /// Whether a member may have a client of its own back.
  private func serves(_ slot: UInt32, _ pool: WorkerPool) -> Bool {
    guard slot != Connection.none, let member = members[Int(slot)] else { return false }
    return member.pool === pool && member.position >= 0 && member.keepsSessions
      && member.health.isAvailable.load(ordering: .relaxed)
  }

  /// The line that names the member that answers, where the client does not know it yet.
  func writePersistenceCookie(_ writer: inout HeadWriter, _ client: UInt32) {
    let upstream = at(client).pointee.peer
    guard at(client).pointee.has(.setCookie), upstream != Connection.none,
      let member = members[Int(at(upstream).pointee.member)],
      let persistence = member.pool.persistence, let token = member.token
    else { return }
    writer.append(persistence.cookieHead)
    withUnsafeBytes(of: token.words.0) { writer.append($0) }
    withUnsafeBytes(of: token.words.1) { writer.append($0) }
    writer.append(persistence.cookieTail)
    let isTLS = servers[Int(at(client).pointee.server)]?.configuration.protocol == .https
    if persistence.isSecure ?? isTLS { writer.append("; Secure") }
    writer.append("\r\n")
  }
}

/// How a pool keeps its clients, as one worker sees it.
final class WorkerPersistence {
  let settings: Persistence
  let table: PersistenceTable
  /// Seconds.
  let timeout: UInt32
  let cookieHead: [UInt8]
  let cookieTail: [UInt8]
  let isSecure: Bool?
  /// Members, by what cookies and the table call them.
  var slots: [MemberToken: UInt32] = [:]
  var identities: [UInt32: UInt32] = [:]

  init(_ plan: PersistencePlan) {
    settings = plan.settings
    table = plan.table
    timeout = UInt32(clamping: plan.settings.timeout.milliseconds / 1000)
    guard case .cookie(let cookie) = plan.settings.kind else {
      (cookieHead, cookieTail, isSecure) = ([], [], nil)
      return
    }
    cookieHead = Array("Set-Cookie: \(cookie.name)=".utf8)
    var tail = "; Path=/; HttpOnly; SameSite=\(cookie.sameSite.rawValue.capitalized)"
    if let age = cookie.maxAge { tail += "; Max-Age=\(age.milliseconds / 1000)" }
    cookieTail = Array(tail.utf8)
    isSecure = cookie.sameSite == .none ? true : cookie.secure
  }
}

struct PersistencePlan: Sendable {
  let settings: Persistence
  let table: PersistenceTable
}

extension String {
  fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}
