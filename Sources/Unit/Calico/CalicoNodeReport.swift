import Glibc
import Kubernetes
import Linux
import NetTypes

/// The BGP sessions of a node: `calicoctl node status`.
package struct CalicoNodeReport: Sendable {
  /// The node's router, as its control socket shows it.
  private let status: JSON
  private let now: time_t

  /// - Parameter now: Seconds since 1970.
  init(status: JSON, now: time_t) {
    self.status = status
    self.now = now
  }

  /// - Parameter name: A role or a node's name; nil: the first server.
  @Loop package static func read(
    _ record: UnitRecord, node name: String?
  ) async throws -> CalicoNodeReport {
    let plan = try UnitPlan(record.configuration)
    let role = try name.map { name throws(UnitError) in try plan.role(named: name) }
    let node = role ?? plan.controlPlane
    guard node.isNode else {
      let known = plan.nodes.map(\.nodeName).joined(separator: ", ")
      throw UnitError("\(node.name) is no node: unit \(record.name) has \(known)")
    }
    do {
      let status = try await RouterControl(socket: record.directory.nodeSocket(node)).status()
      return CalicoNodeReport(status: status["bgp"], now: time(nil))
    } catch {
      throw UnitError("Calico process is not running. (\(node.nodeName): \(error))")
    }
  }

  package var text: String {
    "Calico process is running.\n" + table(isIPv4: true) + table(isIPv4: false) + "\n"
  }

  private func table(isIPv4: Bool) -> String {
    let version = isIPv4 ? "IPv4" : "IPv6"
    let sessions = status["sessions"].elements.filter { session in
      session["peer"].string.flatMap { IPAddress($0) }?.isIPv4 == isIPv4
    }
    if sessions.isEmpty { return "\n\(version) BGP status\nNo \(version) peers found.\n" }
    var table = RuledTable(["PEER ADDRESS", "PEER TYPE", "STATE", "SINCE", "INFO"])
    for session in sessions {
      table.add([
        session["peer"].string ?? "", session["description"].string ?? "", Self.state(session),
        since(session), Self.information(session),
      ])
    }
    return "\n\(version) BGP status\n" + table.text
  }

  private static func isUp(_ session: JSON) -> Bool { session["state"].string == "Established" }

  private static func state(_ session: JSON) -> String {
    isUp(session) ? "up" : session["isShutdown"].bool == true ? "down" : "start"
  }

  private static func information(_ session: JSON) -> String {
    [session["state"].string, isUp(session) ? nil : session["lastError"].string]
      .compactMap { $0 }.joined(separator: " ")
  }

  /// The time of day, or the date of what is older than that, as BIRD has it.
  private func since(_ session: JSON) -> String {
    let seconds = session["uptimeSeconds"].int ?? session["downSeconds"].int ?? 0
    var then = now - time_t(seconds)
    var parts = tm()
    localtime_r(&then, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    if seconds >= 20 * 3600 {
      return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }
    return "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }
}
