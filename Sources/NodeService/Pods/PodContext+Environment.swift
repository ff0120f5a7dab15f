import Kubernetes
import NetTypes

extension PodContext {
  /// The environment of a container, in order; later names replace earlier ones.
  /// - Throws: a text as `secret "x" not found`, for `CreateContainerConfigError`.
  package func environment(of container: JSON) throws(Failure) -> [(name: String, value: String)] {
    var environment = OrderedVariables()
    if let apiService {
      environment["KUBERNETES_SERVICE_HOST"] = apiService.address.description
      environment["KUBERNETES_SERVICE_PORT"] = String(apiService.port)
    }
    for source in container["envFrom"].elements {
      try addAll(of: source, to: &environment)
    }
    for variable in container["env"].elements {
      guard let name = variable["name"].string else { continue }
      if let value = variable["value"].string {
        environment[name] = Self.expand(value) { environment[$0] }
      } else if variable["valueFrom"].object != nil {
        if let value = try resolve(variable["valueFrom"], container: container) {
          environment[name] = value
        }
      } else {
        environment[name] = ""
      }
    }
    return environment.pairs
  }

  private func addAll(of source: JSON, to environment: inout OrderedVariables) throws(Failure) {
    let prefix = source["prefix"].string ?? ""
    for (kind, member) in [(Referent.configMap, "configMapRef"), (.secret, "secretRef")] {
      let reference = source[member]
      guard let name = reference["name"].string else { continue }
      guard let object = object(kind, name) else {
        if reference["optional"].bool ?? false { continue }
        throw Failure("\(kind.rawValue.lowercased()) \"\(name)\" not found")
      }
      for (key, value) in Self.data(of: kind, object).sorted(by: { $0.key < $1.key }) {
        environment[prefix + key] = String(decoding: value, as: UTF8.self)
      }
    }
  }

  private func resolve(_ source: JSON, container: JSON) throws(Failure) -> String? {
    if source["fieldRef"].object != nil {
      let path = source.at("fieldRef.fieldPath").string ?? ""
      guard let value = field(path) else { throw Failure("unsupported fieldPath: \(path)") }
      return value
    }
    if source["resourceFieldRef"].object != nil {
      return try resource(source["resourceFieldRef"], container: container)
    }
    for (kind, member) in [(Referent.configMap, "configMapKeyRef"), (.secret, "secretKeyRef")]
    where source[member].object != nil {
      return try value(of: kind, source[member]).map { String(decoding: $0, as: UTF8.self) }
    }
    throw Failure("unsupported valueFrom")
  }

  /// Replaces `$(NAME)` by its value; `$$(NAME)` stands for the text `$(NAME)`, and a name without
  /// a value stays as it is.
  package static func expand(_ text: String, _ lookUp: (String) -> String?) -> String {
    var result = ""
    var rest = Substring(text)
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      let after = rest.index(after: dollar)
      guard after < rest.endIndex else {
        result += "$"
        return result
      }
      switch rest[after] {
      case "$":
        result += "$"
        rest = rest[rest.index(after: after)...]
      case "(":
        let start = rest.index(after: after)
        guard let end = rest[start...].firstIndex(of: ")") else {
          return result + rest[dollar...]
        }
        let name = String(rest[start..<end])
        result += lookUp(name) ?? "$(\(name))"
        rest = rest[rest.index(after: end)...]
      default:
        result += "$"
        rest = rest[after...]
      }
    }
    return result + rest
  }
}

/// Variables in order of their first assignment.
private struct OrderedVariables {
  private(set) var pairs: [(name: String, value: String)] = []
  private var positions: [String: Int] = [:]

  subscript(name: String) -> String? {
    get { positions[name].map { pairs[$0].value } }
    set {
      guard let newValue else { return }
      if let position = positions[name] {
        pairs[position].value = newValue
      } else {
        positions[name] = pairs.count
        pairs.append((name, newValue))
      }
    }
  }
}
