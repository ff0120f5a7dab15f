import NetTypes

// Maximum prefixes of a family: a warning near the limit, a Cease beyond it, and then silence until
// a timer or an operator ends it. RFC 4271 §6.7, RFC 4486 §4.

/// A session that is down because its peer announced too many prefixes.
package struct PrefixLimitHold: Hashable, Sendable {
  package var family: AddressFamily
  package var limit: Int
  /// When the session starts again; nil: when an operator clears it.
  package var until: Instant?
}

extension Speaker {
  mutating func enforceMaximumPrefixes(_ address: IPAddress, _ now: Instant) {
    guard let peer = peers[address], let maximum = peer.settings.maximumPrefixes else { return }
    for family in AddressFamily.allCases {
      let count = peer.prefixCounts[family]
      let isWarned = peer.prefixWarnings.contains(family)
      if count > maximum.count, !maximum.warnsOnly {
        return exceed(address, family, count, maximum, now)
      }
      guard count * 100 >= maximum.count * maximum.warningPercent else {
        if isWarned { peers[address]?.prefixWarnings.remove(family) }
        continue
      }
      // Beyond the limit is worth a second word.
      let isOver = count > maximum.count
      if isWarned, !isOver || peer.isOverPrefixLimit { continue }
      peers[address]?.prefixWarnings.insert(family)
      peers[address]?.isOverPrefixLimit = isOver
      notice(address, "\(count) \(family) prefixes received, limit \(maximum.count)")
    }
  }

  private mutating func exceed(
    _ address: IPAddress, _ family: AddressFamily, _ count: Int, _ maximum: MaximumPrefixes,
    _ now: Instant
  ) {
    guard let slot = peers[address]?.established,
      let negotiated = slot.session.state.negotiated
    else { return }
    let until = maximum.restart.map { now.advanced(by: $0) }
    let rest = maximum.restart.map { "down for \($0.wholeSeconds) s" } ?? "down until cleared"
    notice(
      address, "\(count) \(family) prefixes received, limit \(maximum.count): session \(rest)")
    peers[address]?.prefixLimitHold = PrefixLimitHold(
      family: family, limit: maximum.count, until: until)
    let cease = NotificationMessage.maximumPrefixesReached(family, limit: maximum.count)
    let isAware = negotiated.restartCoversNotification
    drive(address, slot.id, .hold(isAware ? cease.asHardReset : cease, until: until), now)
  }
}
