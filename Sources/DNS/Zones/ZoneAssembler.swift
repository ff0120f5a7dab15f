/// Puts a zone together record by record, and says of each why it cannot be in it.
///
/// 1. Records are of class IN, within the zone, well formed, and of types that zones may hold.
/// 2. One SOA record, at the origin. RFC 1035 §5.2.
/// 3. Nothing stands beside a CNAME but what DNSSEC needs. RFC 1034 §3.6.2, RFC 4034 §3.
/// 4. One CNAME, one DNAME of a name. RFC 2181 §10.1, RFC 6672 §2.4.
///
/// Of two that cannot be together the first one stays.
struct ZoneAssembler {
  private(set) var zone: Zone
  private var start: RecordData?
  private var aliases: [DomainName: RecordData] = [:]
  private var renamings: [DomainName: RecordData] = [:]
  /// Names with records that no CNAME may be beside.
  private var occupied: Set<DomainName> = []

  init(origin: DomainName) { zone = Zone(origin: origin) }

  /// Takes a record; nil where it is in the zone now.
  mutating func add(_ record: ResourceRecord) -> ZoneProblem? {
    if let (found, expected) = fault(of: record) ?? conflict(of: record) {
      return ZoneProblem(name: record.name, found: found, expected: expected)
    }
    switch record.type {
    case .soa: start = record.data
    case .cname: aliases[record.name] = record.data
    case .dname: renamings[record.name] = record.data
    default: break
    }
    if !Self.besideAliases.contains(record.type) { occupied.insert(record.name) }
    zone.records.append(record)
    return nil
  }

  /// What the zone as a whole lacks.
  var lack: ZoneProblem? {
    start == nil
      ? ZoneProblem(
        name: zone.origin, found: "no SOA record", expected: "one at the zone's origin",
        refusesZone: true) : nil
  }

  private static let besideAliases: Set<RecordType> = [.cname, .rrsig, .nsec, .key, .sig]

  private func fault(of record: ResourceRecord) -> (found: String, expected: String)? {
    if record.recordClass != .internet { return ("class \(record.recordClass)", "class IN") }
    if !record.name.isSubdomain(of: zone.origin) {
      return ("a record outside of the zone", "names within \(zone.origin)")
    }
    if record.type.isMeta { return ("a \(record.type) record", "a type that zones may hold") }
    if record.type == .soa, record.name != zone.origin {
      return ("an SOA record", "that at the zone's origin alone")
    }
    if !record.data.isWellFormed(as: record.type) {
      return ("malformed data", "data of \(record.type)")
    }
    if record.ttl > ResourceRecord.maximumTTL {
      return ("TTL \(record.ttl)", "at most \(ResourceRecord.maximumTTL)")
    }
    return nil
  }

  private func conflict(of record: ResourceRecord) -> (found: String, expected: String)? {
    let known: RecordData?
    switch record.type {
    case .soa: known = start
    case .cname:
      if occupied.contains(record.name) {
        return ("a CNAME beside other records", "nothing beside a CNAME")
      }
      known = aliases[record.name]
    case .dname: known = renamings[record.name]
    case let type:
      if aliases[record.name] != nil, !Self.besideAliases.contains(type) {
        return ("\(type) beside a CNAME", "nothing beside a CNAME")
      }
      return nil
    }
    guard let known, known != record.data else {
      if record.type == .dname, aliases[record.name] != nil {
        return ("DNAME beside a CNAME", "nothing beside a CNAME")
      }
      return nil
    }
    return ("a second \(record.type) record", "one of a name")
  }
}
