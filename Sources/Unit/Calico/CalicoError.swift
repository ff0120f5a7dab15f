import Intent
import Kubernetes

/// Why calicoctl's command on one object failed, in calicoctl's words.
package enum CalicoError: Error, Equatable, CustomStringConvertible {
  case alreadyExists(CalicoKind, String)
  case doesNotExist(CalicoKind, String, reason: String)
  case updateConflict(CalicoKind, String)
  case unsupported(operation: String, CalicoKind, String, reason: String)
  case invalid([Field])
  case namespaced(CalicoKind)
  case nameless
  /// What the API server said, or that it could not be reached.
  case datastore(String)

  /// A field that does not hold what it has to.
  package struct Field: Equatable, Sendable, CustomStringConvertible {
    package var name: String
    package var value: String
    package var reason: String
    package var description: String { "\(name) = '\(value)' (\(reason))" }
  }

  package var description: String {
    switch self {
    case .alreadyExists(let kind, let name):
      return "resource already exists: \(kind.identifier(name))"
    case .doesNotExist(let kind, let name, let reason):
      return "resource does not exist: \(kind.identifier(name)) with error: \(reason)"
    case .updateConflict(let kind, let name): return "update conflict: \(kind.identifier(name))"
    case .unsupported(let operation, let kind, let name, let reason):
      return "operation \(operation) is not supported on \(kind.identifier(name)): \(reason)"
    case .invalid(let fields):
      if fields.count == 1 { return "error with field \(fields[0])" }
      return "error with the following fields:\n"
        + fields.map { "-  \($0)\n" }.joined()
    case .namespaced(let kind):
      return "namespace should not be specified for a non-namespaced resource. "
        + "\(kind.rawValue) is not a namespaced resource"
    case .nameless: return "resource name may not be empty"
    case .datastore(let text): return text
    }
  }
}
