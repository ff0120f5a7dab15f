/// Text with `${name}` in it, filled in for each request; `$$` is a dollar sign.
package struct Template: Equatable, Sendable {
  package enum Part: Equatable, Sendable {
    case text([UInt8])
    case variable(Variable)
  }

  package enum Variable: Equatable, Sendable {
    case clientAddress, clientPort, scheme, host, method, path, query
    case requestID
    /// A request header's first value.
    case header(String)
    case cookie(String)
    /// A group of the rule's path expression; 0 is all of it.
    case group(Int)
  }

  package struct Failure: Error, Equatable {
    /// As `${foo}`.
    package var found: String
  }

  package static let expected =
    "text with ${client.address}, ${client.port}, ${scheme}, ${host}, ${method}, ${path}, "
    + "${query}, ${request.id}, ${header.NAME}, ${cookie.NAME} or ${0} to ${9}; $$ for a dollar sign"

  package var parts: [Part]

  package init(parts: [Part] = []) { self.parts = parts }

  /// Text as it stands.
  package init(literal text: String) { parts = text.isEmpty ? [] : [.text(Array(text.utf8))] }

  /// - Throws: the first `$` that begins nothing known.
  package init(_ text: String) throws(Failure) {
    var parts: [Part] = []
    var literal: [UInt8] = []
    let bytes = Array(text.utf8)
    var index = 0
    while index < bytes.count {
      guard bytes[index] == UInt8(ascii: "$") else {
        literal.append(bytes[index])
        index += 1
        continue
      }
      if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "$") {
        literal.append(UInt8(ascii: "$"))
        index += 2
        continue
      }
      let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) ?? bytes.count - 1
      let found = String(decoding: bytes[index...max(index, end)], as: UTF8.self)
      guard index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "{"), end > index + 2,
        let variable = Variable(String(decoding: bytes[(index + 2)..<end], as: UTF8.self))
      else { throw Failure(found: found) }
      if !literal.isEmpty { parts.append(.text(literal)) }
      literal = []
      parts.append(.variable(variable))
      index = end + 1
    }
    if !literal.isEmpty { parts.append(.text(literal)) }
    self.parts = parts
  }

  /// Its text, where it has no variable.
  package var literal: [UInt8]? {
    switch parts.count {
    case 0: []
    case 1: if case .text(let bytes) = parts[0] { bytes } else { nil }
    default: nil
    }
  }

  package var usesGroups: Bool {
    parts.contains { if case .variable(.group) = $0 { true } else { false } }
  }

  /// Has a byte that no header's value may have. RFC 9110 §5.5.
  package var hasControls: Bool {
    parts.contains { part in
      if case .text(let bytes) = part {
        bytes.contains { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7f }
      } else {
        false
      }
    }
  }
}

extension Template.Variable {
  init?(_ name: String) {
    switch name {
    case "client.address": self = .clientAddress
    case "client.port": self = .clientPort
    case "scheme": self = .scheme
    case "host": self = .host
    case "method": self = .method
    case "path": self = .path
    case "query": self = .query
    case "request.id": self = .requestID
    default:
      if name.hasPrefix("header."), isToken(name.dropFirst(7)) {
        self = .header(String(name.dropFirst(7)))
      } else if name.hasPrefix("cookie."), isToken(name.dropFirst(7)) {
        self = .cookie(String(name.dropFirst(7)))
      } else if name.utf8.count == 1, let group = Int(name) {
        self = .group(group)
      } else {
        return nil
      }
    }
  }
}

/// RFC 9110 §5.6.2.
package func isToken(_ text: some StringProtocol) -> Bool {
  !text.isEmpty
    && text.utf8.allSatisfy {
      $0 > 0x20 && $0 < 0x7f && !"()<>@,;:\\\"/[]?={}".utf8.contains($0)
    }
}
