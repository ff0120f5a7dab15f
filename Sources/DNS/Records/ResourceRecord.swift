/// RFC 1035 §3.2.1.
package struct ResourceRecord: Hashable, Sendable {
  package var name: DomainName
  package var type: RecordType
  package var recordClass: RecordClass
  /// Seconds.
  package var ttl: UInt32
  package var data: RecordData

  package init(
    _ name: DomainName, _ type: RecordType, ttl: UInt32, recordClass: RecordClass = .internet,
    _ data: RecordData
  ) {
    self.name = name
    self.type = type
    self.recordClass = recordClass
    self.ttl = ttl
    self.data = data
  }

  /// The longest time to live; more on the wire counts as zero. RFC 2181 §8.
  package static let maximumTTL: UInt32 = 0x7fff_ffff
}

extension ResourceRecord: CustomStringConvertible {
  /// A zone file's line.
  package var description: String {
    "\(name)\t\(ttl)\t\(recordClass)\t\(type)\t\(data.description(as: type))"
  }
}
