/// Base 32 with the extended hexadecimal alphabet, without padding. RFC 4648 §7, RFC 5155 §1.3.
enum Base32 {
  private static let alphabet = Array("0123456789abcdefghijklmnopqrstuv".utf8)

  static func encode(_ octets: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    var (bits, count) = (UInt32(0), 0)
    for octet in octets {
      bits = bits << 8 | UInt32(octet)
      count += 8
      while count >= 5 {
        count -= 5
        text.append(alphabet[Int(bits >> UInt32(count) & 31)])
      }
    }
    if count > 0 { text.append(alphabet[Int(bits << UInt32(5 - count) & 31)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// Nil for what `encode` does not write, but for its case.
  static func decode(_ text: some StringProtocol) -> [UInt8]? {
    var octets: [UInt8] = []
    var (bits, count) = (UInt32(0), 0)
    for letter in text.utf8 {
      guard let digit = alphabet.firstIndex(of: letter.lowercased) else { return nil }
      bits = bits << 5 | UInt32(digit)
      count += 5
      if count >= 8 {
        count -= 8
        octets.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    guard count < 5, bits & (1 << UInt32(count) - 1) == 0 else { return nil }
    return octets
  }
}
