import Kubernetes

/// What a controller wants done: the whole of its say, so that controllers can be functions.
package enum Write: Equatable, Sendable {
  case create(GroupResource, JSON)
  /// Replaces spec and metadata; refused if the object changed meanwhile.
  case update(GroupResource, JSON)
  case updateStatus(GroupResource, JSON)
  /// Only if it is still the object of that uid. A pod gets `grace` seconds to end; nil is its own.
  case delete(GroupResource, ResourceName, uid: String, grace: Int? = nil)
  /// Sets a pod's node.
  case bind(ResourceName, node: String)
  case event(EventNote)
}

/// An event about an object; the same note again only counts up.
package struct EventNote: Hashable, Sendable {
  package var object: ObjectReference
  /// `Normal` or `Warning`.
  package var type: String
  package var reason: String
  package var message: String
  package var source: String

  package init(
    _ object: ObjectReference, _ reason: String, _ message: String, type: String = "Normal",
    source: String
  ) {
    self.object = object
    self.type = type
    self.reason = reason
    self.message = message
    self.source = source
  }
}
