/// A zone's records. RFC 1034 §4.2.
package struct Zone: Hashable, Sendable {
  package var origin: DomainName
  package var records: [ResourceRecord]

  package init(origin: DomainName, records: [ResourceRecord] = []) {
    self.origin = origin
    self.records = records
  }

  package var startOfAuthority: StartOfAuthority? {
    records.first { $0.type == .soa && $0.name == origin }.flatMap { StartOfAuthority($0.data) }
  }
}

extension Zone {
  /// What keeps the zone, or some of its records, from being served.
  ///
  /// 1. One SOA record at the origin. RFC 1035 §5.2.
  /// 2. Records are of class IN, within the zone, well formed, and of types that zones may hold.
  /// 3. Nothing stands beside a CNAME but what DNSSEC needs. RFC 1034 §3.6.2, RFC 4034 §3.
  /// 4. One CNAME, one DNAME of a name. RFC 2181 §10.1, RFC 6672 §2.4.
  package func validate() -> [ZoneProblem] {
    var problems: [ZoneProblem] = []
    let starts = records.filter { $0.type == .soa && $0.name == origin }
    if Set(starts.map(\.data)).count != 1 {
      problems.append(
        ZoneProblem(
          name: origin, found: "\(starts.count) SOA records", expected: "one at the zone's origin",
          refusesZone: true))
    }
    var types: [DomainName: Set<RecordType>] = [:]
    var single: [DomainName: [RecordType: RecordData]] = [:]
    for record in records {
      types[record.name, default: []].insert(record.type)
      if let problem = problem(of: record) {
        problems.append(problem)
      } else if record.type == .cname || record.type == .dname {
        let known = single[record.name, default: [:]].updateValue(record.data, forKey: record.type)
        if let known, known != record.data {
          problems.append(
            ZoneProblem(
              name: record.name, found: "a second \(record.type) record", expected: "one of a name")
          )
        }
      }
    }
    for (name, types) in types where types.contains(.cname) {
      let others = types.subtracting([.cname, .rrsig, .nsec, .key, .sig])
      if !others.isEmpty {
        let list = others.sorted().map(\.description).joined(separator: ", ")
        problems.append(
          ZoneProblem(name: name, found: "CNAME beside \(list)", expected: "nothing beside a CNAME")
        )
      }
    }
    return problems
  }

  private func problem(of record: ResourceRecord) -> ZoneProblem? {
    let (found, expected): (String, String)
    if record.recordClass != .internet {
      (found, expected) = ("class \(record.recordClass)", "class IN")
    } else if !record.name.isSubdomain(of: origin) {
      (found, expected) = ("a record outside of the zone", "names within \(origin)")
    } else if record.type.isMeta {
      (found, expected) = ("a \(record.type) record", "a type that zones may hold")
    } else if record.type == .soa && record.name != origin {
      (found, expected) = ("an SOA record", "that at the zone's origin alone")
    } else if !record.data.isWellFormed(as: record.type) {
      (found, expected) = ("malformed data", "data of \(record.type)")
    } else if record.ttl > ResourceRecord.maximumTTL {
      (found, expected) = ("TTL \(record.ttl)", "at most \(ResourceRecord.maximumTTL)")
    } else {
      return nil
    }
    return ZoneProblem(name: record.name, found: found, expected: expected)
  }
}
