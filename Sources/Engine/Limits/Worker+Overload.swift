import Glibc

/// What gives way when slots run out: connections that rest, to members and then of clients, before
/// any that has something to do. BIG-IP's adaptive reaping.
extension Worker {
  /// Milliseconds that a client must have rested to be let go.
  private static let restToReap: Int64 = 1000
  private static let reapInterval: Int64 = 100

  /// Closes a part of the clients that rest, the longest first: with those that come meanwhile it is
  /// not a look at all slots for each.
  func reapResting() {
    guard now >= reapAgain else { return }
    reapAgain = now &+ Worker.reapInterval
    var resting: [(rested: Int64, slot: UInt32)] = []
    for index in 0..<used {
      if let rested = restingTime(index), rested >= Worker.restToReap {
        resting.append((rested, index))
      }
    }
    resting.sort { $0.rested > $1.rested }
    for (_, index) in resting.prefix(max(1, settings.capacity / 64)) {
      guard let server = servers[Int(at(index).pointee.server)] else { continue }
      server.counters.add(.reaped)
      if at(index).pointee.kind == .http2Client {
        drainSession(index, grace: 1)
      } else {
        closeClient(index)
      }
    }
  }

  /// How long a client has been between two requests; nil if it is not.
  private func restingTime(_ index: UInt32) -> Int64? {
    let client = at(index).pointee
    guard hasDeadline(index), client.server != Connection.none,
      let server = servers[Int(client.server)], client.output.isEmpty
    else { return nil }
    switch client.kind {
    case .httpClient:
      guard client.phase == .head, client.stream == nil, client.input.isEmpty,
        !client.has(.headBegun), !client.has(.readable)
      else { return nil }
    case .http2Client:
      guard let session = client.session, session.pointee.streams == 0, !session.pointee.isClosing
      else { return nil }
    default: return nil
    }
    return server.idleTimeout &- (deadline(index) &- now)
  }
}
