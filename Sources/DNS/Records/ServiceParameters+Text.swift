import NetTypes
import Wire

extension ServiceParameters: CustomStringConvertible {
  /// `alpn="h2,h3" port=8443`. RFC 9460 §2.1, Appendix A.
  var description: String {
    values.map { key, value in
      let name = Key.name(key)
      let text = Self.text(key, value)
      return text.isEmpty ? name : "\(name)=\(text)"
    }.joined(separator: " ")
  }

  private static func text(_ key: UInt16, _ value: [UInt8]) -> String {
    switch key {
    case Key.mandatory: return shorts(value).map(Key.name).joined(separator: ",")
    case Key.alpn:
      // RFC 9460 Appendix A.1: a comma and a backslash of an item are escaped, then the whole is again.
      let items = (protocols(value) ?? []).map { item in
        item.flatMap {
          $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\\") ? [UInt8(ascii: "\\"), $0] : [$0]
        }
      }
      return Array(items.joined(separator: [UInt8(ascii: ",")])).quoted
    case Key.port: return shorts(value).map(String.init).joined()
    case Key.ipv4hint, Key.ipv6hint:
      let width = key == Key.ipv4hint ? 4 : 16
      return stride(from: 0, to: value.count, by: width).compactMap {
        IPAddress(octets: Array(value[$0..<($0 + width)]))?.description
      }.joined(separator: ",")
    case Key.ech: return Base64.encode(value)
    default: return value.isEmpty ? "" : value.quoted
    }
  }

  /// From words as `alpn=h2,h3`: the octets behind the equals sign, escapes already undone.
  init?(words: [(key: String, value: [UInt8]?)]) {
    var values: [(key: UInt16, value: [UInt8])] = []
    for (name, value) in words {
      guard let key = Key.value(name), let octets = Self.octets(key, value ?? []) else {
        return nil
      }
      values.append((key, octets))
    }
    self.init(values)
  }

  private static func octets(_ key: UInt16, _ value: [UInt8]) -> [UInt8]? {
    switch key {
    case Key.mandatory:
      let keys = list(value)?.map { Key.value(String(decoding: $0, as: UTF8.self)) } ?? [nil]
      guard keys.allSatisfy({ $0 != nil }) else { return nil }
      return keys.compactMap(\.self).sorted().flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
    case Key.alpn:
      guard let items = list(value), items.allSatisfy({ (1...255).contains($0.count) }) else {
        return nil
      }
      return items.flatMap { [UInt8($0.count)] + $0 }
    case Key.port:
      guard let port = UInt16(String(decoding: value, as: UTF8.self)) else { return nil }
      return [UInt8(port >> 8), UInt8(port & 0xff)]
    case Key.ipv4hint, Key.ipv6hint:
      let hints = (list(value) ?? []).map { IPAddress(String(decoding: $0, as: UTF8.self)) }
      guard !hints.isEmpty, hints.allSatisfy({ $0?.isIPv4 == (key == Key.ipv4hint) }) else {
        return nil
      }
      return hints.flatMap { $0?.octets ?? [] }
    case Key.ech: return Base64.decode(String(decoding: value, as: UTF8.self))
    default: return value
    }
  }

  /// Items between commas, of which a backslash takes the meaning. RFC 9460 Appendix A.1.
  private static func list(_ value: [UInt8]) -> [[UInt8]]? {
    var items: [[UInt8]] = [[]]
    var rest = value[...]
    while let octet = rest.popFirst() {
      switch octet {
      case UInt8(ascii: ","): items.append([])
      case UInt8(ascii: "\\"):
        guard let next = rest.popFirst() else { return nil }
        items[items.count - 1].append(next)
      default: items[items.count - 1].append(octet)
      }
    }
    return items
  }
}
