/// What keeps a client at the member that it was given first.
package struct Persistence: Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    /// A cookie of the edge's own names the member, by a code that only the edge can make. HTTP only.
    case cookie(Cookie)
    /// By the client's address, in a table.
    case source
    /// By a request header's first value, in a table. HTTP only.
    case header(String)
  }

  package struct Cookie: Equatable, Sendable {
    package enum SameSite: String, Sendable, CaseIterable {
      case strict, lax, none
    }

    package var name = "atoll"
    /// Nil: until the browser closes.
    package var maxAge: Duration?
    package var sameSite = SameSite.lax
    /// Only over TLS. Nil: where the client came over TLS.
    package var secure: Bool?
    /// Edges that share one serve each other's cookies. Nil: the machine's own.
    package var key: String?

    package init() {}
  }

  package var kind: Kind
  /// How long the table keeps an entry that nobody uses.
  package var timeout: Duration

  package init(_ kind: Kind, timeout: Duration = .seconds(1800)) {
    self.kind = kind
    self.timeout = timeout
  }

  func validate() -> [(field: String, found: String, expected: String)] {
    var found: [(field: String, found: String, expected: String)] = []
    if timeout < .seconds(1) || timeout > .seconds(30 * 86400) {
      found.append(("persistence.timeout", "\(timeout)", "1 s to 30 days"))
    }
    switch kind {
    case .cookie(let cookie):
      if !isToken(cookie.name) {
        found.append(("persistence.name", "\"\(cookie.name)\"", "a cookie's name"))
      }
      if cookie.sameSite == .none, cookie.secure == false {
        found.append(("persistence.secure", "false", "true where sameSite is none"))
      }
      if let key = cookie.key, key.utf8.count < 16 {
        found.append(("persistence.key", "\(key.utf8.count) bytes", "16 bytes or more"))
      }
    case .header(let name):
      if !isToken(name) {
        found.append(("persistence.name", "\"\(name)\"", "a header's name"))
      }
    case .source: break
    }
    return found
  }
}
