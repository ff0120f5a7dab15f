import DNS
import Intent
import Linux
import Logging
import NetTypes

/// Tells secondaries that a zone has another version. RFC 1996.
@Loop enum Notifier {
  private static let attempts = 5
  private static let firstWait = Duration.seconds(1)

  static func tell(_ source: NameFile.ZoneSource, _ zone: Zone, _ log: Logger) {
    for secondary in source.notify {
      Task { @Loop in
        var wait = firstWait
        for _ in 0..<attempts {
          if await ask(secondary, zone, wait) { return }
          wait = wait * 2
        }
        log.warning(
          "secondary does not answer", metadata: ["zone": "\(zone.origin)", "at": "\(secondary)"])
      }
    }
  }

  /// - Returns: whether the secondary has taken it, or refused it for good.
  private static func ask(_ secondary: SocketAddress, _ zone: Zone, _ wait: Duration) async -> Bool
  {
    let message = Message(
      id: .random(in: 0 ... .max), notifying: zone.origin,
      start: zone.records.first { $0.type == .soa && $0.name == zone.origin })
    let question = DatagramQuestion(message, secondary)
    return (try? await question.ask(timeout: wait)) != nil
  }
}
