import Wire

// An answer's body stands behind a question that is copied from the query. Names in it point to the
// question's name, or to each other:
//
//   12            q            q+4
//   | name ... 0 | type class | body
//
// Where the question's name is known, pointers are what they are. Where only a suffix of it is, as in
// negative answers, referrals and those of wildcards, they count from q, and are set when q is known.

/// Writes the sections of one answer.
struct AnswerEncoder {
  enum Question {
    case exactly(DomainName)
    /// Some name at or below this one.
    case atOrBelow(DomainName)

    var name: DomainName {
      switch self {
      case .exactly(let name), .atOrBelow(let name): name
      }
    }
  }

  let question: Question
  private(set) var bytes: [UInt8] = []
  /// Offsets of pointers that count from the end of the question's name.
  private(set) var relocations: [UInt16] = []
  /// Where names are; of the second kind of question from the end of its name.
  private lazy var known = questionSuffixes

  init(_ question: Question) { self.question = question }

  private var isRelative: Bool {
    if case .atOrBelow = question { true } else { false }
  }

  /// The body's first octet.
  private var base: Int {
    switch question {
    case .exactly(let name): Message.headerLength + name.wire.count + 4
    case .atOrBelow: 4
    }
  }

  /// - Parameter owner: nil for the question's name.
  /// - Returns: Where its data lies.
  @discardableResult
  mutating func write(
    _ owner: DomainName?, _ type: RecordType, ttl: UInt32, _ data: RecordData
  ) -> Int {
    if let owner {
      write(owner)
    } else {
      bytes += [0xc0, UInt8(Message.headerLength)]
    }
    for value in [type.rawValue, RecordClass.internet.rawValue] { append(value) }
    append(UInt16(ttl >> 16))
    append(UInt16(ttl & 0xffff))
    let start = bytes.count
    append(0)
    writeData(type, data)
    let length = bytes.count - start - 2
    bytes[start] = UInt8(length >> 8)
    bytes[start + 1] = UInt8(length & 0xff)
    return start + 2
  }

  /// Names of NS, SOA, PTR and MX are compressed. A CNAME's is not, so that the record can stand in a
  /// chain.
  private mutating func writeData(_ type: RecordType, _ data: RecordData) {
    switch type {
    case .ns, .ptr:
      guard let name = data.target(of: type) else { break }
      return write(name)
    case .mx:
      guard let name = data.target(of: type) else { break }
      bytes += data.bytes.prefix(2)
      return write(name)
    case .soa:
      guard let start = StartOfAuthority(data) else { break }
      write(start.primary)
      write(start.mailbox)
      bytes += data.bytes.suffix(20)
      return
    default: break
    }
    bytes += data.bytes
  }

  private mutating func append(_ value: UInt16) {
    bytes.append(UInt8(value >> 8))
    bytes.append(UInt8(value & 0xff))
  }

  private mutating func write(_ name: DomainName) {
    var index = 0
    while name.wire[index] != 0 {
      let suffix = DomainName(unchecked: Array(name.wire[index...]))
      if let position = known[suffix], !isRelative || bytes.count <= 0xffff {
        if isRelative { relocations.append(UInt16(bytes.count)) }
        let value = UInt16(truncatingIfNeeded: position)
        append(isRelative ? value : 0xc000 | value)
        return
      }
      // A pointer has 14 bits, of which the longest question takes some.
      if bytes.count < 0x3d00 { known[suffix] = base + bytes.count }
      let end = index + 1 + Int(name.wire[index])
      bytes += name.wire[index..<end]
      index = end
    }
    bytes.append(0)
  }

  private var questionSuffixes: [DomainName: Int] {
    let name = question.name
    let start = isRelative ? -name.wire.count : Message.headerLength
    var suffixes: [DomainName: Int] = [:]
    var index = 0
    while name.wire[index] != 0 {
      suffixes[DomainName(unchecked: Array(name.wire[index...]))] = start + index
      index += 1 + Int(name.wire[index])
    }
    return suffixes
  }
}
