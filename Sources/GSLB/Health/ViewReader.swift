import Wire

/// Reads a view's parts.
struct ViewReader {
  private var reader: ByteReader

  init(_ bytes: [UInt8]) { reader = ByteReader(bytes) }

  var remaining: Int { reader.remaining }

  private mutating func read<Value>(
    _ body: (inout ByteReader) throws(TruncatedInput) -> Value
  ) throws(View.Refusal) -> Value {
    do { return try body(&reader) } catch { throw .truncated(error) }
  }

  mutating func octet() throws(View.Refusal) -> UInt8 {
    try read { reader throws(TruncatedInput) in try reader.readUInt8() }
  }

  mutating func short() throws(View.Refusal) -> UInt16 {
    try read { reader throws(TruncatedInput) in try reader.readUInt16() }
  }

  mutating func number() throws(View.Refusal) -> UInt32 {
    try read { reader throws(TruncatedInput) in try reader.readUInt32() }
  }

  mutating func long() throws(View.Refusal) -> UInt64 {
    try read { reader throws(TruncatedInput) in try reader.readUInt64() }
  }

  mutating func octets(_ count: Int) throws(View.Refusal) -> ArraySlice<UInt8> {
    try read { reader throws(TruncatedInput) in try reader.readBytes(count) }
  }

  mutating func flag() throws(View.Refusal) -> Bool {
    let octet = try octet()
    guard octet <= 1 else { throw .bits(octet) }
    return octet == 1
  }

  mutating func text() throws(View.Refusal) -> String {
    let octets = try octets(Int(try octet()))
    guard let text = String(validating: octets, as: UTF8.self) else { throw .text }
    return text
  }

  /// One of the values of a type, by its place.
  mutating func choice<Choice: CaseIterable>(
    _ type: Choice.Type = Choice.self
  ) throws(View.Refusal) -> Choice where Choice.AllCases == [Choice] {
    let place = Int(try octet())
    guard Choice.allCases.indices.contains(place) else { throw .value(UInt64(place)) }
    return Choice.allCases[place]
  }

  mutating func milliseconds() throws(View.Refusal) -> Duration {
    .milliseconds(Int64(try number()))
  }
}

extension ByteWriter {
  /// At most 255 octets; what is longer is cut between characters.
  mutating func write(text: String) {
    var text = text[...]
    while text.utf8.count > 255 { text = text.dropLast() }
    writeLengthPrefixed8 { $0.write(text.utf8) }
  }

  mutating func write<Choice: CaseIterable & Equatable>(choice: Choice)
  where Choice.AllCases == [Choice] {
    write(UInt8(clamping: Choice.allCases.firstIndex(of: choice) ?? 0))
  }
}
