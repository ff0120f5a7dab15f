import NetTypes

extension Speaker {
  /// Tells the operator about one neighbour; a neighbour that gives cause for many is cut short.
  mutating func notice(_ address: IPAddress, _ text: String) {
    // Strangers share one budget: there may be many of them.
    let admitted =
      peers[address] == nil
      ? strangers.admit(at: clock) : peers[address]?.notices.admit(at: clock)
    guard let withheld = admitted else { return }
    let suffix = withheld == 0 ? "" : " (\(withheld) earlier messages withheld)"
    actions.append(.notice(address, text + suffix))
  }
}

/// How many lines may be told: a burst, then one each interval. What is more is counted.
package struct NoticeBudget: Sendable {
  package let burst: Int
  package let interval: Duration

  private var left: Int
  private var refilledAt = Instant.zero
  private var withheld = 0

  package init(burst: Int, interval: Duration) {
    self.burst = burst
    self.interval = interval
    left = burst
  }

  /// Of one neighbour's notices.
  static let ofNeighbor = NoticeBudget(burst: 10, interval: .seconds(10))

  /// How many lines were withheld since the last; nil: so is this one.
  package mutating func admit(at now: Instant) -> Int? {
    let earned = Int(refilledAt.duration(to: now) / interval)
    if earned > 0 {
      left = min(burst, left + earned)
      refilledAt = left == burst ? now : refilledAt.advanced(by: interval * earned)
    }
    guard left > 0 else {
      withheld += 1
      return nil
    }
    left -= 1
    defer { withheld = 0 }
    return withheld
  }
}

extension UpdateMessage {
  /// As `10.0.0.0/8 and 3 more`, for a line of the log.
  var routesInBrief: String {
    let count = announced.count + withdrawn.count
    guard let first = announced.first ?? withdrawn.first else { return "no route" }
    return count == 1 ? "\(first)" : "\(first) and \(count - 1) more"
  }
}
