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
  }

  /// The question's type; zero for any that has no answer of its own.
  var type: UInt16
  var responseCode: UInt8 = 0
  var traits: Traits
  /// In `bodies`.
  var start: UInt32 = 0
  var length: UInt32 = 0
  /// Without the additional section.
  var lengthWithoutAdditional: UInt32 = 0
  var answers: UInt16 = 0
  var authority: UInt16 = 0
  var additional: UInt16 = 0
  /// Offsets of pointers in the body that count from the end of the question's name.
  var relocationCount: UInt16 = 0
  var relocations: UInt32 = 0
  /// Of a chain: octets of its CNAME records, how many, and where the last one's target lies.
  var chainLength: UInt32 = 0
  var chainCount: UInt16 = 0
  var chainTarget: UInt16 = 0
}

/// What a name has.
struct CompiledNode: Sendable {
  enum Kind: UInt8, Sendable {
    case data, delegation
    /// Names below are renamed. RFC 6672.
    case dname
  }

  var kind = Kind.data
  /// In `answers`; a delegation's first one is the referral.
  var firstAnswer: UInt32 = 0
  var answerCount: UInt16 = 0
  /// The node whose answers names below get that have none of their own; 0: none. RFC 4592.
  var wildcard: UInt32 = 0
  var zone: UInt32 = 0
  /// Of a zone's origin: the delegation to it in another zone of ours; 0: none.
  var parent: UInt32 = 0
}
