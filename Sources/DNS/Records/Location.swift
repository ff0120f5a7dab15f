/// LOC's data. RFC 1876.
struct Location: Hashable, Sendable {
  /// Centimetres, as precisions: a digit and a power of ten.
  var size: UInt8 = 0x12
  var horizontal: UInt8 = 0x16
  var vertical: UInt8 = 0x13
  /// Thousandths of a second of arc from 2³¹, the equator.
  var latitude: UInt32
  var longitude: UInt32
  /// Centimetres above 100,000 m below the ellipsoid.
  var altitude: UInt32

  private static let middle: Int64 = 1 << 31

  /// Nil unless of version 0, with precisions of one digit, within the globe.
  init?(decoding bytes: ArraySlice<UInt8>) {
    var reader = MessageReader(Array(bytes))
    guard bytes.count == 16, (try? reader.readUInt8()) == 0, let size = try? reader.readUInt8(),
      let horizontal = try? reader.readUInt8(), let vertical = try? reader.readUInt8(),
      let latitude = try? reader.readUInt32(), let longitude = try? reader.readUInt32(),
      let altitude = try? reader.readUInt32(),
      [size, horizontal, vertical].allSatisfy({ $0 >> 4 <= 9 && $0 & 15 <= 9 }),
      abs(Int64(latitude) - Self.middle) <= 90 * 3_600_000,
      abs(Int64(longitude) - Self.middle) <= 180 * 3_600_000
    else { return nil }
    (self.size, self.horizontal, self.vertical) = (size, horizontal, vertical)
    (self.latitude, self.longitude, self.altitude) = (latitude, longitude, altitude)
  }

  var encoded: [UInt8] {
    [0, size, horizontal, vertical]
      + [latitude, longitude, altitude].flatMap { value in
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
      }
  }

  /// `42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m`. RFC 1876 §3.
  var description: String {
    let height = Int64(altitude) - 10_000_000
    return [
      Self.angle(latitude, "N", "S"), Self.angle(longitude, "E", "W"),
      (height < 0 ? "-" : "") + Self.metres(UInt64(abs(height))),
      Self.metres(Self.centimetres(size)), Self.metres(Self.centimetres(horizontal)),
      Self.metres(Self.centimetres(vertical)),
    ].joined(separator: " ")
  }

  private static func centimetres(_ precision: UInt8) -> UInt64 {
    (0..<(precision & 15)).reduce(UInt64(precision >> 4)) { value, _ in value * 10 }
  }

  private static func metres(_ centimetres: UInt64) -> String {
    "\(centimetres / 100).\(centimetres / 10 % 10)\(centimetres % 10)m"
  }

  private static func angle(_ value: UInt32, _ positive: String, _ negative: String) -> String {
    let offset = Int64(value) - middle
    let thousandths = abs(offset)
    let (degrees, minutes) = (thousandths / 3_600_000, thousandths / 60_000 % 60)
    let (seconds, rest) = (thousandths / 1000 % 60, thousandths % 1000)
    let fraction = "\(rest / 100)\(rest / 10 % 10)\(rest % 10)"
    return "\(degrees) \(minutes) \(seconds).\(fraction) \(offset < 0 ? negative : positive)"
  }

  /// From the words of a zone file. RFC 1876 §3.
  init?(words: [String]) {
    var rest = words[...]
    guard let latitude = Self.angle(&rest, 90, "N", "S"),
      let longitude = Self.angle(&rest, 180, "E", "W"), let height = rest.popFirst(),
      let centimetres = Self.hundredths(height), rest.count <= 3,
      let altitude = UInt32(exactly: centimetres + 10_000_000)
    else { return nil }
    (self.latitude, self.longitude, self.altitude) = (latitude, longitude, altitude)
    for (word, field) in zip(rest, [\Location.size, \.horizontal, \.vertical]) {
      guard let value = Self.hundredths(word), let precision = Self.precision(value) else {
        return nil
      }
      self[keyPath: field] = precision
    }
  }

  private static func precision(_ centimetres: Int64) -> UInt8? {
    guard (0...9_000_000_000).contains(centimetres) else { return nil }
    var (digit, power) = (centimetres, UInt8(0))
    while digit > 9 {
      digit /= 10
      power += 1
    }
    return UInt8(digit) << 4 | power
  }

  private static func hundredths(_ word: String) -> Int64? {
    decimal(word.hasSuffix("m") ? String(word.dropLast()) : word, places: 2)
  }

  private static func angle(
    _ words: inout ArraySlice<String>, _ limit: Int64, _ positive: String, _ negative: String
  ) -> UInt32? {
    guard let end = words.firstIndex(where: { [positive, negative].contains($0.uppercased()) })
    else { return nil }
    let parts = Array(words[..<end])
    let isNegative = words[end].uppercased() == negative
    words = words[(end + 1)...]
    guard (1...3).contains(parts.count), let degrees = UInt8(parts[0]),
      let minutes = UInt8(parts.count > 1 ? parts[1] : "0"), minutes < 60,
      let seconds = decimal(parts.count > 2 ? parts[2] : "0", places: 3),
      (0..<60_000).contains(seconds)
    else { return nil }
    let thousandths = Int64(degrees) * 3_600_000 + Int64(minutes) * 60_000 + seconds
    guard thousandths <= limit * 3_600_000 else { return nil }
    return UInt32(middle + (isNegative ? -thousandths : thousandths))
  }

  /// A decimal number times ten to `places`; nil where it has more of them.
  private static func decimal(_ text: String, places: Int) -> Int64? {
    let isNegative = text.hasPrefix("-")
    let parts = text.dropFirst(isNegative ? 1 : 0).split(
      separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let fraction = parts.count > 1 ? String(parts[1]) : ""
    let digits = parts.first.map { $0 + fraction } ?? ""
    guard fraction.utf8.count <= places, parts.first?.isEmpty == false, digits.utf8.count <= 12,
      digits.utf8.allSatisfy(\.isDigit), var value = Int64(digits)
    else { return nil }
    for _ in fraction.utf8.count..<places { value *= 10 }
    return isNegative ? -value : value
  }
}
