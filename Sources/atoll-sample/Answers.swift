import Glibc
import HTTP
import Kubernetes

private func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

private var podName: String {
  if let name = environment("POD_NAME") ?? environment("HOSTNAME") { return name }
  var name = [CChar](repeating: 0, count: 256)
  gethostname(&name, 255)
  return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Any path: who answered and what was asked. `/healthz` answers `ok`, `/lookup/NAME` looks a name up.
@Sendable func whoami(_ request: Request) -> Answer {
  if let answer = lookup(request) { return answer }
  if request.path == "/healthz" { return Answer(body: Array("ok\n".utf8)) }
  var lines = ["Name: \(podName)"]
  if let node = environment("NODE_NAME") { lines.append("Node: \(node)") }
  lines += ["Address: \(request.local)", "Remote: \(request.remote)"]
  lines.append("\(request.head.method) \(request.head.target) HTTP/1.\(request.head.minorVersion)")
  lines += request.head.headers.fields.map { "\($0.name): \($0.value)" }
  return Answer(body: Array((lines.joined(separator: "\n") + "\n").utf8))
}

/// httpbin's plain parts: `/get /post /anything /headers /ip /status/N /delay/S /bytes/N /stream/N`.
@Sendable func httpbin(_ request: Request) -> Answer {
  if let answer = lookup(request) { return answer }
  let parts = request.path.split(separator: "/").map(String.init)
  let number = parts.count > 1 ? Int(parts[1]) : nil
  switch (parts.first ?? "", number) {
  case ("healthz", _): return Answer(body: Array("ok\n".utf8))
  case ("", _):
    let list = "/get /post /anything /headers /ip /status/N /delay/S /bytes/N /stream/N /healthz\n"
    return Answer(body: Array(list.utf8))
  case ("get", _), ("post", _), ("put", _), ("delete", _), ("patch", _), ("anything", _):
    return json(describe(request))
  case ("headers", _): return json(["headers": describe(request)["headers"]])
  case ("ip", _): return json(["origin": describe(request)["origin"]])
  case ("status", .some(200...599)):
    return Answer(status: number ?? 500, body: [])
  case ("delay", .some(0...10)):
    sleep(UInt32(number ?? 0))
    return json(describe(request))
  case ("bytes", .some(0...104_857_600)):
    let count = number ?? 0
    let body = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      for index in 0..<count { buffer[index] = UInt8(truncatingIfNeeded: index &* 31) }
      filled = count
    }
    return Answer(type: "application/octet-stream", body: body)
  case ("stream", .some(1...100)):
    let lines = (0..<(number ?? 1)).map { id in
      var line = describe(request)
      line["id"] = .integer(Int64(id))
      return line.bytes + [0x0a]
    }
    return Answer(type: "application/json", chunks: lines)
  default:
    return Answer(status: 404, body: Array("no \(request.path) here; / lists what is\n".utf8))
  }
}

private func json(_ value: JSON) -> Answer {
  Answer(type: "application/json", body: Array((value.prettyText + "\n").utf8))
}

private func describe(_ request: Request) -> JSON {
  var headers: [String: JSON] = [:]
  for field in request.head.headers.fields { headers[field.name] = JSON(field.value) }
  var arguments: [String: JSON] = [:]
  for pair in request.query.split(separator: "&") {
    let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    arguments[String(sides[0])] = JSON(sides.count > 1 ? String(sides[1]) : "")
  }
  return [
    "args": .object(arguments), "data": JSON(String(decoding: request.body, as: UTF8.self)),
    "headers": .object(headers), "method": JSON(request.head.method),
    "origin": JSON(request.head.headers["X-Forwarded-For"] ?? request.remote),
    "served_by": JSON(podName),
    "url": JSON("http://\(request.head.headers["Host"] ?? request.local)\(request.head.target)"),
  ]
}
