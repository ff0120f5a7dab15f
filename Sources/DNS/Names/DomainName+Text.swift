/// Why a text is no domain name.
package enum NameError: Error, Hashable, Sendable, CustomStringConvertible {
  case empty
  case emptyLabel
  case label(length: Int)
  case name(length: Int)
  case escape

  package var description: String {
    switch self {
    case .empty: "no name"
    case .emptyLabel: "an empty label"
    case .label(let length): "a label of \(length) octets, over \(DomainName.maximumLabelLength)"
    case .name(let length): "a name of \(length) octets, over \(DomainName.maximumLength)"
    case .escape: "a backslash without a character or three digits up to 255 behind it"
    }
  }
}

extension DomainName {
  /// Parses `www.example.com` or `www.example.com.`, with the escapes of RFC 1035 §5.1.
  package init?(_ text: some StringProtocol) {
    guard let name = try? DomainName(parsing: text, origin: .root) else { return nil }
    self = name
  }

  /// Parses a name of a zone file: without a dot at its end it is relative to `origin`; `@` is that
  /// itself. RFC 1035 §5.1.
  package init(
    parsing text: some StringProtocol, origin: DomainName
  ) throws(NameError) {
    var octets = Array(text.utf8)[...]
    if octets.isEmpty { throw .empty }
    if octets.elementsEqual([UInt8(ascii: "@")]) {
      self = origin
      return
    }
    if octets.elementsEqual([UInt8(ascii: ".")]) {
      self = .root
      return
    }
    var wire: [UInt8] = [0]
    var start = 0
    var isAbsolute = false
    while let octet = octets.popFirst() {
      isAbsolute = false
      if octet == UInt8(ascii: ".") {
        try Self.close(&wire, start)
        start = wire.count
        wire.append(0)
        isAbsolute = true
      } else if octet == UInt8(ascii: "\\") {
        guard let escaped = Self.escaped(&octets) else { throw .escape }
        wire.append(escaped)
      } else {
        wire.append(octet)
      }
    }
    if isAbsolute {
      // The label opened last is the root's.
    } else {
      try Self.close(&wire, start)
      wire += origin.wire
    }
    guard wire.count <= Self.maximumLength else { throw .name(length: wire.count) }
    self.init(unchecked: wire)
  }

  /// Sets the length of the label that began at `start`.
  private static func close(_ wire: inout [UInt8], _ start: Int) throws(NameError) {
    let length = wire.count - start - 1
    if length == 0 { throw .emptyLabel }
    guard length <= maximumLabelLength else { throw .label(length: length) }
    wire[start] = UInt8(length)
  }

  /// What stands behind a backslash: a character, or three digits. RFC 1035 §5.1.
  static func escaped(_ octets: inout ArraySlice<UInt8>) -> UInt8? {
    guard let first = octets.popFirst() else { return nil }
    guard first.isDigit else { return first }
    guard let second = octets.popFirst(), second.isDigit, let third = octets.popFirst(),
      third.isDigit
    else { return nil }
    return UInt8(exactly: Int(first - 0x30) * 100 + Int(second - 0x30) * 10 + Int(third - 0x30))
  }
}

extension DomainName: CustomStringConvertible {
  /// With the dot at its end, as zone files write it; reads back as the same name.
  package var description: String {
    isRoot ? "." : labels.reduce(into: "") { $0 += Self.text($1) + "." }
  }

  private static func text(_ label: ArraySlice<UInt8>) -> String {
    var text = ""
    for octet in label {
      switch octet {
      case UInt8(ascii: "."), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: ";"),
        UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "@"), UInt8(ascii: "$"):
        text += "\\"
        text.unicodeScalars.append(Unicode.Scalar(octet))
      case 0x21...0x7e: text.unicodeScalars.append(Unicode.Scalar(octet))
      default: text += octet.decimalEscape
      }
    }
    return text
  }
}

extension UInt8 {
  /// `\DDD`. RFC 1035 §5.1.
  var decimalEscape: String { "\\\(self / 100)\(self / 10 % 10)\(self % 10)" }
}
