import Delivery
import NetTypes

/// Rules of an HTTP virtual server: what they match, what they check and change, what they decide.
extension EdgeFileReader {
  mutating func rule(_ fields: FileFields, index: Int) throws(FileProblem) -> HTTPRule {
    note(
      fields,
      beside: [
        "name", "match", "allow", "deny", "basicAuthentication", "bodyLimit", "rateLimit",
        "rewrite", "requestHeaders", "responseHeaders", "cors", "pool", "split", "redirect",
        "respond",
      ])
    var rule = HTTPRule(name: try fields.text("name") ?? "rule \(index + 1)")
    if let match = try fields.section("match") { rule.match = try self.match(match) }
    rule.checks = try checks(fields)
    if let rewrite = try fields.section("rewrite") {
      rule.edits.rewrite = try self.rewrite(rewrite)
    }
    if let edits = try fields.section("requestHeaders") {
      rule.edits.request = try fieldEdits(edits)
    }
    if let edits = try fields.section("responseHeaders") {
      rule.edits.response = try fieldEdits(edits)
    }
    if let cors = try fields.section("cors") { rule.edits.cors = try crossOrigin(cors) }
    rule.decision = try decision(fields)
    return rule
  }

  private mutating func decision(_ fields: FileFields) throws(FileProblem) -> HTTPRule.Decision {
    let given = ["pool", "split", "redirect", "respond"].filter(fields.names.contains)
    if given.count > 1 {
      throw fields.problem(
        given[1], found: "\(given[0]) and \(given[1])",
        expected: "one of pool, split, redirect and respond")
    }
    switch given.first {
    case "pool": return .pool(try fields.needed("pool"))
    case "split":
      var shares: [HTTPRule.Share] = []
      for share in try fields.sections("split") {
        note(share, beside: ["pool", "weight"])
        shares.append(
          HTTPRule.Share(pool: try share.needed("pool"), weight: try share.number("weight") ?? 1))
      }
      return .split(shares)
    case "redirect":
      guard let section = try fields.section("redirect") else { return .next }
      return .redirect(try redirect(section))
    case "respond":
      guard let section = try fields.section("respond") else { return .next }
      note(section, beside: ["status", "contentType", "body"])
      var response = HTTPDirectResponse(status: try section.number("status") ?? 200)
      response.contentType = try section.text("contentType") ?? response.contentType
      response.body = try section.template("body") ?? Template()
      return .respond(response)
    default: return .next
    }
  }

  // MARK: Conditions

  private mutating func match(_ fields: FileFields) throws(FileProblem) -> HTTPMatch {
    note(fields, beside: ["host", "path", "methods", "headers", "query", "source"])
    var match = HTTPMatch()
    match.host = try fields.text("host")
    if let path = try fields.section("path") { match.path = try self.path(path, of: fields) }
    match.methods = try fields.list("methods")
    for field in try fields.sections("headers") { match.headers.append(try matchField(field)) }
    for field in try fields.sections("query") { match.query.append(try matchField(field)) }
    match.source = try fields.prefixes("source")
    return match
  }

  private mutating func path(
    _ fields: FileFields, of match: FileFields
  ) throws(FileProblem) -> HTTPMatch.Path {
    note(fields, beside: ["exact", "prefix", "regex"])
    let given = ["exact", "prefix", "regex"].filter(fields.names.contains)
    guard let kind = given.first, given.count == 1, let text = try fields.text(kind) else {
      throw match.problem(
        "path", found: given.isEmpty ? "none" : given.joined(separator: " and "),
        expected: "one of exact, prefix and regex")
    }
    switch kind {
    case "exact": return .exact(text)
    case "prefix": return .prefix(text)
    default: return .regex(text)
    }
  }

  /// `{name, value | regex | present: true | false}`.
  private mutating func matchField(_ fields: FileFields) throws(FileProblem) -> HTTPMatch.Field {
    note(fields, beside: ["name", "value", "regex", "present"])
    let name = try fields.needed("name")
    let given = ["value", "regex", "present"].filter(fields.names.contains)
    guard given.count <= 1 else {
      throw fields.problem(
        given[1], found: given.joined(separator: " and "),
        expected: "one of value, regex and present")
    }
    if let value = try fields.text("value") { return .init(name: name, value: .exact(value)) }
    if let regex = try fields.text("regex") { return .init(name: name, value: .regex(regex)) }
    let isPresent = try fields.flag("present") ?? true
    return .init(name: name, value: isPresent ? .present : .absent)
  }

  // MARK: Checks

  private mutating func checks(_ fields: FileFields) throws(FileProblem) -> HTTPChecks {
    var checks = HTTPChecks()
    checks.allow = try fields.prefixes("allow")
    checks.deny = try fields.prefixes("deny")
    checks.bodyLimit = try fields.bytes("bodyLimit")
    if let section = try fields.section("basicAuthentication") {
      note(section, beside: ["realm", "users"])
      checks.authentication = BasicAuthentication(
        realm: try section.text("realm") ?? "restricted", users: try section.texts("users"))
    }
    if let section = try fields.section("rateLimit") {
      note(section, beside: ["requests", "per", "burst", "key", "header"])
      guard let requests = try section.number("requests") else {
        throw section.problem("requests", found: "nothing", expected: "a number")
      }
      checks.rateLimit = RateLimit(
        requests: requests, period: try section.duration("per") ?? .seconds(1),
        burst: try section.number("burst"), key: try rateKey(section))
    }
    return checks
  }

