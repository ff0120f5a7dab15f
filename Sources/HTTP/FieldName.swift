/// The fields that framing, forwarding and routing look at; all others are `other`.
package enum FieldName: UInt8, Sendable {
  case other
  case host
  case connection
  case contentLength
  case transferEncoding
  case te
  case trailer
  case upgrade
  case keepAlive
  case proxyConnection
  case proxyAuthenticate
  case proxyAuthorization
  case expect
  case xForwardedFor
  case xForwardedProto
  case xForwardedHost
  case xRequestID
  case forwarded

  /// Meant for one connection only, RFC 9110 §7.6.1: a proxy removes it.
  @inlinable package var isHopByHop: Bool {
    switch self {
    case .connection, .te, .trailer, .upgrade, .keepAlive, .proxyConnection,
      .proxyAuthenticate, .proxyAuthorization:
      true
    default: false
    }
  }

  /// Recognises a name by its length, then its letters.
  static func of(_ name: UnsafeRawBufferPointer) -> FieldName {
    switch name.count {
    case 2: equalsIgnoringCase(name, "te") ? .te : .other
    case 4: equalsIgnoringCase(name, "host") ? .host : .other
    case 6: equalsIgnoringCase(name, "expect") ? .expect : .other
    case 7:
      equalsIgnoringCase(name, "upgrade")
        ? .upgrade : equalsIgnoringCase(name, "trailer") ? .trailer : .other
    case 9: equalsIgnoringCase(name, "forwarded") ? .forwarded : .other
    case 10:
      equalsIgnoringCase(name, "connection")
        ? .connection : equalsIgnoringCase(name, "keep-alive") ? .keepAlive : .other
    case 12: equalsIgnoringCase(name, "x-request-id") ? .xRequestID : .other
    case 14: equalsIgnoringCase(name, "content-length") ? .contentLength : .other
    case 15: equalsIgnoringCase(name, "x-forwarded-for") ? .xForwardedFor : .other
    case 16:
      equalsIgnoringCase(name, "x-forwarded-host")
        ? .xForwardedHost : equalsIgnoringCase(name, "proxy-connection") ? .proxyConnection : .other
    case 17:
      equalsIgnoringCase(name, "transfer-encoding")
        ? .transferEncoding
        : equalsIgnoringCase(name, "x-forwarded-proto") ? .xForwardedProto : .other
    case 18: equalsIgnoringCase(name, "proxy-authenticate") ? .proxyAuthenticate : .other
    case 19: equalsIgnoringCase(name, "proxy-authorization") ? .proxyAuthorization : .other
    default: .other
    }
  }
}

/// The methods that framing and retries look at.
package enum KnownMethod: UInt8, Sendable {
  case other, get, head, post, put, delete, options, trace, connect

  /// Repeating it has the effect of sending it once, RFC 9110 §9.2.2.
  package var isIdempotent: Bool {
    switch self {
    case .get, .head, .put, .delete, .options, .trace: true
    default: false
    }
  }

  /// Methods are case-sensitive, RFC 9110 §9.1.
  static func of(_ name: UnsafeRawBufferPointer) -> KnownMethod {
    func has(_ text: StaticString) -> Bool {
      name.count == text.utf8CodeUnitCount
        && name.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: name.count))
    }
    switch name.count {
    case 3: return has("GET") ? .get : has("PUT") ? .put : .other
    case 4: return has("POST") ? .post : has("HEAD") ? .head : .other
    case 5: return has("TRACE") ? .trace : .other
    case 6: return has("DELETE") ? .delete : .other
    case 7: return has("OPTIONS") ? .options : has("CONNECT") ? .connect : .other
    default: return .other
    }
  }
}
