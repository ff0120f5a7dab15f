import Wire

// A name being looked up, as the hot path holds it: in small letters, with a hash for each of its
// suffixes. Hashes go label by label from the root, so that one pass has them all:
//
//     hash("www.example.com") = mix(mix(mix(seed, "com"), "example"), "www")

/// A name in small letters, ready to be found in a `NameIndex` with all its suffixes.
struct NameKey: ~Copyable, Sendable {
  /// Eight more than a name's, so that a word may be read anywhere in it.
  private var octets = [UInt8](repeating: 0, count: 264)
  /// Where each label begins, and behind the last the root's.
  private var offsets = [UInt8](repeating: 0, count: 128)
  /// Of the suffix that begins with each label.
  private var hashes = [UInt32](repeating: 0, count: 128)
  /// Octets, the root's among them.
  private(set) var length = 0
  private(set) var labelCount = 0

  init() {}

  init(_ name: DomainName) {
    let loaded = load(name.wire.span, at: 0)
    precondition(loaded)
  }

  /// The whole name.
  var wire: [UInt8] { (0..<length).map { octets[$0] } }

  /// Octets of the suffix that leaves out `labels` from the front.
  @inline(__always)
  func offset(_ labels: Int) -> Int { Int(offsets[labels]) }

  @inline(__always)
  func hash(_ labels: Int) -> UInt32 { hashes[labels] }

  /// Takes the name at `position`, without compression. False where it is none.
  @inline(__always)
  mutating func load(_ message: Span<UInt8>, at position: Int) -> Bool {
    guard let (length, labelCount) = Self.scan(message, position, &offsets) else { return false }
    self.length = length
    self.labelCount = labelCount
    Self.lowercase(message, position, length, &octets)
    Self.hashSuffixes(octets, offsets, labelCount, &hashes)
    return true
  }

  /// Octets and labels of the name, and in `offsets` where these begin.
  @inline(__always)
  private static func scan(
    _ message: Span<UInt8>, _ position: Int, _ offsets: inout [UInt8]
  ) -> (length: Int, labelCount: Int)? {
    let available = message.count - position
    var offsets = offsets.mutableSpan
    var index = 0
    var count = 0
    while true {
      guard index < available else { return nil }
      let label = message[position &+ index]
      offsets[count] = UInt8(truncatingIfNeeded: index)
      if label == 0 { return (index &+ 1, count) }
      guard label < 64, count < 127 else { return nil }
      count &+= 1
      index &+= 1 &+ Int(label)
      guard index < 255 else { return nil }
    }
  }

  @inline(__always)
  private static func lowercase(
    _ message: Span<UInt8>, _ position: Int, _ length: Int, _ octets: inout [UInt8]
  ) {
    var target = octets.mutableSpan
    var index = 0
    while index < length {
      let word: UInt64
      if position &+ index &+ 8 <= message.count {
        word = message.word(at: position &+ index)
      } else {
        word = last(message, position &+ index)
      }
      target.store(word: word.lowercasedOctets, at: index)
      index &+= 8
    }
  }

  private static func last(_ message: Span<UInt8>, _ start: Int) -> UInt64 {
    var word: UInt64 = 0
    var shift: UInt64 = 0
    for index in start..<message.count {
      word |= UInt64(message[index]) << shift
      shift += 8
    }
    return word
  }

  @inline(__always)
  private static func hashSuffixes(
    _ octets: [UInt8], _ offsets: [UInt8], _ labelCount: Int, _ hashes: inout [UInt32]
  ) {
    var hash = start
    let (octets, offsets) = (octets.span, offsets.span)
    var hashes = hashes.mutableSpan
    hashes[labelCount] = UInt32(truncatingIfNeeded: hash >> 32)
    var label = labelCount
    while label > 0 {
      label &-= 1
      hash = mix(hash, octets, Int(offsets[label]), Int(offsets[label &+ 1]))
      hashes[label] = UInt32(truncatingIfNeeded: hash >> 32)
    }
  }

  private static let start: UInt64 = 0x9e37_79b9_7f4a_7c15

  /// One label with its length.
  @inline(__always)
  private static func mix(_ hash: UInt64, _ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> UInt64
  {
    var hash = hash
    var index = start
    while index < end {
      let left = end &- index
      var word = bytes.word(at: index)
      if left < 8 { word &= ~0 >> UInt64(64 &- 8 &* left) }
      let product = (hash ^ word).multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
      hash = product.high ^ product.low
      index &+= 8
    }
    return hash
  }

  /// Whether the suffix from `offset` on is what `names` has at `start`.
  @inline(__always)
  func matches(_ names: Span<UInt8>, at start: Int, from offset: Int) -> Bool {
    let bytes = octets.span
    let count = length &- offset
    var index = 0
    while index < count {
      let difference = bytes.word(at: offset &+ index) ^ names.word(at: start &+ index)
      let left = count &- index
      let mask: UInt64 = left < 8 ? ~0 >> UInt64(64 &- 8 &* left) : ~0
      if difference & mask != 0 { return false }
      index &+= 8
    }
    return true
  }
}

extension UInt64 {
  /// Eight octets' capital letters made small ones.
  @inline(__always)
  var lowercasedOctets: UInt64 {
    let low = self & 0x7f7f_7f7f_7f7f_7f7f
    let aboveZ = low &+ 0x2525_2525_2525_2525
    let fromA = low &+ 0x3f3f_3f3f_3f3f_3f3f
    let isLetter = ~self & (fromA ^ aboveZ) & 0x8080_8080_8080_8080
    return self | isLetter >> 2
  }
}