  private func rateKey(_ fields: FileFields) throws(FileProblem) -> RateLimit.Key {
    switch try fields.text("key") ?? "client" {
    case "client": return .client
    case "route": return .route
    case "header": return .header(try fields.needed("header"))
    case let other:
      throw fields.problem("key", found: "\"\(other)\"", expected: "client, header or route")
    }
  }

  // MARK: Edits

  private mutating func rewrite(_ fields: FileFields) throws(FileProblem) -> HTTPRewrite {
    note(fields, beside: ["host", "path", "prefix"])
    return HTTPRewrite(path: try pathModifier(fields), host: try fields.template("host"))
  }

  private mutating func redirect(_ fields: FileFields) throws(FileProblem) -> HTTPRedirect {
    note(fields, beside: ["status", "scheme", "host", "port", "path", "prefix"])
    var redirect = HTTPRedirect(status: try fields.number("status") ?? 302)
    redirect.scheme = try fields.text("scheme")
    redirect.host = try fields.template("host")
    if fields.names.contains("port") { redirect.port = try fields.port("port") }
    redirect.path = try pathModifier(fields)
    return redirect
  }

  /// `path`, a template for all of it, or `prefix`, for the part that was matched.
  private func pathModifier(_ fields: FileFields) throws(FileProblem) -> PathModifier? {
    let whole = try fields.template("path")
    guard let prefix = try fields.text("prefix") else { return whole.map { .whole($0) } }
    guard whole == nil else {
      throw fields.problem("prefix", found: "path and prefix", expected: "one of path and prefix")
    }
    return .prefix(prefix)
  }

  private mutating func fieldEdits(_ fields: FileFields) throws(FileProblem) -> FieldEdits {
    note(fields, beside: ["set", "add", "remove"])
    var edits = FieldEdits()
    edits.remove = try fields.list("remove")
    if let section = try fields.section("set") { edits.set = try values(section) }
    if let section = try fields.section("add") { edits.add = try values(section) }
    return edits
  }

  private func values(_ fields: FileFields) throws(FileProblem) -> [FieldEdits.Field] {
    try fields.names.map { name throws(FileProblem) in
      FieldEdits.Field(name, try fields.template(name) ?? Template())
    }
  }

  private mutating func crossOrigin(_ fields: FileFields) throws(FileProblem) -> CrossOrigin {
    note(
      fields,
      beside: ["origins", "methods", "headers", "exposedHeaders", "credentials", "maxAge"])
    var cors = CrossOrigin(origins: try fields.list("origins"))
    if fields.names.contains("methods") { cors.methods = try fields.list("methods") }
    cors.headers = try fields.list("headers")
    cors.exposed = try fields.list("exposedHeaders")
    cors.credentials = try fields.flag("credentials") ?? false
    cors.maxAge = try fields.duration("maxAge")
    return cors
  }
}

extension FileFields {
  func template(_ name: String) throws(FileProblem) -> Template? {
    guard let text = try text(name) else { return nil }
    do throws(Template.Failure) {
      return try Template(text)
    } catch {
      throw problem(name, found: "\"\(error.found)\"", expected: Template.expected)
    }
  }

  func prefixes(_ name: String) throws(FileProblem) -> [IPPrefix] {
    try list(name).map { text throws(FileProblem) in
      let prefix = IPPrefix(text) ?? IPAddress(text).map { IPPrefix($0, length: $0.bitWidth) }
      guard let prefix else {
        throw problem(
          name, found: "\"\(text)\"",
          expected: "addresses, or prefixes without host bits, as 10.53.0.0/16")
      }
      return prefix
    }
  }

  func flag(_ name: String) throws(FileProblem) -> Bool? {
    guard let text = try text(name) else { return nil }
    switch text {
    case "true": return true
    case "false": return false
    default: throw problem(name, found: "\"\(text)\"", expected: "true or false")
    }
  }

  /// `4096`, `64KiB`, `1MiB` or `2GiB`.
  func bytes(_ name: String) throws(FileProblem) -> UInt64? {
    guard let text = try text(name) else { return nil }
    let digits = text.prefix { ("0"..."9").contains($0) }
    let units: [String: UInt64] = ["": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30]
    guard let count = UInt64(digits), let unit = units[String(text.dropFirst(digits.count))],
      case let (bytes, overflow) = count.multipliedReportingOverflow(by: unit), !overflow
    else {
      throw problem(
        name, found: "\"\(text)\"", expected: "bytes, or a number with KiB, MiB or GiB, as 1MiB")
    }
    return bytes
  }

  /// A mapping of names to texts.
  func texts(_ name: String) throws(FileProblem) -> [String: String] {
    guard let section = try section(name) else { return [:] }
    var found: [String: String] = [:]
    for key in section.names { found[key] = try section.text(key) ?? "" }
    return found
  }
}
