import Wire

/// Where an answer's sections lie, ready to be copied behind a question.
struct CompiledAnswer: Sendable {
  struct Traits: OptionSet, Sendable {
    var rawValue: UInt8
    static let authoritative = Self(rawValue: 1)
    /// Its answers' owners are the question's name, and no name in them is compressed: they can stand
    /// behind another's CNAME.
    static let plain = Self(rawValue: 2)
    /// It begins with CNAME records.
    static let chain = Self(rawValue: 4)
    /// The chain's end is in no name of the zone.
    static let leavesZone = Self(rawValue: 8)
    static let referral = Self(rawValue: 16)
    /// A DNAME, of which a CNAME is made.
    static let renaming = Self(rawValue: 32)
  }

  /// The question's type; zero for any that has no answer of its own.
  var type: UInt16
  var traits: Traits
  var responseCode: UInt8 = 0
  var answers: UInt16 = 0
  var authority: UInt16 = 0
  var additional: UInt16 = 0
  /// Offsets of pointers in the body that count from the end of the question's name; they lie behind it.
  var relocationCount: UInt16 = 0
  /// Where the body begins.
  var start = 0
  var length = 0
  /// Without the additional section.
  var lengthWithoutAdditional = 0
  /// Of a chain or a renaming; it lies before the body.
  var chain = Chain()

  struct Chain: Sendable {
    /// Octets of the CNAME records, and how many.
    var length: UInt32 = 0
    var count: UInt16 = 0
    /// Where the last one's target lies in the body, or the DNAME's.
    var target: UInt16 = 0

    static let size = 8
  }

  /// Octets in a catalogue, without the chain, the body and what follows it.
  static let size = 24
}

extension CompiledAnswer {
  /// Without its chain, which few want.
  @inline(__always)
  init(_ bytes: Span<UInt8>, at place: Int) {
    let (first, second) = (bytes.uint64(at: place), bytes.uint64(at: place &+ 8))
    type = UInt16(truncatingIfNeeded: first >> 48)
    traits = Traits(rawValue: UInt8(truncatingIfNeeded: first >> 40))
    responseCode = UInt8(truncatingIfNeeded: first >> 32)
    answers = UInt16(truncatingIfNeeded: first >> 16)
    authority = UInt16(truncatingIfNeeded: first)
    additional = UInt16(truncatingIfNeeded: second >> 48)
    relocationCount = UInt16(truncatingIfNeeded: second >> 32)
    start = Int(second & 0xffff_ffff)
    length = Int(bytes.uint32(at: place &+ 16))
    lengthWithoutAdditional = Int(bytes.uint32(at: place &+ 20))
  }

  func encode(into writer: inout ByteWriter) {
    writer.write(type)
    writer.write(traits.rawValue)
    writer.write(responseCode)
    for value in [answers, authority, additional, relocationCount] { writer.write(value) }
    for value in [start, length, lengthWithoutAdditional] { writer.write(UInt32(value)) }
  }
}

extension CompiledAnswer.Chain {
  /// That of the answer whose body begins at `start`.
  init(_ bytes: Span<UInt8>, before start: Int) {
    length = bytes.uint32(at: start - Self.size)
    count = bytes.uint16(at: start - 4)
    target = bytes.uint16(at: start - 2)
  }

  func encode(into writer: inout ByteWriter) {
    writer.write(length)
    writer.write(count)
    writer.write(target)
  }
}

/// What a name has. Its answers follow it, then their bodies.
struct CompiledNode: Sendable {
  enum Kind: UInt8, Sendable {
    case data, delegation
    /// Names below are renamed. RFC 6672.
    case dname
  }

  var kind: Kind
  /// A delegation's first answer is the referral, the last one of a DNAME's owner the renaming.
  var answerCount: UInt16
  /// Of the zone's node, whose one answer is the negative one.
  var zone: UInt32
  /// Of the node whose answers names below get that have none of their own; 0: none. RFC 4592.
  var wildcard: UInt32
  /// Where the first answer lies.
  var firstAnswer: Int

  static let size = 12

  @inline(__always)
  init(_ bytes: Span<UInt8>, at place: Int) {
    let head = bytes.uint64(at: place)
    kind = Kind(rawValue: UInt8(truncatingIfNeeded: head >> 56)) ?? .data
    answerCount = UInt16(truncatingIfNeeded: head >> 32)
    zone = UInt32(truncatingIfNeeded: head)
    wildcard = bytes.uint32(at: place &+ 8)
    firstAnswer = place &+ Self.size
  }
}
