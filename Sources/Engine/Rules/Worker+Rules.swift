import Delivery
import Glibc
import HTTP

enum RuleOutcome {
  /// No rule decides.
  case undecided
  case pool(WorkerPool)
  /// The engine itself has answered.
  case answered
  /// The head is to be read once more.
  case parked
}

/// Rules held against the request that `requestParser` holds.
extension Worker {
  /// Normalises the path and reads the rules: 400 for a path that has no normal form.
  func applyRules(
    _ index: UInt32, _ server: WorkerServer, _ bytes: UnsafeRawBufferPointer
  ) -> RuleOutcome {
    guard preparePath(bytes) else {
      respond(index, 400, .unsafePath)
      return .answered
    }
    let host = requestParser.host.bytes(of: bytes)
    for candidate in server.rules.candidates(for: host) {
      let rule = server.rules.rules[candidate]
      guard matches(rule, index, bytes) else { continue }
      at(index).pointee.timing.rule = server.rule(candidate)
      let outcome = apply(rule, server.rulePools[candidate], index, server, bytes)
      if case .undecided = outcome { continue }
      return outcome
    }
    at(index).pointee.timing.rule = .max
    return keepResponseEdits(index) ? .undecided : .answered
  }

  /// Puts the path in normal form, and into `rules.target` if that differs from what came.
  private func preparePath(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let target = requestParser.pathAndQuery.bytes(of: bytes)
    let end = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
    let path = UnsafeRawBufferPointer(rebasing: target[..<end])
    // `*`, and an absolute target without a path.
    guard path.first == UInt8(ascii: "/") else {
      rules.path = UnsafeRawBufferPointer(start: Worker.root.utf8Start, count: 1)
      return true
    }
    guard PathNormalizer.needsWork(path) else {
      rules.path = path
      return true
    }
    let space = rules.pathSpace
    guard let length = PathNormalizer.normalize(path, into: space) else { return false }
    rules.path = UnsafeRawBufferPointer(rebasing: space[..<length])
    rules.target.append(rules.path)
    rules.target.append(UnsafeRawBufferPointer(rebasing: target[end...]))
    return true
  }

  private static let root: StaticString = "/"

  // MARK: What a rule does

  private func apply(
    _ rule: CompiledRule, _ targets: [WorkerPool?], _ index: UInt32, _ server: WorkerServer,
    _ bytes: UnsafeRawBufferPointer
  ) -> RuleOutcome {
    if let cors = rule.cors, applyCrossOrigin(cors, index, bytes) { return .answered }
    switch check(rule, index, bytes) {
    case .passed: break
    case .waits: return .parked
    case .refused(let status, let reason):
      if keepResponseEdits(index) { respond(index, status, reason) }
      return .answered
    }
    edit(rule, index, server, bytes)
    if rules.request.overflowed || rules.response.overflowed || rules.host.overflowed
      || rules.target.overflowed
    {
      respond(index, 500, .editsTooLarge)
      return .answered
    }
    if !isSafe(rules.target.written) || !isSafe(rules.host.written) {
      respond(index, 400, .unsafePath)
      return .answered
    }
    switch rule.rule.decision {
    case .next: return .undecided
    case .pool: return send(index, targets[0])
    case .split(let shares):
      var ticket = Int(rules.random.next() % UInt64(max(1, rule.weights)))
      for (position, share) in shares.enumerated() {
        if ticket < share.weight { return send(index, targets[position]) }
        ticket -= share.weight
      }
      return .undecided
    case .redirect(let redirect):
      guard keepResponseEdits(index) else { return .answered }
      self.redirect(index, server, redirect, rule, bytes)
      return .answered
    case .respond(let response):
      guard keepResponseEdits(index) else { return .answered }
      respond(index, response, bytes)
      return .answered
    }
  }

  private func send(_ index: UInt32, _ pool: WorkerPool?) -> RuleOutcome {
    guard keepResponseEdits(index) else { return .answered }
    guard let pool else {
      respond(index, 404, .noRoute)
      return .answered
    }
    return .pool(pool)
  }

  /// Hands what the response is to be changed by to the connection. False: it is closed.
  func keepResponseEdits(_ index: UInt32) -> Bool {
    at(index).pointee.bodyLimit = rules.bodyLimit
    guard !rules.response.isEmpty else { return true }
    buffers.release(&at(index).pointee.edits)
    guard let copy = rules.response.copy(&buffers) else {
      closeClient(index)
      return false
    }
    at(index).pointee.edits = copy
    return true
  }

  // MARK: Edits

