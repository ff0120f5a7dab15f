import Kubernetes
import Yams

extension YAML {
  /// A document as kubectl and calicoctl print it: members by name, lists not indented, text in
  /// quotes where it would not be read back as text.
  package static func text(_ json: JSON) -> String {
    do {
      return try Yams.serialize(node: node(json), width: -1, allowUnicode: true, sortKeys: true)
    } catch {
      // JSON is YAML too.
      return json.prettyText + "\n"
    }
  }

  private static func node(_ json: JSON) -> Yams.Node {
    switch json {
    case .null: scalar("null", .null)
    case .bool(let value): scalar(value ? "true" : "false", .bool)
    case .integer(let value): scalar(String(value), .int)
    case .number(let value): scalar(JSON.number(value).text, .float)
    case .string(let text): Yams.Node(text, Tag(.str), isPlain(text) ? .any : .doubleQuoted)
    case .array(let elements):
      Yams.Node(elements.map(node), Tag(.seq), elements.isEmpty ? .flow : .block)
    case .object(let members):
      Yams.Node(
        members.sorted { $0.key < $1.key }.map { (Yams.Node($0.key, Tag(.str)), node($0.value)) },
        Tag(.map), members.isEmpty ? .flow : .block)
    }
  }

  private static func scalar(_ text: String, _ tag: Tag.Name) -> Yams.Node {
    Yams.Node(text, Tag(tag), .plain)
  }

  /// Dates are text here, and something else to other readers.
  private static func isPlain(_ text: String) -> Bool {
    if text.prefixMatch(of: /\d{4}-\d{1,2}-\d{1,2}/) != nil { return false }
    return scalar(Yams.Node.Scalar(text, Tag(.str), .plain)) == .string(text)
  }
}
