/// Zones as text. RFC 1035 §5, with `$TTL` (RFC 2308 §4), unknown types (RFC 3597 §5), and BIND's
/// `$GENERATE` and times like `1h30m`.
///
/// A record that does not read, or cannot be in the zone, is left out and told; the zone is refused only
/// without its SOA.
package enum ZoneFile {
  /// Reads files that `$INCLUDE` names; nil of one that cannot be read.
  package typealias Include = (_ path: String) -> [UInt8]?

  package static func parse(
    _ octets: [UInt8], origin: DomainName, file: String? = nil, include: Include = { _ in nil }
  ) -> (zone: Zone, problems: [ZoneProblem]) {
    var parser = ZoneFileParser(origin: origin)
    withoutActuallyEscaping(include) { include in
      parser.include = include
      parser.parse(octets, file: file)
      parser.include = { _ in nil }
    }
    if let lack = parser.assembler.lack { parser.tell(lack, file: file) }
    return (parser.assembler.zone, parser.problems)
  }

  package static func parse(
    _ text: String, origin: DomainName, file: String? = nil, include: Include = { _ in nil }
  ) -> (zone: Zone, problems: [ZoneProblem]) {
    parse(Array(text.utf8), origin: origin, file: file, include: include)
  }

  /// Includes within includes; files that include each other end here.
  static let maximumIncludeDepth = 10
  /// Records that one `$GENERATE` may make.
  static let maximumGenerated = 65536
}
