import Wire

/// The parameters of SVCB and HTTPS. RFC 9460 §2.1, §7.
struct ServiceParameters: Hashable, Sendable {
  enum Key {
    static let mandatory: UInt16 = 0
    static let alpn: UInt16 = 1
    static let noDefaultALPN: UInt16 = 2
    static let port: UInt16 = 3
    static let ipv4hint: UInt16 = 4
    static let ech: UInt16 = 5
    static let ipv6hint: UInt16 = 6
    static let dohpath: UInt16 = 7
    static let ohttp: UInt16 = 8

    static let names = [
      "mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath",
      "ohttp",
    ]

    static func name(_ key: UInt16) -> String {
      Int(key) < names.count ? names[Int(key)] : "key\(key)"
    }

    static func value(_ name: String) -> UInt16? {
      if let known = names.firstIndex(of: name) { return UInt16(known) }
      guard name.hasPrefix("key") else { return nil }
      let digits = name.dropFirst(3)
      guard digits.utf8.allSatisfy(\.isDigit), digits == "0" || !digits.hasPrefix("0") else {
        return nil
      }
      return UInt16(digits)
    }
  }

  /// In the order of their keys.
  var values: [(key: UInt16, value: [UInt8])] = []

  static func == (a: Self, b: Self) -> Bool { a.encoded == b.encoded }
  func hash(into hasher: inout Hasher) { hasher.combine(encoded) }

  /// Nil where keys are out of order, or a value is not of its key's form.
  init?(decoding bytes: ArraySlice<UInt8>) {
    var reader = MessageReader(Array(bytes))
    while !reader.isAtEnd {
      guard let key = try? reader.readUInt16(), let length = try? reader.readUInt16(),
        let value = try? reader.readBytes(Int(length)), values.last.map({ $0.key < key }) ?? true,
        Self.isSound(key, Array(value))
      else { return nil }
      values.append((key, Array(value)))
    }
    guard isConsistent else { return nil }
  }

  init?(_ values: [(key: UInt16, value: [UInt8])]) {
    self.values = values.sorted { $0.key < $1.key }
    guard Set(values.map(\.key)).count == values.count,
      values.allSatisfy({ $0.value.count <= 0xffff && Self.isSound($0.key, $0.value) }),
      isConsistent
    else { return nil }
  }

  /// RFC 9460 §8: what is mandatory is there; §7.1.1: no-default-alpn goes with alpn.
  private var isConsistent: Bool {
    let keys = Set(values.map(\.key))
    if keys.contains(Key.noDefaultALPN), !keys.contains(Key.alpn) { return false }
    guard let mandatory = values.first(where: { $0.key == Key.mandatory })?.value else {
      return true
    }
    return Self.shorts(mandatory).allSatisfy(keys.contains)
  }

  private static func isSound(_ key: UInt16, _ value: [UInt8]) -> Bool {
    switch key {
    case Key.mandatory:
      let keys = shorts(value)
      return !value.isEmpty && value.count % 2 == 0 && !keys.contains(Key.mandatory)
        && zip(keys, keys.dropFirst()).allSatisfy(<)
    case Key.alpn: return protocols(value).map { !$0.isEmpty } ?? false
    case Key.noDefaultALPN, Key.ohttp: return value.isEmpty
    case Key.port: return value.count == 2
    case Key.ipv4hint: return !value.isEmpty && value.count % 4 == 0
    case Key.ipv6hint: return !value.isEmpty && value.count % 16 == 0
    default: return true
    }
  }

  static func shorts(_ value: [UInt8]) -> [UInt16] {
    stride(from: 0, to: value.count - 1, by: 2).map {
      UInt16(value[$0]) << 8 | UInt16(value[$0 + 1])
    }
  }

  /// ALPN's identifiers; nil where one is empty or too short.
  static func protocols(_ value: [UInt8]) -> [[UInt8]]? {
    var protocols: [[UInt8]] = []
    var rest = value[...]
    while let length = rest.popFirst() {
      guard length > 0, rest.count >= length else { return nil }
      protocols.append(Array(rest.prefix(Int(length))))
      rest = rest.dropFirst(Int(length))
    }
    return protocols
  }

  var encoded: [UInt8] {
    var writer = ByteWriter()
    for (key, value) in values {
      writer.write(key)
      writer.writeLengthPrefixed16 { $0.write(value) }
    }
    return writer.bytes
  }
}
