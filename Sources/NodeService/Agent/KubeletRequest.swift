import HTTP
import Kubernetes
import NetTypes

/// What the API server asks of a node on port 10250.
package enum KubeletRequest: Hashable, Sendable {
  case healthz
  case pods
  case logs(ResourceName, container: String, LogOptions)

  package struct LogOptions: Hashable, Sendable {
    package var tailLines: Int?
    package var limitBytes: Int?
    package var follows = false
    package var isPrevious = false
  }

  /// Why a request is not one of these.
  package enum Refusal: Error, Hashable, Sendable {
    case notFound
    case methodNotAllowed
    case badRequest(String)
  }

  package init(method: String, target: RequestTarget) throws(Refusal) {
    guard let parts = target.segments else { throw .badRequest("bad path") }
    guard method == "GET" else { throw .methodNotAllowed }
    switch (parts.first, parts.count) {
    case ("healthz", 1): self = .healthz
    case ("pods", 1): self = .pods
    case ("containerLogs", 4):
      var options = LogOptions()
      options.tailLines = try Self.count(target, "tailLines")
      options.limitBytes = try Self.count(target, "limitBytes")
      options.follows = target.queryValue("follow") == "true"
      options.isPrevious = target.queryValue("previous") == "true"
      self = .logs(
        ResourceName(namespace: parts[1], name: parts[2]), container: parts[3], options)
    default: throw .notFound
    }
  }

  private static func count(_ target: RequestTarget, _ name: String) throws(Refusal) -> Int? {
    guard let text = target.queryValue(name), !text.isEmpty else { return nil }
    guard let value = Int(text), value >= 0 else {
      throw .badRequest("\(name) is \(text), expected a count")
    }
    return value
  }
}
