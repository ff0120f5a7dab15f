/// How the length of a message's content is known, RFC 9112 §6.3.
package enum BodyFraming: Equatable, Sendable {
  case none
  case length(UInt64)
  case chunked
  /// Responses only: the content ends with the connection.
  case untilClose
}

extension HeadParser {
  /// Steps 4 to 7 of RFC 9112 §6.3 for a request. The head's checks made the rest impossible.
  package var requestFraming: BodyFraming {
    if flags.contains(.chunked) { return .chunked }
    if flags.contains(.contentLength), contentLength > 0 { return .length(contentLength) }
    return .none
  }

  /// RFC 9112 §6.3 for the response to `method`.
  package func responseFraming(to method: KnownMethod) -> BodyFraming {
    // 1. No content whatever the fields say.
    if method == .head || status < 200 || status == 204 || status == 304 { return .none }
    // 2. A tunnel: no content, what follows belongs to the tunnel.
    if method == .connect, status < 300 { return .none }
    // 4. to 8.
    if flags.contains(.chunked) { return .chunked }
    if flags.contains(.contentLength) {
      return contentLength > 0 ? .length(contentLength) : .none
    }
    return .untilClose
  }

  /// Whether the connection may carry another message after this one, RFC 9112 §9.3.
  package var isPersistent: Bool {
    if flags.contains(.connectionClose) { return false }
    return minorVersion >= 1 || flags.contains(.connectionKeepAlive)
  }
}
