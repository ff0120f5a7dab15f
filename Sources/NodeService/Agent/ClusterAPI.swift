import Kubernetes
import Linux

/// The part of the Kubernetes API that a node uses. Failures that the server answered with are
/// `APIStatus`; any other error means that it could not be reached.
@Loop package protocol ClusterAPI: AnyObject {
  func list(_ resource: GroupResource) async throws -> [JSON]
  func get(_ resource: GroupResource, _ name: ResourceName) async throws -> JSON
  /// - Throws: reason AlreadyExists where the name is taken.
  func create(_ resource: GroupResource, _ object: JSON) async throws -> JSON
  /// A JSON merge patch (RFC 7386) of the object, or of its `subresource`.
  func merge(
    _ resource: GroupResource, _ name: ResourceName, subresource: String?, _ patch: JSON
  ) async throws -> JSON
  /// `options` is a DeleteOptions object.
  func delete(_ resource: GroupResource, _ name: ResourceName, options: JSON) async throws
  /// Lists and then watches for as long as the process lives, through any failure.
  func watch(
    _ resource: GroupResource, fieldSelector: String?,
    _ handler: @escaping @Loop (WatchChange) -> Void
  )
}

/// What a watch reports. First every object as `.updated`, then `.synced`, then changes.
package enum WatchChange: Hashable, Sendable {
  case updated(JSON)
  case deleted(JSON)
  /// The first list is complete.
  case synced
}
