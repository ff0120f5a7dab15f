import DNS
import NetTypes

/// Answers by the letter of RFC 1034 §4.3.2 and RFC 4592, record by record, sharing nothing with the
/// compiler that it judges.
struct ZoneOracle {
  let zone: Zone

  init(zone: Zone) {
    // A record that is given twice is one. RFC 2181 §5.
    var seen: Set<ResourceRecord> = []
    self.zone = Zone(
      origin: zone.origin, records: zone.records.filter { seen.insert($0).inserted })
  }

  struct Answer {
    var code = ResponseCode.noError
    var isAuthoritative = true
    var answers: [ResourceRecord] = []
    var authority: [ResourceRecord] = []
    /// It met a DNAME, or a name twice: how far such a chain is followed is the server's to choose.
    var isOpen = false
  }

  private func records(_ name: DomainName, _ type: RecordType? = nil) -> [ResourceRecord] {
    zone.records.filter { $0.name == name && (type == nil || $0.type == type) }
  }

  private func exists(_ name: DomainName) -> Bool {
    zone.records.contains { $0.name.isSubdomain(of: name) }
  }

  /// Names from the origin down to `name`.
  private func path(_ name: DomainName) -> [DomainName] {
    (zone.origin.labelCount...name.labelCount).map { name.suffix($0) }
  }

  func ask(_ name: DomainName, _ type: RecordType) -> Answer {
    var answer = Answer()
    var current = name
    var seen: Set<DomainName> = []
    while current.isSubdomain(of: zone.origin) {
      guard seen.insert(current).inserted, seen.count < 8 else {
        answer.isOpen = true
        return answer
      }
      let above = path(current)
      let cut = above.dropFirst().first { !records($0, .ns).isEmpty }
      let renamed = above.dropLast().first { !records($0, .dname).isEmpty }
      if let cut, renamed.map({ cut.labelCount <= $0.labelCount }) ?? true {
        return refer(answer, cut, current, type)
      }
      if let renamed, let record = records(renamed, .dname).first,
        let target = record.data.target(of: .dname)
      {
        answer.isOpen = true
        let kept = DomainName(labels: current.labels.dropLast(renamed.labelCount)) ?? .root
        guard let next = target.prepending(kept) else { return answer }
        answer.answers.append(record)
        answer.answers.append(ResourceRecord(current, .cname, ttl: record.ttl, .cname(next)))
        current = next
        continue
      }
      guard let found = find(current) else {
        answer.code = .nameError
        answer.authority = negative
        return answer
      }
      let own = found.filter { $0.type == type }
      let alias = found.first { $0.type == .cname }
      let owned = { (record: ResourceRecord) in
        ResourceRecord(current, record.type, ttl: record.ttl, record.data)
      }
      if !own.isEmpty {
        answer.answers += own.map(owned)
        return answer
      }
      guard let alias, let target = alias.data.target(of: .cname) else {
        answer.authority = negative
        return answer
      }
      answer.answers.append(owned(alias))
      current = target
    }
    return answer
  }

  /// Of the name itself or its wildcard; nil where neither exists.
  private func find(_ name: DomainName) -> [ResourceRecord]? {
    if exists(name) { return records(name) }
    guard let encloser = path(name).last(where: exists), let wildcard = encloser.prepending("*"),
      exists(wildcard)
    else { return nil }
    return records(wildcard)
  }

  private func refer(
    _ answer: Answer, _ cut: DomainName, _ name: DomainName, _ type: RecordType
  ) -> Answer {
    var answer = answer
    guard answer.answers.isEmpty else { return answer }
    if name == cut, type == .ds {
      answer.answers = records(cut, .ds)
      if answer.answers.isEmpty { answer.authority = negative }
    } else {
      answer.isAuthoritative = false
      answer.authority = records(cut, .ns)
    }
    return answer
  }

  private var negative: [ResourceRecord] {
    records(zone.origin, .soa).map { record in
      let minimum = StartOfAuthority(record.data)?.minimum ?? 0
      return ResourceRecord(record.name, .soa, ttl: min(record.ttl, minimum), record.data)
    }
  }
}
