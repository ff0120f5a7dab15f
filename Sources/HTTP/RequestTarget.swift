/// Path and query of a request target, decoded where that is asked for.
package struct RequestTarget: Equatable, Sendable {
  /// As sent, without the query; `/` for an absolute target without a path.
  package let path: String
  /// What follows `?`, as sent; empty without one.
  package let query: String

  package init(_ target: String) {
    var rest = target[...]
    if let scheme = ["http://", "https://"].first(where: { target.lowercased().hasPrefix($0) }) {
      rest = rest.dropFirst(scheme.count).drop { $0 != "/" && $0 != "?" }
    }
    let mark = rest.firstIndex(of: "?")
    let path = rest[..<(mark ?? rest.endIndex)]
    self.path = path.isEmpty ? "/" : String(path)
    query = mark.map { String(rest[rest.index(after: $0)...]) } ?? ""
  }

  /// The path's elements, each percent-decoded; nil if one is not valid UTF-8 text.
  package var segments: [String]? {
    var segments: [String] = []
    for element in path.split(separator: "/") {
      guard let text = percentDecoded(element) else { return nil }
      segments.append(text)
    }
    return segments
  }

  /// The query's `name=value` pairs, `+` read as a space, undecodable pairs left out.
  package var queryItems: [(name: String, value: String)] {
    query.split(separator: "&").compactMap { pair in
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = percentDecoded(sides[0], plusIsSpace: true),
        let value = percentDecoded(sides.count > 1 ? sides[1] : "", plusIsSpace: true)
      else { return nil }
      return (name, value)
    }
  }

  /// The first value of a query parameter.
  package func queryValue(_ name: String) -> String? {
    queryItems.first { $0.name == name }?.value
  }
}

/// Undoes percent-encoding; nil for a broken escape or bytes that are not UTF-8.
package func percentDecoded(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
  var output: [UInt8] = []
  output.reserveCapacity(text.utf8.count)
  var bytes = text.utf8.makeIterator()
  while let byte = bytes.next() {
    switch byte {
    case UInt8(ascii: "%"):
      guard let high = bytes.next().flatMap(hexadecimal),
        let low = bytes.next().flatMap(hexadecimal)
      else { return nil }
      output.append(high << 4 | low)
    case UInt8(ascii: "+") where plusIsSpace: output.append(0x20)
    default: output.append(byte)
    }
  }
  return String(validating: output, as: UTF8.self)
}

/// Percent-encodes all but the unreserved characters and those of `keeping`.
package func percentEncoded(_ text: some StringProtocol, keeping: String = "") -> String {
  var output: [UInt8] = []
  let digits = Array("0123456789ABCDEF".utf8)
  for byte in text.utf8 {
    let unreserved =
      (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
      || "-._~".utf8.contains(byte) || keeping.utf8.contains(byte)
    if unreserved {
      output.append(byte)
    } else {
      output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
  }
  return String(decoding: output, as: UTF8.self)
}

/// An `http` or `https` URL, taken apart for a client.
package struct HTTPURL: Equatable, Sendable, CustomStringConvertible {
  package var isSecure: Bool
  /// A name or an address; an IPv6 address without its brackets.
  package var host: String
  package var port: UInt16
  /// Path and query as sent; starts with `/`.
  package var target: String

  package init?(_ text: some StringProtocol) {
    let lowered = text.prefix(8).lowercased()
    let scheme = lowered.hasPrefix("https://") ? 8 : lowered.hasPrefix("http://") ? 7 : 0
    guard scheme > 0 else { return nil }
    isSecure = scheme == 8
    let rest = text.dropFirst(scheme)
    let slash = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
    var authority = rest[..<slash]
    if let at = authority.lastIndex(of: "@") {
      authority = authority[authority.index(after: at)...]
    }
    var portText: Substring?
    if authority.hasPrefix("[") {
      guard let bracket = authority.firstIndex(of: "]") else { return nil }
      host = String(authority[authority.index(after: authority.startIndex)..<bracket])
      let after = authority[authority.index(after: bracket)...]
      if after.hasPrefix(":") {
        portText = Substring(after.dropFirst())
      } else if !after.isEmpty {
        return nil
      }
    } else if let colon = authority.lastIndex(of: ":") {
      host = String(authority[..<colon])
      portText = Substring(authority[authority.index(after: colon)...])
    } else {
      host = String(authority)
    }
    guard !host.isEmpty else { return nil }
    if let portText {
      guard let port = UInt16(portText), port > 0 else { return nil }
      self.port = port
    } else {
      port = isSecure ? 443 : 80
    }
    let path = rest[slash...].prefix { $0 != "#" }
    target = path.hasPrefix("/") ? String(path) : "/\(path)"
  }

  /// The value of Host: the port only if it is not the scheme's own.
  package var authority: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
  }

  package var description: String { "\(isSecure ? "https" : "http")://\(authority)\(target)" }
}
