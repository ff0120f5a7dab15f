/// The types that a name has, of NSEC, NSEC3 and CSYNC. RFC 4034 §4.1.2.
struct TypeBitmap: Hashable, Sendable {
  var types: [RecordType]

  init(_ types: some Sequence<RecordType>) { self.types = Set(types).sorted() }

  /// Nil where windows are out of order, or a length is not of 1 to 32.
  init?(decoding bytes: ArraySlice<UInt8>) {
    types = []
    var last = -1
    var rest = bytes
    while let window = rest.popFirst() {
      guard Int(window) > last, let length = rest.popFirst(), (1...32).contains(length),
        rest.count >= length
      else { return nil }
      last = Int(window)
      for (index, octet) in rest.prefix(Int(length)).enumerated() {
        for bit in 0..<8 where octet & (0x80 >> UInt8(bit)) != 0 {
          types.append(RecordType(rawValue: UInt16(window) << 8 | UInt16(index * 8 + bit)))
        }
      }
      rest = rest.dropFirst(Int(length))
    }
  }

  var encoded: [UInt8] {
    var bytes: [UInt8] = []
    for window in Set(types.map { $0.rawValue >> 8 }).sorted() {
      var map = [UInt8](repeating: 0, count: 32)
      for type in types where type.rawValue >> 8 == window {
        let low = Int(type.rawValue & 0xff)
        map[low / 8] |= 0x80 >> UInt8(low % 8)
      }
      while map.last == 0 { map.removeLast() }
      bytes += [UInt8(window), UInt8(map.count)] + map
    }
    return bytes
  }
}
