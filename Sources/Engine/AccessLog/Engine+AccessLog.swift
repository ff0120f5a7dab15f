import Delivery
import Linux
import NetTypes
import Synchronization

extension Engine {
  /// Access logs by virtual server. One that cannot be opened refuses what is new of its server; the
  /// last good version goes on serving.
  func openAccessLogs(
    _ usable: inout DeliveryConfiguration, _ rules: inout [String: RuleSet],
    _ problems: inout [Problem]
  ) -> [String: CompiledAccessLog] {
    var opened: [String: CompiledAccessLog] = [:]
    for server in usable.virtualServers {
      guard let wanted = server.accessLog else { continue }
      let known = servers.values.first { $0.configuration.name == server.name }
      if let log = known?.accessLog, log.configuration == wanted {
        opened[server.name] = log
        continue
      }
      do throws(SystemError) {
        let sink = try logWriter.sink(for: wanted.destination, workers: workers.count)
        opened[server.name] = CompiledAccessLog(wanted, sink: sink, writer: logWriter)
      } catch {
        problems.append(
          server.problem(
            "accessLog.path", "\(error.subject) (\(error.reason))",
            "a file that can be written"))
        usable.virtualServers.removeAll { $0.name == server.name }
        if let known {
          usable.virtualServers.append(known.configuration)
          opened[server.name] = known.accessLog
          rules[server.name] = known.rules
        }
      }
    }
    return opened
  }

  /// Opens the files of access logs by their names anew: something has moved them away.
  package func reopenAccessLogs() { logWriter.reopen() }

  /// Has what workers have put written; they have been told to stop.
  func endAccessLogs(_ state: SharedState) async {
    let limit = Loop.now.advanced(by: .seconds(2))
    while state.stopped.load(ordering: .acquiring) < workers.count, Loop.now < limit {
      try? await Loop.sleep(.milliseconds(2))
    }
    logWriter.end()
    while !logWriter.isDone, Loop.now < limit { try? await Loop.sleep(.milliseconds(2)) }
  }
}
