import Kubernetes
import Linux

extension APIServer {
  /// Applies the patch of a request, by its content type.
  func patch(
    _ type: ResourceType, _ name: ResourceName, _ part: WritePart, _ request: APIRequest
  ) throws(APIStatus) -> (object: JSON, isNew: Bool) {
    let patch = try decode(request.body, request)
    if request.contentType.hasPrefix("application/apply-patch") {
      return try apply(patch, type, name, part, request)
    }
    let current = Presentation.present(try stored(type, name).json, as: type)
    var object = current
    switch request.contentType {
    case "application/json-patch+json": try apply(jsonPatch: patch, to: &object)
    case "application/merge-patch+json": object.merge(patch)
    case "application/strategic-merge-patch+json":
      guard type.custom == nil else { throw unsupported(request.contentType) }
      do throws(PatchError) {
        try object.strategicMerge(patch, Schema.shape(of: type.groupVersionKind))
      } catch {
        throw .badRequest(error.description)
      }
    default: throw unsupported(request.contentType)
    }
    let stored = try admit(object, type, name, request)
    return (try update(type, stored, part, request), false)
  }

  func apply(jsonPatch patch: JSON, to object: inout JSON) throws(APIStatus) {
    do throws(PatchError) {
      try JSONPatch(json: patch).apply(to: &object)
    } catch {
      throw APIStatus(
        code: 422, reason: "Invalid",
        message: "the server rejected our request due to an error in"
          + " our request: \(error)", details: [:])
    }
  }

  private func unsupported(_ contentType: String) -> APIStatus {
    APIStatus(
      code: 415, reason: "UnsupportedMediaType",
      message: "the body of the request was in an unknown format - accepted media types include:"
        + " application/json-patch+json, application/merge-patch+json,"
        + " application/apply-patch+yaml; not \(contentType)")
  }
}
