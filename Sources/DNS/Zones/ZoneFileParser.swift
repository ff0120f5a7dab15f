/// Reads zone files into one zone.
struct ZoneFileParser {
  var assembler: ZoneAssembler
  private(set) var problems: [ZoneProblem] = []
  var include: ZoneFile.Include = { _ in nil }

  /// What relative names end in.
  var origin: DomainName
  var owner: DomainName?
  /// Of `$TTL`.
  var defaultTTL: UInt32?
  /// Of the last record that had one.
  private var lastTTL: UInt32?
  var depth = 0

  init(origin: DomainName) {
    self.origin = origin
    assembler = ZoneAssembler(origin: origin)
  }

  mutating func tell(_ problem: ZoneProblem, file: String?, at token: ZoneToken? = nil) {
    var problem = problem
    problem.file = file
    problem.line = problem.line ?? token?.line
    problem.column = problem.column ?? token?.column
    problems.append(problem)
  }

  mutating func parse(_ octets: [UInt8], file: String?) {
    var lexer = ZoneLexer(octets)
    while true {
      do throws(ZoneSyntaxError) {
        guard let entry = try lexer.next() else { return }
        try parse(entry, file)
      } catch {
        tell(ZoneProblem(error, file: file), file: file)
      }
    }
  }

  private mutating func parse(
    _ entry: ZoneLexer.Entry, _ file: String?
  ) throws(ZoneSyntaxError) {
    guard let first = entry.tokens.first else { return }
    if !entry.continuesOwner, !first.isQuoted, first.octets.first == UInt8(ascii: "$") {
      return try parseDirective(first, entry.tokens.dropFirst(), file)
    }
    var tokens = entry.tokens[...]
    if entry.continuesOwner {
      if owner == nil { throw first.error("a record with an owner before") }
    } else {
      owner = nil
      owner = try name(first)
      tokens = tokens.dropFirst()
    }
    try parseRecord(tokens, first, file)
  }

  func name(_ token: ZoneToken) throws(ZoneSyntaxError) -> DomainName {
    do throws(NameError) {
      return try DomainName(parsing: token.text, origin: origin)
    } catch {
      throw token.error("a domain name, not \(error)")
    }
  }

  /// `[TTL] [class] type data`, or `[class] [TTL] type data`. RFC 1035 §5.1.
  mutating func parseRecord(
    _ tokens: ArraySlice<ZoneToken>, _ first: ZoneToken, _ file: String?
  ) throws(ZoneSyntaxError) {
    var tokens = tokens
    var ttl: UInt32?
    var recordClass: RecordClass?
    var type: RecordType?
    var last = first
    while type == nil, let token = tokens.popFirst() {
      last = token
      let text = token.text
      if token.isQuoted { throw token.error("a record type") }
      if ttl == nil, text.utf8.first?.isDigit == true {
        guard let time = TimeToLive(text: text) else { throw token.error("a TTL") }
        ttl = time.seconds
      } else if let known = RecordType(text) {
        type = known
      } else if recordClass == nil, let known = RecordClass(text) {
        recordClass = known
      } else {
        throw token.error("a TTL, a class or a record type")
      }
    }
    guard let owner, let type else {
      throw (tokens.first ?? first).error("a record type and its data behind the owner")
    }
    var parser = RecordDataParser(tokens, origin: origin, before: last)
    let data = try parser.parse(type)
    lastTTL = ttl ?? lastTTL
    // A SOA's minimum was the default before `$TTL` was. RFC 2308 §4.
    let minimum = type == .soa ? StartOfAuthority(data)?.minimum : nil
    let record = ResourceRecord(
      owner, type, ttl: ttl ?? defaultTTL ?? lastTTL ?? minimum ?? 0,
      recordClass: recordClass ?? .internet, data)
    if ttl == nil, defaultTTL == nil, lastTTL == nil { lastTTL = minimum }
    if let problem = assembler.add(record) { tell(problem, file: file, at: first) }
  }
}

extension ZoneToken {
  func error(_ expected: String) -> ZoneSyntaxError {
    ZoneSyntaxError(line: line, column: column, found: text, expected: expected)
  }
}
