import BFD
import BGP
import Glibc
import Linux
import Logging
import NetTypes

// `debug bgp …`: what was asked for goes to the log, with peer, prefix and reason as fields, and as
// lines to the shells that said `terminal monitor`.

extension Router {
  func trace(_ trace: SpeakerTrace) {
    guard let withheld = debugBudget.admit(at: Loop.now) else { return }
    if withheld > 0 {
      log.info("BGP debugging is cut short", metadata: ["untold": "\(withheld)"])
      onDebug?(Self.stamped("\(withheld) lines of debugging withheld"))
    }
    var metadata: Logger.Metadata = [:]
    if let peer = trace.peer { metadata["peer"] = "\(peer)" }
    if let prefix = trace.prefix { metadata["prefix"] = "\(prefix)" }
    if let reason = trace.reason { metadata["reason"] = "\(reason)" }
    // At the level of what is told anyway: who asks for it by name wants to see it.
    log.info("\(trace.text)", metadata: metadata)
    guard let onDebug else { return }
    var line = (trace.peer.map { "\($0) " } ?? "") + trace.text
    if let reason = trace.reason, !line.contains(reason) { line += " (\(reason))" }
    onDebug(Self.stamped(line))
  }

  /// As lines of FRR's log begin.
  private static func stamped(_ line: String) -> String {
    var now = time(nil)
    var parts = tm()
    localtime_r(&now, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let date = "\(parts.tm_year + 1900)/\(two(parts.tm_mon + 1))/\(two(parts.tm_mday))"
    let clock = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    return "\(date) \(clock) BGP: \(line)"
  }

  /// What becomes of the Loc-RIB's changes.
  func traceRoutes(_ batch: RouteBatch) {
    for (prefix, best) in batch {
      if debugging.shows(.bestPath, nil, prefix) { traceBestPath(prefix, best) }
      if kernel != nil, debugging.shows(.kernel, nil, prefix) {
        let target = best.flatMap { self.target(prefix, $0) }
        let hops = best?.nextHops.map(\.description).joined(separator: " ") ?? ""
        let text =
          target == nil
          ? "Tx route delete VRF 0 \(prefix)"
          : "Tx route add VRF 0 \(prefix) count \(best?.nextHops.count ?? 0) nexthops \(hops)"
        trace(SpeakerTrace(.kernel, prefix: prefix, text))
      }
    }
  }

  private func traceBestPath(_ prefix: IPPrefix, _ best: BestRoute?) {
    guard let best else {
      return trace(SpeakerTrace(.bestPath, prefix: prefix, "\(prefix): no best path"))
    }
    let paths = speaker?.routes(of: [prefix]) ?? []
    let peer: IPAddress? = if case .peer(let peer) = best.origin { peer } else { nil }
    trace(
      SpeakerTrace(
        .bestPath, peer: peer, prefix: prefix,
        "\(prefix): path \(peer.map { "of \($0)" } ?? "of our own") is the bestpath of "
          + "\(paths.count)", reason: ShellTables.selectionReason(paths)))
  }

  func traceNextHop(_ address: IPAddress, _ outcome: String) {
    guard debugging.topics.contains(.nextHops) else { return }
    trace(SpeakerTrace(.nextHops, "NH update for \(address): \(outcome)"))
  }

  func tracePath(_ peer: IPAddress, _ change: BFDChange) {
    guard debugging.shows(.bfd, peer) else { return }
    trace(
      SpeakerTrace(
        .bfd, peer: peer, "BFD session went from \(change.from) to \(change.to)",
        reason: "\(change.diagnostic)"))
  }
}

extension NoticeBudget {
  /// A thousand lines at once, then two hundred a second.
  static let ofDebugging = NoticeBudget(burst: 1000, interval: .milliseconds(5))
}
