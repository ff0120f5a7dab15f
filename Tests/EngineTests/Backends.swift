import Synchronization

/// A request as a test backend got it.
struct SeenRequest {
  var head: String
  var body: [UInt8]
  var line: String { String(head.prefix { $0 != "\r\n" }) }
  subscript(name: String) -> String? { TestResponse(head: head)[name] }
}

extension TestClient {
  /// The next request, with its content; nil when the peer has closed.
  func request() throws -> SeenRequest? {
    let head = try receive(until: "\r\n\r\n")
    guard !head.isEmpty else { return nil }
    var request = SeenRequest(head: head, body: [])
    if let length = request["content-length"].flatMap({ Int($0) }) {
      request.body = try receive(exactly: length)
    } else if request["transfer-encoding"] == "chunked" {
      request.body = try chunks()
    }
    return request
  }

  func chunks() throws -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let line = try receive(until: "\r\n")
      guard let size = Int(line.dropLast(1).prefix { $0 != ";" }, radix: 16) else {
        throw TestFailure("chunk size \(line)")
      }
      if size == 0 {
        _ = try receive(until: "\r\n")
        return body
      }
      body += try receive(exactly: size)
      _ = try receive(exactly: 2)
    }
  }

  func answer(_ text: String, status: String = "200 OK", fields: String = "") throws {
    try send(
      "HTTP/1.1 \(status)\r\nContent-Length: \(text.utf8.count)\r\n\(fields)\r\n\(text)")
  }
}

/// A backend that keeps connections and answers each request with what `handler` says.
func httpBackend(
  port: UInt16 = 0, _ handler: @escaping @Sendable (SeenRequest, TestClient) throws -> Void
) throws -> TestServer {
  try TestServer(port: port) { client in
    while let request = try client.request() { try handler(request, client) }
  }
}

/// A backend that answers with its name.
func namedBackend(_ name: String, port: UInt16 = 0) throws -> TestServer {
  try httpBackend(port: port) { _, client in try client.answer(name) }
}

/// Repeatable bytes that do not repeat within a buffer.
func pattern(_ count: Int) -> [UInt8] {
  var state: UInt32 = 1
  return (0..<count).map { _ in
    state = state &* 1_664_525 &+ 1_013_904_223
    return UInt8(truncatingIfNeeded: state >> 24)
  }
}
