import NetTypes
import Wire

/// Steered sets compiled for reading: names in an index, the records of each row ready to be copied.
/// Immutable; it changes far more often than the zones, and is small beside them.
package final class Steering: Sendable {
  struct Set: Sendable {
    enum WhenEmpty: Sendable {
      case noData, returnToDNS, drop
      case row(UInt32)
      case fail(UInt16)
    }

    var type: UInt16
    /// The next set is of the same owner.
    var hasNext: Bool
    var whenEmpty: WhenEmpty
    var firstTable: UInt32
    /// Of `classes`; nil where everyone gets the same table.
    var classes: ClassTree.Root?
  }

  struct Table: Sendable {
    var isByClient: Bool
    var firstRow: UInt32
    var rowCount: UInt32
  }

  /// Records in the order of an answer, their owners pointing to the question's name.
  struct Row: Sendable {
    var start: UInt32
    var length: UInt32
    var count: UInt16
  }

  /// What a thread reads, as a value; see `Catalogue.Tables`.
  struct Tables: Sendable {
    /// Owners to the first of their sets.
    var index: NameIndex
    /// Those of `*`, by the name that it is below.
    var wildcards: NameIndex
    var sets: [Set] = []
    var tables: [Table] = []
    var rows: [Row] = []
    var records: [UInt8] = []
    var classes = ClassTree()

    var isEmpty: Bool { sets.isEmpty }
  }

  let tables: Tables

  /// Of two sets with the same owner and type the first counts.
  package init(_ steered: [SteeredSet]) {
    var owners: [DomainName: [SteeredSet]] = [:]
    for set in steered where !(owners[set.owner] ?? []).contains(where: { $0.type == set.type }) {
      owners[set.owner, default: []].append(set)
    }
    var tables = Tables(index: NameIndex(minimumCapacity: owners.count), wildcards: NameIndex())
    for (owner, sets) in owners {
      let first = tables.sets.count
      for (position, set) in sets.enumerated() {
        tables.add(set, hasNext: position + 1 < sets.count)
      }
      if owner.isWildcard, let parent = owner.parent {
        tables.wildcards.insert(NameKey(parent), UInt32(first))
      } else {
        tables.index.insert(NameKey(owner), UInt32(first))
      }
    }
    self.tables = tables
  }

  package static let none = Steering([])

  package var isEmpty: Bool { tables.isEmpty }
}

extension Steering.Tables {
  /// Lays a steered set out.
  fileprivate mutating func add(_ set: SteeredSet, hasNext: Bool) {
    var known: [[UInt16]: Steering.Row] = [:]
    let firstTable = tables.count
    // Everyone's table is there, even if it has no rows.
    for table in set.tables.isEmpty ? [SteeredSet.Table(rows: [])] : set.tables {
      tables.append(
        Steering.Table(
          isByClient: table.turn == .byClient, firstRow: UInt32(rows.count),
          rowCount: UInt32(table.rows.count)))
      for order in table.rows {
        let row = known[order] ?? write(order.compactMap { set.record($0) }, set)
        known[order] = row
        rows.append(row)
      }
    }
    let whenEmpty: Steering.Set.WhenEmpty =
      switch set.whenEmpty {
      case .noData: .noData
      case .returnToDNS: .returnToDNS
      case .drop: .drop
      case .fail(let code): .fail(code)
      case .records(let data): .row(add(write(data, set)))
      }
    let own = set.classes.filter { set.tables.indices.contains($0.table) }
    sets.append(
      Steering.Set(
        type: set.type.rawValue, hasNext: hasNext, whenEmpty: whenEmpty,
        firstTable: UInt32(firstTable), classes: own.isEmpty ? nil : classes.add(own)))
  }

  private mutating func add(_ row: Steering.Row) -> UInt32 {
    rows.append(row)
    return UInt32(rows.count - 1)
  }

  private mutating func write(_ data: [RecordData], _ set: SteeredSet) -> Steering.Row {
    let start = records.count
    var encoder = PlainEncoder()
    for data in data { encoder.write(set.type, ttl: set.ttl, data) }
    records += encoder.bytes
    return Steering.Row(
      start: UInt32(start), length: UInt32(records.count - start),
      count: UInt16(clamping: data.count))
  }
}

extension SteeredSet {
  fileprivate func record(_ index: UInt16) -> RecordData? {
    records.indices.contains(Int(index)) ? records[Int(index)] : nil
  }
}

/// Records of the question's name, nothing compressed in them.
struct PlainEncoder {
  private var writer = ByteWriter()

  var bytes: [UInt8] { writer.bytes }

  mutating func write(
    _ type: RecordType, ttl: UInt32, recordClass: RecordClass = .internet, _ data: RecordData
  ) {
    writer.write(0xc000 | UInt16(Message.headerLength))
    writer.write(type.rawValue)
    writer.write(recordClass.rawValue)
    writer.write(min(ttl, ResourceRecord.maximumTTL))
    writer.writeLengthPrefixed16 { $0.write(data.bytes) }
  }
}
