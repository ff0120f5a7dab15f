import BGP
import NetTypes

/// Octets from hexadecimal text; spaces and line ends do not count.
func octets(_ hex: String) -> [UInt8] {
  let digits = Array(hex.filter(\.isHexDigit))
  return stride(from: 0, to: digits.count, by: 2).map {
    UInt8(String(digits[$0...$0 + 1]), radix: 16)!
  }
}

/// A whole message of `type` around `body`.
func frame(_ type: UInt8, _ body: [UInt8]) -> [UInt8] {
  let length = body.count + 19
  return [UInt8](repeating: 0xff, count: 16) + [UInt8(length >> 8), UInt8(length & 0xff), type]
    + body
}

/// An UPDATE from its three fields.
func update(withdrawn: String = "", attributes: String, routes: String = "") -> [UInt8] {
  let (withdrawn, attributes, routes) = (octets(withdrawn), octets(attributes), octets(routes))
  let lengths = [withdrawn.count, attributes.count].map { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
  return frame(2, lengths[0] + withdrawn + lengths[1] + attributes + routes)
}

func prefix(_ text: String) -> IPPrefix { IPPrefix(text)! }
func address(_ text: String) -> IPAddress { IPAddress(text)! }
func identifier(_ text: String) -> IPv4Address { IPv4Address(text)! }
