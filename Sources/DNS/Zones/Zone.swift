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

  /// The zone without the records that cannot be in it, and why they cannot; a problem that refuses the
  /// zone where it lacks its SOA.
  package func validated() -> (zone: Zone, problems: [ZoneProblem]) {
    var assembler = ZoneAssembler(origin: origin)
    var problems = records.compactMap { assembler.add($0) }
    if let lack = assembler.lack { problems.append(lack) }
    return (assembler.zone, problems)
  }

  package func validate() -> [ZoneProblem] { validated().problems }
}

extension Zone {
  /// As a zone file: the SOA first, then by names in canonical order.
  package var text: String {
    let sorted = records.enumerated().sorted { one, other in
      let (a, b) = (one.element, other.element)
      if (a.type == .soa) != (b.type == .soa) { return a.type == .soa }
      if a.name != b.name { return a.name < b.name }
      return (a.type, one.offset) < (b.type, other.offset)
    }
    return sorted.reduce(into: "$ORIGIN \(origin)\n") { $0 += "\($1.element)\n" }
  }
}
