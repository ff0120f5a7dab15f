/// An amount of a resource: `500m`, `2`, `128Mi`, `1e3`. Kept in thousandths, saturating.
package struct Quantity: Hashable, Comparable, Sendable {
  /// Thousandths of the unit: milli-cores of `cpu`, thousandths of a byte of `memory`.
  package let milli: Int64

  package init(milli: Int64) { self.milli = milli }

  package static let zero = Quantity(milli: 0)

  /// The amount rounded up to whole units, as bytes of `memory`.
  package var value: Int64 { milli / 1000 + (milli % 1000 > 0 ? 1 : 0) }

  package static func < (left: Quantity, right: Quantity) -> Bool { left.milli < right.milli }

  package static func + (left: Quantity, right: Quantity) -> Quantity {
    let (sum, overflow) = left.milli.addingReportingOverflow(right.milli)
    return Quantity(milli: overflow ? (left.milli > 0 ? .max : .min) : sum)
  }

  package static func - (left: Quantity, right: Quantity) -> Quantity {
    let (difference, overflow) = left.milli.subtractingReportingOverflow(right.milli)
    return Quantity(milli: overflow ? (left.milli > 0 ? .max : .min) : difference)
  }

  /// From a string or a number; nil if it is neither or cannot be read.
  package init?(json: JSON) {
    switch json {
    case .string(let text): self.init(text)
    case .integer(let value): self.init(String(value))
    case .number(let value): self.init(scaled: value * 1000)
    default: return nil
    }
  }

  private init?(scaled: Double) {
    guard scaled.isFinite else { return nil }
    self.init(milli: Int64(exactly: scaled.rounded(.up)) ?? (scaled > 0 ? .max : .min))
  }

  package init?(_ text: String) {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || ".+-".contains($0)) }
    guard !digits.isEmpty else { return nil }
    let suffix = text.dropFirst(digits.count)
    if suffix.isEmpty || suffix == "m", let value = Int64(digits) {
      let (product, overflow) = value.multipliedReportingOverflow(by: suffix.isEmpty ? 1000 : 1)
      self.init(milli: overflow ? (value > 0 ? .max : .min) : product)
      return
    }
    let scale: Double
    switch suffix {
    case "n": scale = 1e-6
    case "u": scale = 1e-3
    case "m": scale = 1
    case "": scale = 1e3
    case "k": scale = 1e6
    case "M": scale = 1e9
    case "G": scale = 1e12
    case "T": scale = 1e15
    case "P": scale = 1e18
    case "E": scale = 1e21
    case "Ki": scale = 1024e3
    case "Mi": scale = 1_048_576e3
    case "Gi": scale = 1_073_741_824e3
    case "Ti": scale = 1_099_511_627_776e3
    case "Pi": scale = 1_125_899_906_842_624e3
    case "Ei": scale = 1_152_921_504_606_846_976e3
    default:
      guard suffix.first == "e" || suffix.first == "E", let value = Double(text) else {
        return nil
      }
      self.init(scaled: value * 1000)
      return
    }
    guard let value = Double(digits) else { return nil }
    self.init(scaled: value * scale)
  }
}

/// A port number or the name of a port, also a count or a percentage.
package enum IntOrString: Hashable, Sendable {
  case int(Int)
  case string(String)

  package init?(json: JSON) {
    if let value = json.int {
      self = .int(value)
    } else if let text = json.string {
      self = .string(text)
    } else {
      return nil
    }
  }

  package var json: JSON {
    switch self {
    case .int(let value): JSON(value)
    case .string(let text): .string(text)
    }
  }

  /// A count, of `total` where it is a percentage.
  package func scaled(of total: Int, roundingUp: Bool) -> Int? {
    switch self {
    case .int(let value): return value
    case .string(let text):
      guard text.hasSuffix("%"), let percent = Int(text.dropLast()), (0...10_000).contains(percent),
        (0...1_000_000_000).contains(total)
      else { return nil }
      return (percent * total + (roundingUp ? 99 : 0)) / 100
    }
  }
}
