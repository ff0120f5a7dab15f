/// Values by name: of fields that are not among the known ones, and of cookies.
extension HeadParser {
  /// The first field's value of that name, in any case.
  package func value(
    ofField name: String, in buffer: UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer? {
    for index in 0..<fieldCount where equalsIgnoringCase(fields[index].name.bytes(of: buffer), name)
    {
      return fields[index].value.bytes(of: buffer)
    }
    return nil
  }

  /// The first cookie's value of that name. RFC 6265 §4.2.1: names are told apart by case.
  package func value(
    ofCookie name: String, in buffer: UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer? {
    let wanted = name.utf8
    for index in 0..<fieldCount
    where equalsIgnoringCase(fields[index].name.bytes(of: buffer), "cookie" as String) {
      let line = fields[index].value.bytes(of: buffer)
      var start = 0
      while start < line.count {
        var end = start
        while end < line.count, line[end] != UInt8(ascii: ";") { end &+= 1 }
        var cursor = start
        while cursor < end, line[cursor] == 0x20 || line[cursor] == 0x09 { cursor &+= 1 }
        let pair = UnsafeRawBufferPointer(rebasing: line[cursor..<end])
        if pair.count > wanted.count, pair[wanted.count] == UInt8(ascii: "="),
          pair[..<wanted.count].elementsEqual(wanted)
        {
          return UnsafeRawBufferPointer(rebasing: pair[(wanted.count &+ 1)...])
        }
        start = end &+ 1
      }
    }
    return nil
  }
}

/// Without an allocation, whatever the name's length.
package func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ name: String) -> Bool {
  guard bytes.count == name.utf8.count else { return false }
  var index = 0
  for byte in name.utf8 {
    if lowercased(bytes[index]) != lowercased(byte) { return false }
    index &+= 1
  }
  return true
}

private func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
