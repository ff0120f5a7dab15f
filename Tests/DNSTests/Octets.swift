import DNS
import NetTypes

/// Octets from hexadecimal text; what is no digit does not count.
func octets(_ hex: String) -> [UInt8] {
  let digits = Array(hex.filter(\.isHexDigit))
  return stride(from: 0, to: digits.count, by: 2).map {
    UInt8(String(digits[$0...$0 + 1]), radix: 16)!
  }
}

func name(_ text: String) -> DomainName { DomainName(text)! }
func address(_ text: String) -> IPAddress { IPAddress(text)! }
func prefix(_ text: String) -> IPPrefix { IPPrefix(text)! }

/// A record from its line: owner, TTL, type, data.
func record(_ line: String) -> ResourceRecord {
  let words = line.split(separator: " ", maxSplits: 3)
  let type = RecordType(words[2])!
  return ResourceRecord(
    name(String(words[0])), type, ttl: UInt32(words[1])!,
    try! RecordData(presentation: words.count > 3 ? String(words[3]) : "", type: type))
}
