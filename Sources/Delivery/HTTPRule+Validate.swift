import NetTypes

/// What is wrong with a rule, by the field in it. Regular expressions are compiled by the engine,
/// which knows their language.
extension HTTPRule {
  typealias Complaint = (field: String, found: String, expected: String)

  func validate() -> [Complaint] {
    var found: [Complaint] = []
    if let host = match.host, !isHostPattern(host) {
      found.append(("match.host", "\"\(host)\"", "a name, or *. and a name"))
    }
    switch match.path {
    case .exact(let path) where !path.hasPrefix("/"):
      found.append(("match.path.exact", "\"\(path)\"", "a path from /"))
    case .prefix(let path) where !path.hasPrefix("/"):
      found.append(("match.path.prefix", "\"\(path)\"", "a path from /"))
    default: break
    }
    for (index, method) in match.methods.enumerated() where !isToken(method) {
      found.append(("match.methods[\(index)]", "\"\(method)\"", "a method, as GET"))
    }
    for (index, header) in match.headers.enumerated() where !isToken(header.name) {
      found.append(("match.headers[\(index)].name", "\"\(header.name)\"", "a header's name"))
    }
    for (index, field) in match.query.enumerated() where field.name.isEmpty {
      found.append(("match.query[\(index)].name", "nothing", "a parameter's name"))
    }
    found += validateChecks() + validateEdits() + validateDecision()
    return found
  }

  private func validateChecks() -> [Complaint] {
    var found: [Complaint] = []
    if let authentication = checks.authentication {
      for (user, hash) in authentication.users.sorted(by: { $0.key < $1.key })
      where !["$5$", "$6$", "$y$", "$2b$", "$2y$", "$2a$"].contains(where: hash.hasPrefix) {
        // The hash itself is no business of a message's readers.
        found.append(
          (
            "basicAuthentication.users.\(user)", "something else",
            "a hash of crypt(5): $5$, $6$, $y$ or $2b$"
          ))
      }
      if authentication.users.isEmpty {
        found.append(("basicAuthentication.users", "nothing", "one user or more"))
      }
      if authentication.realm.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 > 0x7e }) {
        found.append(
          ("basicAuthentication.realm", "\"\(authentication.realm)\"", "ASCII text without quotes"))
      }
    }
    if let limit = checks.rateLimit {
      if !(1...1_000_000_000).contains(limit.requests) {
        found.append(("rateLimit.requests", "\(limit.requests)", "1 to 1000000000"))
      }
      if limit.period < .milliseconds(1) || limit.period > .seconds(86400) {
        found.append(("rateLimit.per", "\(limit.period)", "1 ms to 1 day"))
      }
      if !(1...1_000_000_000).contains(limit.burst), limit.burst != limit.requests {
        found.append(("rateLimit.burst", "\(limit.burst)", "1 to 1000000000"))
      }
      if case .header(let name) = limit.key, !isToken(name) {
        found.append(("rateLimit.key.header", "\"\(name)\"", "a header's name"))
      }
    }
    return found
  }

  private func validateEdits() -> [Complaint] {
    var found = edits.request.validate("requestHeaders")
    found += edits.response.validate("responseHeaders")
    if let rewrite = edits.rewrite {
      if let path = rewrite.path { found += validate(path, "rewrite") }
      if let host = rewrite.host { found += validate(host, "rewrite.host") }
    }
    if let cors = edits.cors {
      if cors.origins.isEmpty { found.append(("cors.origins", "nothing", "one origin or more")) }
      for (index, origin) in cors.origins.enumerated() where !CrossOrigin.isOrigin(origin) {
        found.append(
          ("cors.origins[\(index)]", "\"\(origin)\"", "*, or an origin as https://a.example"))
      }
      if cors.credentials, cors.origins.contains("*") {
        found.append(("cors.origins", "*", "named origins where credentials is true"))
      }
      let names = cors.methods + cors.headers + cors.exposed
      if let name = names.first(where: { !isToken($0) }) {
        found.append(("cors", "\"\(name)\"", "names of methods and headers"))
      }
    }
    return found
  }

  private func validateDecision() -> [Complaint] {
    var found: [Complaint] = []
    switch decision {
    case .next:
      if edits.isEmpty, checks == HTTPChecks() {
        found.append(
          ("", "without effect", "an edit, a check, or one of pool, split, redirect and respond"))
      }
    case .pool: break
    case .split(let shares):
      for (index, share) in shares.enumerated() where !(0...1_000_000).contains(share.weight) {
        found.append(("split[\(index)].weight", "\(share.weight)", "0 to 1000000"))
      }
      if shares.allSatisfy({ $0.weight == 0 }) {
        found.append(("split", "no weight above 0", "one pool that gets requests"))
      }
    case .redirect(let redirect):
      if ![301, 302, 303, 307, 308].contains(redirect.status) {
        found.append(("redirect.status", "\(redirect.status)", "301, 302, 303, 307 or 308"))
      }
      if let scheme = redirect.scheme, scheme != "http", scheme != "https" {
        found.append(("redirect.scheme", "\"\(scheme)\"", "http or https"))
      }
      if let host = redirect.host { found += validate(host, "redirect.host") }
      if let path = redirect.path { found += validate(path, "redirect") }
    case .respond(let response):
      if !(200...599).contains(response.status) {
        found.append(("respond.status", "\(response.status)", "200 to 599"))
      }
      if response.contentType.utf8.contains(where: { $0 < 0x20 || $0 > 0x7e }) {
        found.append(("respond.contentType", "\"\(response.contentType)\"", "a media type"))
      }
    }
    return found
  }

  /// A prefix can take the place only of one that was matched.
  private func validate(_ modifier: PathModifier, _ place: String) -> [Complaint] {
    switch modifier {
    case .whole(let template): return validate(template, "\(place).path")
    case .prefix(let path):
      var found: [Complaint] = []
      if !path.hasPrefix("/") { found.append(("\(place).prefix", "\"\(path)\"", "a path from /")) }
      if case .prefix = match.path { return found }
      return found + [("\(place).prefix", "given", "match.path.prefix beside it")]
    }
  }

  private func validate(_ template: Template, _ field: String) -> [Complaint] {
    if template.hasControls { return [(field, "a control character", "none")] }
    if template.parts.isEmpty { return [(field, "nothing", "some text")] }
    if template.usesGroups {
      guard case .regex = match.path else {
        return [(field, "a group as ${1}", "match.path.regex beside it")]
      }
    }
    return []
  }
}

