import Kubernetes

/// Who asks: the common name and organisations of the client certificate.
package struct UserInfo: Sendable, Equatable {
  package var name: String
  package var groups: [String]

  package init(name: String, groups: [String]) {
    self.name = name
    self.groups = groups
  }

  package static let anonymous = UserInfo(
    name: "system:anonymous", groups: ["system:unauthenticated"])
  package static let admin = UserInfo(name: "system:admin", groups: ["system:masters"])
}

/// A request to the API server, taken off its socket.
package struct APIRequest: Sendable {
  package var method: String
  package var path: String
  /// The decoded query, in order.
  package var query: [(name: String, value: String)]
  /// Names in lower case.
  package var headers: [String: String]
  package var body: [UInt8]
  package var user: UserInfo

  package init(
    method: String = "GET", path: String, query: [(name: String, value: String)] = [],
    headers: [String: String] = [:], body: [UInt8] = [], user: UserInfo = .admin
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
    self.user = user
  }

  /// Splits and decodes the target of a request line, `/path?a=b`.
  package mutating func setTarget(_ target: String) {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    path = Self.percentDecoded(parts[0], isQuery: false)
    query = []
    guard parts.count == 2 else { return }
    for pair in parts[1].split(separator: "&").prefix(100) {
      let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      query.append(
        (
          Self.percentDecoded(halves[0], isQuery: true),
          halves.count == 2 ? Self.percentDecoded(halves[1], isQuery: true) : ""
        ))
    }
  }

  private static func percentDecoded(_ text: Substring, isQuery: Bool) -> String {
    guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
      return String(text)
    }
    let bytes = Array(text.utf8)
    var output: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
        let value = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
      {
        output.append(value)
        index += 3
      } else {
        let isSpace = isQuery && bytes[index] == UInt8(ascii: "+")
        output.append(isSpace ? 0x20 : bytes[index])
        index += 1
      }
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// The first value of a query parameter that is not empty.
  func parameter(_ name: String) -> String? {
    query.first { $0.name == name && !$0.value.isEmpty }?.value
  }

  func flag(_ name: String) -> Bool {
    guard let item = query.first(where: { $0.name == name }) else { return false }
    return item.value != "false" && item.value != "0"
  }

  /// A parameter that is a number.
  func number(_ name: String) throws(APIStatus) -> Int? {
    guard let text = parameter(name) else { return nil }
    guard let number = Int(text) else {
      throw .badRequest("unable to decode query parameter \(name): \"\(text)\" is not a number")
    }
    return number
  }

  var contentType: String {
    let value = headers["content-type"] ?? "application/json"
    return (value.split(separator: ";").first.map(String.init) ?? value)
      .filter { $0 != " " }.lowercased()
  }
}

/// The answer to a request.
package struct APIResponse: Sendable {
  package enum Body: Sendable {
    case bytes([UInt8])
    /// Chunks as they come; ends with the response.
    case stream(AsyncStream<[UInt8]>)
  }
  package var status: Int
  package var headers: [(name: String, value: String)]
  package var body: Body

  package init(status: Int, headers: [(name: String, value: String)] = [], body: Body) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  static func json(_ json: JSON, status: Int = 200) -> APIResponse {
    bytes(json.bytes, status: status)
  }

  static func bytes(
    _ bytes: [UInt8], status: Int = 200, type: String = "application/json"
  ) -> APIResponse {
    APIResponse(status: status, headers: [("Content-Type", type)], body: .bytes(bytes))
  }

  static func text(_ text: String, status: Int = 200) -> APIResponse {
    bytes(Array(text.utf8), status: status, type: "text/plain; charset=utf-8")
  }

  static func failure(_ error: APIStatus) -> APIResponse {
    var response = json(error.json, status: error.code)
    if error.code == 429 { response.headers.append(("Retry-After", "1")) }
    return response
  }
}
