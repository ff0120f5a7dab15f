import HTTP
import Kubernetes
import Linux
import NetTypes
import Transport

extension FaultRunner {
  func misbehave(
    _ application: String, _ unit: String?, _ verb: String, path: String
  ) async throws -> [Fault] {
    var faults: [Fault] = []
    for record in try UnitRegistry.all() where unit == nil || record.name == unit {
      let count = try await Self.control(application, record, path, targets)
      guard count > 0 else { continue }
      let what = verb == "hang" ? "hang \(application)" : "\(verb) from \(application)"
      faults.append(
        try FaultJournal.add(
          "\(what) in \(record.name)",
          undo: [.behave(application: application, unit: record.name)]))
    }
    if faults.isEmpty {
      throw UnitError("application \"\(application)\": no Service of that name has endpoints")
    }
    return faults
  }

  /// Tells every pod of the application how to answer from now on.
  /// - Returns: How many were told.
  static func control(
    _ application: String, _ record: UnitRecord, _ path: String, _ targets: FaultTargets
  ) async throws -> Int {
    let plan = try UnitPlan(record.configuration)
    let client = HTTPClient(socket: socketFactory(in: plan.gateway.namespace))
    let endpoints = try await targets.endpoints(of: application, record)
    for endpoint in endpoints {
      guard let url = HTTPURL("http://\(endpoint)/control/\(path)") else { continue }
      let response = try await client.send(
        HTTPRequestHead(method: "POST", target: url.target), to: HTTPClient.Origin(url),
        timeout: .seconds(2))
      let body = try await response.body.collect(limit: 1 << 16)
      guard (try? JSON(parsing: body))?["conduct"].string != nil else {
        throw UnitError(
          "application \(application): \(endpoint) does not know /control: only the sample image "
            + "can be told how to answer")
      }
    }
    client.closeIdle()
    return endpoints.count
  }
}
