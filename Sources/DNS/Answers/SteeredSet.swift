import NetTypes

/// One name's records of one type, with the orders in which they may be answered: chosen ahead, so that
/// a query only picks one. What a global server load balancer compiles its decisions to.
package struct SteeredSet: Hashable, Sendable {
  /// Orders of an answer.
  package struct Table: Hashable, Sendable {
    package enum Turn: Hashable, Sendable {
      /// The next row for each answer.
      case rotating
      /// The row that a hash of the client's prefix picks, of 24 bits or 56; the same for the same.
      case byClient
    }

    package var turn: Turn
    /// Indices into `records`, in the order of the answer.
    package var rows: [[UInt16]]

    package init(turn: Turn = .rotating, rows: [[UInt16]]) {
      self.turn = turn
      self.rows = rows
    }
  }

  /// Clients whose answers come from a table of their own.
  package struct ClientClass: Hashable, Sendable {
    package var prefix: IPPrefix
    /// Of `tables`.
    package var table: Int

    package init(_ prefix: IPPrefix, table: Int) {
      self.prefix = prefix
      self.table = table
    }
  }

  /// What is answered where the table's row is empty, or it has none.
  package enum WhenEmpty: Hashable, Sendable {
    case noData
    /// What the zone says.
    case returnToDNS
    /// Nothing at all.
    case drop
    case records([RecordData])
    /// SERVFAIL with an extended error. RFC 8914.
    case fail(ede: UInt16)
  }

  package var owner: DomainName
  package var type: RecordType
  /// Seconds.
  package var ttl: UInt32
  package var records: [RecordData]
  /// The first is everyone's who is in no class.
  package var tables: [Table]
  /// The longest prefix that holds the client decides.
  package var classes: [ClientClass]
  package var whenEmpty: WhenEmpty

  package init(
    owner: DomainName, type: RecordType, ttl: UInt32, records: [RecordData], tables: [Table],
    classes: [ClientClass] = [], whenEmpty: WhenEmpty = .noData
  ) {
    self.owner = owner
    self.type = type
    self.ttl = ttl
    self.records = records
    self.tables = tables
    self.classes = classes
    self.whenEmpty = whenEmpty
  }
}

extension SteeredSet {
  /// The same name and type, refused to everyone.
  /// - Parameter code: Of `EDNS.ExtendedErrorCode`.
  package func refused(_ code: UInt16) -> SteeredSet {
    SteeredSet(
      owner: owner, type: type, ttl: ttl, records: [], tables: [], whenEmpty: .fail(ede: code))
  }
}
