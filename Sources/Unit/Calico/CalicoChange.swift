import Intent
import Kubernetes
import Linux

/// A command of calicoctl's that changes objects: what it did, in calicoctl's words.
package struct CalicoChange: Sendable {
  package enum Verb: String, Sendable {
    case create, apply, replace, delete, patch

    var past: String {
      switch self {
      case .create: "created"
      case .apply: "applied"
      case .replace: "replaced"
      case .delete: "deleted"
      case .patch: "patched"
      }
    }
  }

  package let verb: Verb
  package let count: Int
  /// The one kind of all objects; nil: there are several.
  package let kind: String?
  package private(set) var handled = 0
  package private(set) var errors: [CalicoError] = []

  /// What counts as done although it was not to do.
  package struct Leniency: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
    package static let skipExisting = Leniency(rawValue: 1)
    package static let skipMissing = Leniency(rawValue: 2)
  }

  /// Changes one object after the other; a failure of one keeps none of the others from being tried,
  /// but `replace` ends at the first, as calicoctl's does.
  @Loop package static func run(
    _ verb: Verb, _ objects: [JSON], _ client: CalicoClient, leniency: Leniency = [],
    patch: JSON = .null
  ) async -> CalicoChange {
    let kinds = Set(objects.compactMap { $0["kind"].string })
    var change = CalicoChange(
      verb: verb, count: objects.count, kind: kinds.count == 1 ? kinds.first : nil)
    for object in objects {
      do throws(CalicoError) {
        try await perform(verb, object, client, patch)
        change.handled += 1
      } catch {
        switch error {
        case .alreadyExists where leniency.contains(.skipExisting): change.handled += 1
        case .doesNotExist where leniency.contains(.skipMissing): change.handled += 1
        default: change.errors.append(error)
        }
        if verb == .replace, !change.errors.isEmpty { break }
      }
    }
    return change
  }

  @Loop private static func perform(
    _ verb: Verb, _ object: JSON, _ client: CalicoClient, _ patch: JSON
  ) async throws(CalicoError) {
    switch verb {
    case .create: try await client.create(object)
    case .apply: try await client.apply(object)
    case .replace: try await client.replace(object)
    case .delete, .patch:
      guard let kind = object["kind"].string.flatMap(CalicoKind.init(rawValue:)),
        let name = object["metadata"]["name"].string, !name.isEmpty
      else { throw .nameless }
      if verb == .delete {
        try await client.delete(kind, name)
      } else {
        try await client.patch(kind, name, patch)
      }
    }
  }

  /// For standard output; nil: there is nothing to boast of.
  package var success: String? {
    let of = kind.map { " '\($0)'" } ?? ""
    if errors.isEmpty {
      let noun = verb == .patch ? "resource" : "resource(s)"
      return "Successfully \(verb.past) \(handled)\(of) \(noun)"
    }
    guard handled > 0 else { return nil }
    if verb == .delete { return "Successfully deleted \(handled)\(of) resource(s)" }
    return "Partial success: \(verb.past) the first \(handled) out of \(count)\(of) resources:"
  }

  /// For standard error; nil: all went well.
  package var failure: String? {
    if errors.isEmpty { return nil }
    let list = "[" + errors.map(\.description).joined(separator: " ") + "]"
    let of = kind.map { "'\($0)' " } ?? ""
    switch verb {
    case .delete, .patch:
      return errors.map { "Failed to \(verb.rawValue) \(of)resource: \($0)" }
        .joined(separator: "\n")
    case .create, .apply, .replace:
      if handled > 0 { return "Hit error: \(list)" }
      if count == 1 { return "Failed to \(verb.rawValue) \(of)resource: \(list)" }
      return "Failed to \(verb.rawValue) any \(of)resources: \(list)"
    }
  }
}
