import Kubernetes
import Yams

/// What is wrong in a file, and where: `unit.yaml:4:11: agents: found "many", expected a number`.
package struct FileProblem: Error, Equatable, CustomStringConvertible {
  package var file: String
  /// From 1; 0 where the place is not known.
  package var line: Int
  package var column: Int
  package var message: String

  package init(file: String, line: Int = 0, column: Int = 0, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.message = message
  }

  package var description: String {
    line == 0 ? "\(file): \(message)" : "\(file):\(line):\(column): \(message)"
  }
}

/// YAML as kubectl reads it: the core types of YAML 1.1, any number of documents.
package enum YAML {
  /// Every document that is not empty, as JSON.
  package static func documents(_ text: String, file: String) throws(FileProblem) -> [JSON] {
    try nodes(text, file: file).map { node throws(FileProblem) in
      try json(node, file: file, depth: 0)
    }
  }

  /// Every document that is not empty, with the places of its parts.
  package static func nodes(_ text: String, file: String) throws(FileProblem) -> [Yams.Node] {
    do {
      var found: [Yams.Node] = []
      var sequence = try Yams.compose_all(yaml: text)
      while let node = sequence.next() {
        if !node.isNothing { found.append(node) }
      }
      // A mistake ends the sequence; it is not thrown.
      if let error = sequence.error { throw error }
      return found
    } catch let error as YamlError {
      throw problem(error, file)
    } catch {
      throw FileProblem(file: file, message: "\(error)")
    }
  }

  private static func problem(_ error: YamlError, _ file: String) -> FileProblem {
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let words = [context?.text, problem].compactMap { $0 }.joined(separator: ": ")
      return FileProblem(file: file, line: mark.line, column: mark.column, message: words)
    case .duplicatedKeysInMapping(let keys, let context):
      let names = keys.compactMap { "\($0)" }.joined(separator: ", ")
      return FileProblem(
        file: file, line: context.mark.line, column: context.mark.column,
        message: "key given twice: \(names)")
    default:
      return FileProblem(file: file, message: "\(error)")
    }
  }

  package static func json(_ node: Yams.Node, file: String, depth: Int = 0) throws(FileProblem)
    -> JSON
  {
    guard depth < 100 else {
      throw FileProblem(
        file: file, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0,
        message: "nested deeper than 100 levels")
    }
    switch node {
    case .mapping(let mapping):
      var object: [String: JSON] = [:]
      for (key, value) in mapping {
        guard let name = key.string else {
          throw FileProblem(
            file: file, line: key.mark?.line ?? 0, column: key.mark?.column ?? 0,
            message: "found a key that is no text, expected a name")
        }
        object[name] = try json(value, file: file, depth: depth + 1)
      }
      return .object(object)
    case .sequence(let sequence):
      return .array(
        try sequence.map { element throws(FileProblem) in
          try json(element, file: file, depth: depth + 1)
        })
    case .scalar(let scalar):
      return Self.scalar(scalar)
    case .alias:
      throw FileProblem(
        file: file, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0,
        message: "an alias to nothing")
    }
  }

  /// A quoted scalar is text; a plain one is what YAML 1.1's core schema takes it for.
  static func scalar(_ scalar: Yams.Node.Scalar) -> JSON {
    let text = scalar.string
    guard scalar.style == .plain || scalar.style == .any else { return .string(text) }
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": return true
    case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": return false
    default: return number(text) ?? .string(text)
    }
  }

  private static func number(_ text: String) -> JSON? {
    guard let first = text.utf8.first,
      (0x30...0x39).contains(first) || "+-.".utf8.contains(first)
    else { return nil }
    let digits = text.hasPrefix("+") ? String(text.dropFirst()) : text
    if digits.hasPrefix("0x") { return Int64(digits.dropFirst(2), radix: 16).map { .integer($0) } }
    if digits.hasPrefix("0o") { return Int64(digits.dropFirst(2), radix: 8).map { .integer($0) } }
    if let value = Int64(digits) {
      // A leading zero makes it octal in YAML 1.1, as a file's mode is written.
      if digits.count > 1, digits.hasPrefix("0"), let octal = Int64(digits, radix: 8) {
        return .integer(octal)
      }
      return .integer(value)
    }
    let isDecimal = digits.utf8.allSatisfy {
      (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0)
    }
    return isDecimal ? Double(digits).flatMap { $0.isFinite ? .number($0) : nil } : nil
  }
}

extension Yams.Node {
  /// An empty document.
  fileprivate var isNothing: Bool {
    if case .scalar(let scalar) = self {
      return scalar.string.isEmpty && (scalar.style == .plain || scalar.style == .any)
    }
    return false
  }
}
