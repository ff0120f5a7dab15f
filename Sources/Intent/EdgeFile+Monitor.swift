import Delivery

extension EdgeFileReader {
  mutating func monitor(_ fields: FileFields) throws(FileProblem) -> Monitor {
    note(fields, beside: FileFields.monitorFields)
    return try fields.monitor()
  }
}

extension FileFields {
  static let monitorFields: Set = [
    "type", "interval", "timeout", "rise", "fall", "port", "path", "expectedStatus", "host",
    "serverName", "verify", "send", "receive", "service", "queryName", "queryType", "command",
  ]

  /// - Parameter base: What fields that are not given say.
  func monitor(_ base: Monitor = Monitor(kind: .tcp)) throws(FileProblem) -> Monitor {
    let fields = self
    var monitor = base
    monitor.kind = try fields.choice("type") ?? monitor.kind
    monitor.path = try fields.text("path") ?? monitor.path
    monitor.interval = try fields.duration("interval") ?? monitor.interval
    monitor.timeout = try fields.duration("timeout") ?? monitor.timeout
    monitor.rise = try fields.number("rise") ?? monitor.rise
    monitor.fall = try fields.number("fall") ?? monitor.fall
    if fields.names.contains("port") { monitor.port = try fields.port("port") }
    monitor.host = try fields.text("host")
    monitor.serverName = try fields.text("serverName")
    monitor.verify = try fields.flag("verify") ?? monitor.verify
    monitor.send = try fields.text("send") ?? monitor.send
    monitor.receive = try fields.text("receive") ?? monitor.receive
    monitor.service = try fields.text("service") ?? monitor.service
    monitor.queryName = try fields.text("queryName") ?? monitor.queryName
    monitor.command = try fields.list("command")
    if let text = try fields.text("queryType") {
      guard let type = Monitor.QueryType.allCases.first(where: { "\($0)" == text.lowercased() })
      else {
        throw fields.problem(
          "queryType", found: "\"\(text)\"", expected: "A, AAAA, NS, SOA, SRV or TXT")
      }
      monitor.queryType = type
    }
    if let text = try fields.text("expectedStatus") {
      let ends = text.split(separator: "-", maxSplits: 1).map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last,
        (100...599).contains(first), (100...599).contains(last)
      else {
        throw fields.problem(
          "expectedStatus", found: "\"\(text)\"", expected: "a status or a range, as 200-399")
      }
      monitor.expectedStatus = first...last
    }
    return monitor
  }
}
