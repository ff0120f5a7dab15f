import NetTypes

/// What a group's members have to be told after some destinations were decided anew.
struct GroupNews<Key: PrefixKey>: Sendable {
  /// For every member that is not behind.
  var shared = RouteBuffer<Key>()
  /// For one member alone: routes that were taken from it because they come from it now.
  var alone: [PeerIndex: RouteBuffer<Key>] = [:]
  /// Destinations with news, for members that are behind.
  var changed: [Int] = []
}

extension UpdateGroup {
  /// Brings the Adj-RIB-Out up to date with `touched` destinations.
  /// - Parameters:
  ///   - members: Of the group, by their places in the tables.
  ///   - keepsTombstones: A member is behind, and has yet to hear of paths that were taken back.
  mutating func update<Key>(
    _ touched: some Sequence<Int>, _ table: RouteTable<Key>, _ exporter: inout Exporter,
    _ process: DecisionProcess, _ members: Set<PeerIndex>, keepsTombstones: Bool,
    _ attributes: inout AttributeTable
  ) -> GroupNews<Key> {
    var news = GroupNews<Key>()
    let sending = sending(Key.family)
    let isIdentified = key.options.addPathSend.contains(Key.family)
    for destination in touched where table.contains(destination) {
      let hasNews =
        isIdentified
        ? updatePaths(
          destination, table, &exporter, process, sending, members, keepsTombstones, &attributes,
          &news)
        : updateBest(destination, table, &exporter, members, &attributes, &news)
      if hasNews { news.changed.append(destination) }
    }
    return news
  }

  @inline(__always)
  private mutating func updateBest<Key>(
    _ destination: Int, _ table: RouteTable<Key>, _ exporter: inout Exporter,
    _ members: Set<PeerIndex>, _ attributes: inout AttributeTable, _ news: inout GroupNews<Key>
  ) -> Bool {
    let old = self[Key.family][destination]
    let key = table.key(at: destination)
    let best = table.bestPath(at: destination)
    let new = best == 0 ? .none : exporter.entry(table[path: best], key, &attributes)
    if new == old {
      attributes.release(new.attributes)
      return false
    }
    self[Key.family].set(new, at: destination)
    news.note(key, 0, from: old, to: new, members)
    attributes.release(old.attributes)
    return true
  }

  /// RFC 7911.
  private mutating func updatePaths<Key>(
    _ destination: Int, _ table: RouteTable<Key>, _ exporter: inout Exporter,
    _ process: DecisionProcess, _ sending: AddPath.Sending, _ members: Set<PeerIndex>,
    _ keepsTombstones: Bool, _ attributes: inout AttributeTable, _ news: inout GroupNews<Key>
  ) -> Bool {
    let key = table.key(at: destination)
    let old = self[Key.family].paths(at: destination)
    var new = exporter.paths(table, destination, sending, process, &attributes)
    var hasNews = false
    for path in new {
      let before = old.first { $0.identifier == path.identifier }?.entry ?? .none
      if before == path.entry { continue }
      news.note(key, path.identifier, from: before, to: path.entry, members)
      hasNews = true
    }
    for path in old {
      attributes.release(path.entry.attributes)
      if new.contains(where: { $0.identifier == path.identifier }) { continue }
      if path.entry.attributes != .none {
        news.shared.withdraw(key, path.identifier)
        hasNews = true
      }
      if keepsTombstones {
        new.append(AdjRIBOut.Identified(identifier: path.identifier, entry: .none))
      }
    }
    self[Key.family].setPaths(new, at: destination)
    return hasNews
  }
}

extension GroupNews {
  @inline(__always)
  fileprivate mutating func note(
    _ key: Key, _ identifier: UInt32, from old: AdjRIBOut.Entry, to new: AdjRIBOut.Entry,
    _ members: Set<PeerIndex>
  ) {
    if new.attributes == .none { return shared.withdraw(key, identifier) }
    let exclusions = AdjRIBOut.Entry(
      attributes: new.attributes, source: members.contains(new.source) ? new.source : .local,
      nextHopOwner: members.contains(new.nextHopOwner) ? new.nextHopOwner : .local)
    let isSame =
      old.attributes == new.attributes && !members.contains(old.source)
      && !members.contains(old.nextHopOwner)
    if !isSame { shared.announce(key, identifier, exclusions) }
    withdraw(key, identifier, from: exclusions.source, old)
    if exclusions.nextHopOwner != exclusions.source {
      withdraw(key, identifier, from: exclusions.nextHopOwner, old)
    }
  }

  private mutating func withdraw(
    _ key: Key, _ identifier: UInt32, from member: PeerIndex, _ old: AdjRIBOut.Entry
  ) {
    guard member != .local, old.isTold(to: member) else { return }
    alone[member, default: RouteBuffer()].withdraw(key, identifier)
  }
}
