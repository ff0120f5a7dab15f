import Glibc
import Kubernetes
import Yams

extension Kubeconfig {
  /// The document of a YAML or JSON text.
  static func document(_ text: String) throws(KubeconfigError) -> JSON {
    let node: Yams.Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch {
      throw KubeconfigError("not YAML: \(error)")
    }
    guard let node, case let json = json(node), json.object != nil else {
      throw KubeconfigError("not a kubeconfig: expected a mapping")
    }
    return json
  }

  private static func json(_ node: Yams.Node) -> JSON {
    switch node {
    case .mapping(let mapping):
      var members: [String: JSON] = [:]
      for (key, value) in mapping {
        if let key = key.scalar?.string { members[key] = json(value) }
      }
      return .object(members)
    case .sequence(let sequence): return .array(sequence.map(json))
    case .scalar(let scalar):
      // Plain true and false only: all else that is read here is text.
      guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
      switch scalar.string {
      case "true": return true
      case "false": return false
      case "", "~", "null": return .null
      default: return .string(scalar.string)
      }
    case .alias: return .null
    }
  }

  static func readFile(_ path: String) throws(KubeconfigError) -> String {
    guard let file = fopen(path, "re") else {
      throw KubeconfigError("\(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
      bytes += buffer[..<count]
      guard bytes.count <= 4 << 20 else {
        throw KubeconfigError("\(path): larger than \(4 << 20) bytes")
      }
    }
    guard ferror(file) == 0 else {
      throw KubeconfigError("\(path): \(String(cString: strerror(errno)))")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw KubeconfigError("\(path): not UTF-8 text")
    }
    return text
  }
}
