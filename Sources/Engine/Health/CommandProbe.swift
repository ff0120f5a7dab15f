import Delivery
import Linux
import NetTypes

/// A command that says whether a member is well: exit code 0. It gets the member's address and port
/// as its last two arguments.
@Loop enum CommandProbe {
  /// Commands at the same time; more would make a busy machine busier.
  private static let limit = 8
  private static var running = 0

  static func run(_ address: SocketAddress, _ monitor: Monitor) async throws {
    while running >= limit { try await Loop.sleep(.milliseconds(20)) }
    running += 1
    defer { running -= 1 }
    let result = try await ChildProcess.run(
      monitor.command + ["\(address.address)", "\(address.port)"], limit: 4096,
      timeout: monitor.timeout)
    guard case .exited(0) = result.ending else {
      let words = result.errorText.isEmpty ? result.outputText : result.errorText
      let line = words.split(separator: "\n").first.map { ": \($0.prefix(200))" } ?? ""
      throw ProbeFailure("\(monitor.command[0]) ended with \(result.ending)\(line)")
    }
  }
}
