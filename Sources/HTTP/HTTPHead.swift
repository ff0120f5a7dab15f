/// A request's start line and fields, owned.
package struct HTTPRequestHead: Equatable, Sendable {
  package var method: String
  /// As sent: origin form in most requests. `RequestTarget` takes it apart.
  package var target: String
  /// Minor version of HTTP/1.
  package var minorVersion: UInt8
  package var headers: HTTPHeaders

  package init(
    method: String, target: String, headers: HTTPHeaders = HTTPHeaders(), minorVersion: UInt8 = 1
  ) {
    self.method = method
    self.target = target
    self.headers = headers
    self.minorVersion = minorVersion
  }

  /// Whether another request may follow on the connection.
  package var isPersistent: Bool { persists(headers, minorVersion) }

  /// The head on the wire, with its blank line.
  package func serialized() -> [UInt8] {
    var output = Array("\(method) \(target) HTTP/1.\(minorVersion)\r\n".utf8)
    headers.serialize(into: &output)
    output += [0x0d, 0x0a]
    return output
  }
}

/// A response's status line and fields, owned.
package struct HTTPResponseHead: Equatable, Sendable {
  package var status: Int
  package var reason: String
  package var minorVersion: UInt8
  package var headers: HTTPHeaders

  package init(
    status: Int, reason: String? = nil, headers: HTTPHeaders = HTTPHeaders(),
    minorVersion: UInt8 = 1
  ) {
    self.status = status
    self.reason = reason ?? String(describing: reasonPhrase(status))
    self.headers = headers
    self.minorVersion = minorVersion
  }

  package var isPersistent: Bool { persists(headers, minorVersion) }

  package func serialized() -> [UInt8] {
    var output = Array("HTTP/1.\(minorVersion) \(status) \(reason)\r\n".utf8)
    headers.serialize(into: &output)
    output += [0x0d, 0x0a]
    return output
  }
}

private func persists(_ headers: HTTPHeaders, _ minorVersion: UInt8) -> Bool {
  let tokens = headers.tokens("Connection")
  return !tokens.contains("close") && (minorVersion >= 1 || tokens.contains("keep-alive"))
}

/// The registered reason phrase, RFC 9110 §15.
package func reasonPhrase(_ status: Int) -> StaticString {
  switch status {
  case 100: "Continue"
  case 101: "Switching Protocols"
  case 200: "OK"
  case 201: "Created"
  case 202: "Accepted"
  case 204: "No Content"
  case 206: "Partial Content"
  case 301: "Moved Permanently"
  case 302: "Found"
  case 304: "Not Modified"
  case 307: "Temporary Redirect"
  case 308: "Permanent Redirect"
  case 400: "Bad Request"
  case 401: "Unauthorized"
  case 403: "Forbidden"
  case 404: "Not Found"
  case 405: "Method Not Allowed"
  case 406: "Not Acceptable"
  case 408: "Request Timeout"
  case 409: "Conflict"
  case 410: "Gone"
  case 411: "Length Required"
  case 412: "Precondition Failed"
  case 413: "Content Too Large"
  case 414: "URI Too Long"
  case 415: "Unsupported Media Type"
  case 421: "Misdirected Request"
  case 422: "Unprocessable Content"
  case 426: "Upgrade Required"
  case 429: "Too Many Requests"
  case 431: "Request Header Fields Too Large"
  case 500: "Internal Server Error"
  case 501: "Not Implemented"
  case 502: "Bad Gateway"
  case 503: "Service Unavailable"
  case 504: "Gateway Timeout"
  case 505: "HTTP Version Not Supported"
  default: "Unknown"
  }
}