  private func edit(
    _ rule: CompiledRule, _ index: UInt32, _ server: WorkerServer, _ bytes: UnsafeRawBufferPointer
  ) {
    let edits = rule.rule.edits
    if !edits.request.isEmpty { fill(edits.request, index, bytes, \.request) }
    if !edits.response.isEmpty { fill(edits.response, index, bytes, \.response) }
    guard let rewrite = edits.rewrite else { return }
    if let host = rewrite.host {
      var writer = HeadWriter(rules.host.target)
      write(host, index, bytes, &writer)
      rules.host = writer
    }
    guard let path = rewrite.path else { return }
    // Through the head's scratch: what is written may refer to what is replaced.
    var writer = HeadWriter(headScratch)
    let query = self.query(bytes)
    switch path {
    case .whole(let template):
      write(template, index, bytes, &writer)
      if !query.isEmpty, !writer.written.contains(UInt8(ascii: "?")) { writer.append(query) }
    case .prefix(let replacement):
      writePath(replacement, in: rule, &writer)
      writer.append(query)
    }
    rules.clearTarget()
    rules.target.append(writer.written)
    let written = rules.target.written
    let end = written.firstIndex(of: UInt8(ascii: "?")) ?? written.count
    rules.path = UnsafeRawBufferPointer(rebasing: written[..<end])
  }

  /// The path with `replacement` in the place of the prefix that `rule` matches by.
  func writePath(_ replacement: String, in rule: CompiledRule, _ writer: inout HeadWriter) {
    guard case .prefix(let prefix) = rule.path else { return }
    let rest = UnsafeRawBufferPointer(rebasing: rules.path[min(prefix.count, rules.path.count)...])
    var count = replacement.utf8.count
    // One slash between the two.
    if rest.first == UInt8(ascii: "/"), replacement.utf8.last == UInt8(ascii: "/") { count -= 1 }
    for byte in replacement.utf8.prefix(count) { writer.append(byte: byte) }
    writer.append(rest)
  }

  /// With its question mark; empty without one.
  private func query(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let target =
      rules.target.count > 0 ? rules.target.written : requestParser.pathAndQuery.bytes(of: bytes)
    guard let start = target.firstIndex(of: UInt8(ascii: "?")) else {
      return UnsafeRawBufferPointer(rebasing: target[..<0])
    }
    return UnsafeRawBufferPointer(rebasing: target[start...])
  }

  private func fill(
    _ edits: FieldEdits, _ index: UInt32, _ bytes: UnsafeRawBufferPointer,
    _ block: WritableKeyPath<RuleScratch, FieldBlock>
  ) {
    for name in edits.remove { rules[keyPath: block].remove(name) }
    for field in edits.set { rules[keyPath: block].remove(field.name) }
    for fields in [edits.set, edits.add] {
      for field in fields {
        // Through scratch: a value may need what the rules' own state holds.
        var writer = HeadWriter(headScratch)
        write(field.value, index, bytes, &writer)
        let value = writer.written
        rules[keyPath: block].add(field.name) { $0.append(value) }
      }
    }
  }

  /// No byte that would end a request line's part, or the line.
  private func isSafe(_ target: UnsafeRawBufferPointer) -> Bool {
    for byte in target where byte <= 0x20 || byte >= 0x7f || byte == UInt8(ascii: "#") {
      return false
    }
    return true
  }

  // MARK: Templates

  func write(
    _ template: Template, _ index: UInt32, _ bytes: UnsafeRawBufferPointer,
    _ writer: inout HeadWriter
  ) {
    for part in template.parts {
      switch part {
      case .text(let text): writer.append(text)
      case .variable(let variable): write(variable, index, bytes, &writer)
      }
    }
  }

  private func write(
    _ variable: Template.Variable, _ index: UInt32, _ bytes: UnsafeRawBufferPointer,
    _ writer: inout HeadWriter
  ) {
    switch variable {
    case .clientAddress: writer.append(addressOf: at(index).pointee)
    case .clientPort: writer.append(decimal: Int(at(index).pointee.port))
    case .scheme: writer.append(scheme(of: index))
    case .host: writer.append(HostIndex.name(of: requestParser.host.bytes(of: bytes)))
    case .method: writer.append(requestParser.methodName.bytes(of: bytes))
    case .path: writer.append(rules.path)
    case .query: writer.append(UnsafeRawBufferPointer(rebasing: query(bytes).dropFirst()))
    case .requestID: writer.append(rules.requestID())
    case .header(let name):
      if let value = requestParser.value(ofField: name, in: bytes) { writer.append(value) }
    case .cookie(let name):
      if let value = requestParser.value(ofCookie: name, in: bytes) { writer.append(value) }
    case .group(let group): writer.append(rules.matcher.group(group, of: rules.path))
    }
  }

  /// What the client speaks to this edge.
  func scheme(of index: UInt32) -> StaticString {
    at(index).pointee.has(.secure) ? "https" : "http"
  }
}
