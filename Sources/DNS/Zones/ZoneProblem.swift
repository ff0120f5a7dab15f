/// Why a record, or a whole zone, is not taken.
package struct ZoneProblem: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nil where the text is no file's.
  package var file: String?
  /// From 1; nil where no one place is at fault.
  package var line: Int?
  package var column: Int?
  /// The owner of the record, where that is known.
  package var name: DomainName?
  package var found: String
  package var expected: String
  /// The zone cannot be served; else the record alone is left out.
  package var refusesZone: Bool

  package init(
    file: String? = nil, line: Int? = nil, column: Int? = nil, name: DomainName? = nil,
    found: String, expected: String, refusesZone: Bool = false
  ) {
    self.file = file
    self.line = line
    self.column = column
    self.name = name
    self.found = found
    self.expected = expected
    self.refusesZone = refusesZone
  }

  init(_ error: ZoneSyntaxError, file: String?) {
    self.init(
      file: file, line: error.line, column: error.column, found: error.found,
      expected: error.expected)
  }

  /// `zones/example.com:12:7: found 10.0.0.256, expected an IPv4 address`.
  package var description: String {
    let place = [file, line.map(String.init), column.map(String.init)].compactMap(\.self)
    let head = place.isEmpty ? "" : place.joined(separator: ":") + ": "
    return head + (name.map { "\($0): " } ?? "") + "found \(found), expected \(expected)"
  }
}
