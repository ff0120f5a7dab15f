/// What an API request failed with: the `Status` object of Kubernetes, as an error.
package struct APIStatus: Error, Equatable, CustomStringConvertible {
  /// The HTTP status code.
  package var code: Int
  /// The machine's word, as `NotFound`.
  package var reason: String
  package var message: String
  /// `details` of the Status object; null if there are none.
  package var details: JSON

  package init(code: Int, reason: String, message: String, details: JSON = .null) {
    self.code = code
    self.reason = reason
    self.message = message
    self.details = details
  }

  package var description: String { message }

  /// The `v1` Status object.
  package var json: JSON {
    var json: JSON = [
      "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure",
      "message": .string(message), "code": JSON(code),
    ]
    if !reason.isEmpty { json["reason"] = .string(reason) }
    if !details.isNull { json["details"] = details }
    return json
  }

  package init(json: JSON, code: Int) {
    self.init(
      code: json["code"].int ?? code, reason: json["reason"].string ?? "",
      message: json["message"].string ?? "the server answered with status \(code)",
      details: json["details"])
  }

  package var isNotFound: Bool { code == 404 }
  package var isConflict: Bool { reason == "Conflict" }
  package var isAlreadyExists: Bool { reason == "AlreadyExists" }
  /// The resource version asked for is no longer kept: list again.
  package var isGone: Bool { code == 410 }
}

extension APIStatus {
  private static func details(_ resource: GroupResource, _ name: String) -> JSON {
    var details: JSON = ["name": .string(name), "kind": .string(resource.resource)]
    if !resource.group.isEmpty { details["group"] = .string(resource.group) }
    return details
  }

  package static func notFound(_ resource: GroupResource, _ name: String) -> APIStatus {
    APIStatus(
      code: 404, reason: "NotFound", message: "\(resource) \"\(name)\" not found",
      details: details(resource, name))
  }

  /// No such path or kind.
  package static let unknownResource = APIStatus(
    code: 404, reason: "NotFound", message: "the server could not find the requested resource",
    details: [:])

  package static func alreadyExists(_ resource: GroupResource, _ name: String) -> APIStatus {
    APIStatus(
      code: 409, reason: "AlreadyExists", message: "\(resource) \"\(name)\" already exists",
      details: details(resource, name))
  }

  package static func conflict(
    _ resource: GroupResource, _ name: String,
    _ text: String =
      "the object has been modified; please apply your changes to the latest version and try again"
  ) -> APIStatus {
    APIStatus(
      code: 409, reason: "Conflict",
      message: "Operation cannot be fulfilled on \(resource) \"\(name)\": \(text)",
      details: details(resource, name))
  }

  package static func forbidden(
    _ resource: GroupResource, _ name: String, _ text: String
  ) -> APIStatus {
    APIStatus(
      code: 403, reason: "Forbidden", message: "\(resource) \"\(name)\" is forbidden: \(text)",
      details: details(resource, name))
  }

  package static func badRequest(_ message: String) -> APIStatus {
    APIStatus(code: 400, reason: "BadRequest", message: message)
  }

  package static func methodNotAllowed() -> APIStatus {
    APIStatus(
      code: 405, reason: "MethodNotAllowed",
      message: "the server does not allow this method on the requested resource", details: [:])
  }

  /// The resource version asked for is older than what is kept.
  package static func expired(asked: Int64, oldest: Int64) -> APIStatus {
    APIStatus(
      code: 410, reason: "Expired", message: "too old resource version: \(asked) (\(oldest))")
  }

  package static func internalError(_ message: String) -> APIStatus {
    APIStatus(
      code: 500, reason: "InternalError", message: "Internal error occurred: \(message)",
      details: ["causes": [["message": .string(message)]]])
  }

  package static func invalid(
    _ kind: GroupVersionKind, _ name: String, _ problems: [FieldProblem]
  ) -> APIStatus {
    let qualified = kind.group.isEmpty ? kind.kind : "\(kind.kind).\(kind.group)"
    let texts = problems.map(\.description)
    let list = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
    var details: JSON = [
      "name": .string(name), "kind": .string(kind.kind),
      "causes": .array(
        problems.map {
          [
            "reason": .string($0.reason.rawValue), "message": .string($0.text),
            "field": .string($0.field),
          ]
        }),
    ]
    if !kind.group.isEmpty { details["group"] = .string(kind.group) }
    return APIStatus(
      code: 422, reason: "Invalid", message: "\(qualified) \"\(name)\" is invalid: \(list)",
      details: details)
  }
}

/// One thing wrong with one field of an object.
package struct FieldProblem: Equatable, Sendable, CustomStringConvertible {
  package enum Reason: String, Sendable {
    case required = "FieldValueRequired"
    case invalid = "FieldValueInvalid"
    case notSupported = "FieldValueNotSupported"
    case duplicate = "FieldValueDuplicate"
    case forbidden = "FieldValueForbidden"
    case typeInvalid = "FieldValueTypeInvalid"
  }
  package let reason: Reason
  /// The path, as `spec.containers[0].name`.
  package let field: String
  /// The message without the field.
  package let text: String

  package init(_ reason: Reason, _ field: String, _ text: String) {
    self.reason = reason
    self.field = field
    self.text = text
  }

  package var description: String { field.isEmpty ? text : "\(field): \(text)" }

  package static func required(_ field: String, _ detail: String = "") -> FieldProblem {
    FieldProblem(.required, field, detail.isEmpty ? "Required value" : "Required value: \(detail)")
  }

  package static func invalid(_ field: String, _ value: JSON, _ detail: String) -> FieldProblem {
    FieldProblem(.invalid, field, "Invalid value: \(value.text): \(detail)")
  }

  package static func notSupported(
    _ field: String, _ value: JSON, _ allowed: [String]
  ) -> FieldProblem {
    let list = allowed.map { "\"\($0)\"" }.joined(separator: ", ")
    return FieldProblem(
      .notSupported, field, "Unsupported value: \(value.text): supported values: \(list)")
  }

  package static func duplicate(_ field: String, _ value: JSON) -> FieldProblem {
    FieldProblem(.duplicate, field, "Duplicate value: \(value.text)")
  }
}
