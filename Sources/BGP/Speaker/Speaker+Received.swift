import NetTypes

/// A route as a peer has sent it.
package struct ReceivedRoute: Equatable, Sendable {
  package var prefix: IPPrefix
  package var attributes: PathAttributes
  /// Import policy, or a check of the path, has not let it in.
  package var isFiltered: Bool
}

extension Speaker {
  /// What a peer has announced, before policy; nil where that is not kept.
  package func received(from address: IPAddress) -> [ReceivedRoute]? {
    guard let peer = peers[address], peer.settings.keepsReceived else { return nil }
    guard let kept = received[address] else { return [] }
    return kept.routes.map { key, id in
      let prefix = key.prefix
      let isIn =
        prefix.isIPv4
        ? ipv4.find(prefix).map { ipv4.path(of: peer.index, key.identifier, at: $0) != nil }
        : ipv6.find(prefix).map { ipv6.path(of: peer.index, key.identifier, at: $0) != nil }
      return ReceivedRoute(
        prefix: prefix, attributes: attributes[id], isFiltered: !(isIn ?? false))
    }.sorted { $0.prefix < $1.prefix }
  }

  /// Keeps what an UPDATE says.
  mutating func keepReceived(_ update: UpdateMessage, from address: IPAddress) {
    guard let families = peers[address]?.established?.session.state.negotiated?.families else {
      return
    }
    var kept = received.removeValue(forKey: address) ?? ReceivedRoutes()
    for (position, prefix) in update.withdrawn.enumerated() {
      let identifier = update.withdrawnIdentifiers?[position] ?? 0
      kept.remove(ReceivedRoutes.Key(prefix: prefix, identifier: identifier), &attributes)
    }
    if let attributes = update.attributes {
      for (position, prefix) in update.announced.enumerated()
      where families.contains(AddressFamily(of: prefix)) {
        let identifier = update.announcedIdentifiers?[position] ?? 0
        let id = self.attributes.intern(attributes)
        kept.set(
          ReceivedRoutes.Key(prefix: prefix, identifier: identifier), id, &self.attributes)
      }
    }
    received[address] = kept
  }

  mutating func forgetReceived(_ address: IPAddress) {
    received[address]?.release(to: &attributes)
    received[address] = nil
  }

  /// Import once more, from what is kept: no refresh is needed. False where nothing is.
  mutating func importAgain(_ address: IPAddress) -> Bool {
    guard let peer = peers[address], peer.settings.keepsReceived, let kept = received[address]
    else { return false }
    let context = importContext(peer)
    for (key, id) in kept.routes {
      let route = accepted(attributes[id], peer, local: peer.established?.local).flatMap {
        policy.apply(peer.settings.importPolicy, to: key.prefix, $0, context)
      }
      guard let route else {
        removePath(of: peer.index, key.prefix, key.identifier)
        continue
      }
      let imported = attributes.intern(route)
      setPath(of: peer.index, key.prefix, key.identifier, imported)
      attributes.release(imported)
    }
    return true
  }
}
