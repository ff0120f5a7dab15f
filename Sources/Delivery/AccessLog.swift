/// What a virtual server writes of each request; of TCP and UDP, of each connection or flow.
package struct AccessLog: Equatable, Sendable {
  package enum Destination: Hashable, Sendable {
    case standardOutput
    case file(String)
  }

  package enum Format: Equatable, Sendable {
    /// One object a line, with these members.
    case json([Field])
    /// Text with fields in it.
    case template([Part])
  }

  package enum Part: Equatable, Sendable {
    case text([UInt8])
    case field(Field)
  }

  package enum Field: Hashable, Sendable {
    case known(Known)
    /// A request header's first value; never one that authenticates.
    case header(String)
  }

  package enum Known: String, CaseIterable, Sendable {
    /// When the answer ended: RFC 3339 in UTC, with milliseconds.
    case time
    case clientAddress = "client.address"
    case clientPort = "client.port"
    case server
    /// The rule that decided.
    case rule
    case pool, member
    case `protocol`, scheme, method, host, path, query
    case status
    /// Heads and content, without TLS.
    case bytesIn = "bytes.in"
    case bytesOut = "bytes.out"
    /// Seconds, to the microsecond, from the request's head to the last byte of the answer.
    case totalTime = "time.total"
    case firstByteTime = "time.firstByte"
    /// To establish a connection to the member, where one was made.
    case connectTime = "time.connect"
    /// Further attempts.
    case retries
    case requestID = "request.id"
    case userAgent, referer
    case tlsVersion = "tls.version"
    case tlsCipher = "tls.cipher"
    case tlsServerName = "tls.serverName"
    /// Why the engine itself answered, or cut the answer off.
    case reason
  }

  package var format: Format
  package var destination: Destination

  package init(
    format: Format = .json(Known.allCases.map(Field.known)),
    destination: Destination = .standardOutput
  ) {
    self.format = format
    self.destination = destination
  }

  package static let fieldsExpected =
    Known.allCases.map(\.rawValue).joined(separator: ", ") + " or header.NAME"

  package var fields: [Field] {
    switch format {
    case .json(let fields): fields
    case .template(let parts):
      parts.compactMap { if case .field(let field) = $0 { field } else { nil } }
    }
  }

  /// What is wrong with it.
  func validate() -> [(field: String, found: String, expected: String)] {
    var problems: [(field: String, found: String, expected: String)] = []
    if case .file(let path) = destination, !path.hasPrefix("/") {
      problems.append(("path", "\"\(path)\"", "a file's absolute path, or stdout"))
    }
    if fields.isEmpty { problems.append(("format", "no field", "at least one")) }
    if fields.count > 64 { problems.append(("format", "\(fields.count) fields", "at most 64")) }
    let headers = fields.count { if case .header = $0 { true } else { false } }
    if headers > 8 { problems.append(("format", "\(headers) headers", "at most 8")) }
    return problems
  }
}

extension AccessLog.Field {
  /// What would let a reader of the log in.
  private static let secrets: Set<String> = [
    "authorization", "proxy-authorization", "cookie", "set-cookie", "www-authenticate",
    "proxy-authenticate", "x-api-key", "x-auth-token",
  ]

  package init?(_ name: String) {
    if let known = AccessLog.Known(rawValue: name) {
      self = .known(known)
    } else if name.hasPrefix("header."), isToken(name.dropFirst(7)),
      !Self.secrets.contains(name.dropFirst(7).lowercased())
    {
      self = .header(String(name.dropFirst(7)))
    } else {
      return nil
    }
  }

  package var name: String {
    switch self {
    case .known(let known): known.rawValue
    case .header(let name): "header.\(name)"
    }
  }
}

extension AccessLog.Format {
  /// `${field}` for a field; `$$` is a dollar sign.
  /// - Throws: the first `$` that begins nothing known.
  package init(template text: String) throws(Template.Failure) {
    var parts: [AccessLog.Part] = []
    var literal: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.first {
      guard byte == UInt8(ascii: "$") else {
        literal.append(byte)
        rest = rest.dropFirst()
        continue
      }
      if rest.dropFirst().first == byte {
        literal.append(byte)
        rest = rest.dropFirst(2)
        continue
      }
      let end = rest.firstIndex(of: UInt8(ascii: "}")) ?? rest.endIndex - 1
      let found = String(decoding: rest[...end], as: UTF8.self)
      guard found.hasPrefix("${"), found.hasSuffix("}"),
        let field = AccessLog.Field(String(found.dropFirst(2).dropLast()))
      else { throw Template.Failure(found: found) }
      if !literal.isEmpty { parts.append(.text(literal)) }
      literal = []
      parts.append(.field(field))
      rest = rest[(end + 1)...]
    }
    if !literal.isEmpty { parts.append(.text(literal)) }
    self = .template(parts)
  }
}
