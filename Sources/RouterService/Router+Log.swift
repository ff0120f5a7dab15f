import BGP
import Linux
import Logging
import NetTypes

/// One line a change, with peer and reason as fields; see `PeerLogLimiter` for what flaps.
extension Router {
  func tell(_ change: SessionChange) {
    var metadata: Logger.Metadata = [
      "peer": "\(change.peer)", "from": "\(change.from.rawValue)", "to": "\(change.to.rawValue)",
    ]
    if let reason = change.reason { metadata["reason"] = "\(reason)" }
    switch (change.from, change.to) {
    case (_, .established): tell(.notice, change.peer, "BGP session is up", metadata)
    case (.established, _): tell(.warning, change.peer, "BGP session is down", metadata)
    // The steps in between are for those who look for them.
    default: log.debug("BGP session moves", metadata: metadata)
    }
  }

  /// Something that an operator may want to know about one neighbour.
  func tell(_ peer: IPAddress, _ text: String) {
    tell(.warning, peer, "BGP neighbor", ["peer": "\(peer)", "reason": "\(text)"])
  }

  private func tell(
    _ level: Logger.Level, _ peer: IPAddress, _ text: String, _ metadata: Logger.Metadata
  ) {
    if logLimiter.tells(peer, at: Loop.now) {
      log.log(level: level, "\(text)", metadata: metadata)
    } else {
      scheduleSummary()
    }
  }

  private func scheduleSummary() {
    guard logTimer == nil, let deadline = logLimiter.deadline else { return }
    logTimer = Loop.after(Loop.now.duration(to: deadline)) { [weak self] in
      guard let self else { return }
      logTimer = nil
      for summary in logLimiter.summaries(at: Loop.now) {
        let state = speaker?.sessions.first { $0.peer == summary.peer }?.state.rawValue
        log.warning(
          "BGP session flaps",
          metadata: [
            "peer": "\(summary.peer)", "untold": "\(summary.untold)",
            "state": "\(state ?? "gone")",
          ])
      }
      scheduleSummary()
    }
  }
}