extension FieldEdits {
  /// Fields that frame messages, or belong to one connection, are the edge's own.
  static let reserved: Set<String> = [
    "connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
  ]

  fileprivate func validate(_ place: String) -> [HTTPRule.Complaint] {
    var found: [HTTPRule.Complaint] = []
    let names = remove + set.map(\.name) + add.map(\.name)
    for name in names {
      if !isToken(name) {
        found.append((place, "\"\(name)\"", "names of headers"))
      } else if FieldEdits.reserved.contains(name.lowercased()) {
        let hint = name.lowercased() == "host" ? "; rewrite.host sets it" : ""
        found.append((place, name, "a header that does not frame the message\(hint)"))
      }
    }
    for field in set + add where field.value.hasControls {
      found.append(("\(place).\(field.name)", "a control character", "none"))
    }
    return found
  }
}

extension CrossOrigin {
  /// `*`, or scheme, `://`, host and perhaps port; the host may begin with `*.`.
  static func isOrigin(_ text: String) -> Bool {
    if text == "*" { return true }
    guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return false }
    var host = text.dropFirst(scheme.count)
    if host.hasPrefix("*.") { host = host.dropFirst(2) }
    return !host.isEmpty
      && host.utf8.allSatisfy {
        $0 > 0x20 && $0 < 0x7f && !"/?#@*\\\"<>".utf8.contains($0)
      }
  }
}

/// A name, or `*.` and a name. RFC 1123 §2.1, and underscores, which names in use have.
func isHostPattern(_ host: String) -> Bool {
  let name = host.hasPrefix("*.") ? host.dropFirst(2) : host[...]
  return !name.isEmpty && name.utf8.count <= 253
    && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      (1...63).contains(label.utf8.count)
        && label.utf8.allSatisfy {
          $0 == 0x2d || $0 == 0x5f || (0x30...0x39).contains($0)
            || (0x61...0x7a).contains($0 | 0x20)
        }
    }
}
