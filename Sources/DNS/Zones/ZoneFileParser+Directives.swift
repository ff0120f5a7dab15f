extension ZoneFileParser {
  mutating func parseDirective(
    _ directive: ZoneToken, _ tokens: ArraySlice<ZoneToken>, _ file: String?
  ) throws(ZoneSyntaxError) {
    let argument = tokens.first
    switch directive.text.uppercased() {
    case "$ORIGIN":
      guard let argument else { throw directive.error("a domain name behind it") }
      origin = try name(argument)
    case "$TTL":
      guard let argument, let time = TimeToLive(text: argument.text) else {
        throw (argument ?? directive).error("a number of seconds, or as 1h30m")
      }
      defaultTTL = time.seconds
    case "$INCLUDE":
      guard let argument else { throw directive.error("a file behind it") }
      try parseInclude(argument, tokens.dropFirst().first)
    case "$GENERATE":
      try generate(directive, tokens, file)
    default:
      throw directive.error("$ORIGIN, $TTL, $INCLUDE or $GENERATE")
    }
  }

  /// The file has an origin of its own if one is given; origin and owner come back behind it. RFC 1035
  /// §5.1.
  private mutating func parseInclude(
    _ path: ZoneToken, _ relative: ZoneToken?
  ) throws(ZoneSyntaxError) {
    guard depth < ZoneFile.maximumIncludeDepth else {
      throw path.error("at most \(ZoneFile.maximumIncludeDepth) includes within each other")
    }
    let before = (origin, owner)
    if let relative { origin = try name(relative) }
    guard let octets = include(path.text) else {
      origin = before.0
      throw path.error("a file that can be read")
    }
    depth += 1
    parse(octets, file: path.text)
    depth -= 1
    (origin, owner) = before
  }

  private mutating func generate(
    _ directive: ZoneToken, _ tokens: ArraySlice<ZoneToken>, _ file: String?
  ) throws(ZoneSyntaxError) {
    guard let range = tokens.first, let owner = tokens.dropFirst().first, tokens.count >= 4 else {
      throw directive.error("a range, an owner, a type and data behind it")
    }
    guard let numbers = GeneratedNumbers(range.text) else {
      throw range.error("a range as 1-127 or 0-255/2, of at most \(ZoneFile.maximumGenerated)")
    }
    let before = self.owner
    defer { self.owner = before }
    for number in numbers.values {
      var made: [ZoneToken] = []
      for token in tokens.dropFirst() {
        guard let octets = GeneratedNumbers.expand(token.octets, number) else {
          throw token.error("$, or ${offset,width,base} with a base of d, o, x, X, n or N")
        }
        var token = token
        token.octets = octets[...]
        made.append(token)
      }
      self.owner = try name(made[0])
      try parseRecord(made[1...], owner, file)
    }
  }
}
