/// A kind that a CustomResourceDefinition brings, by where it is served.
package struct CustomResource: Hashable, Sendable {
  package var group: String
  package var version: String
  package var plural: String

  package init(group: String, version: String, plural: String) {
    self.group = group
    self.version = version
    self.plural = plural
  }

  /// Of all of them, as `/apis/k8gb.io/v1beta1/gslbs`.
  package var path: String { "/apis/\(group)/\(version)/\(plural)" }

  /// Of one, in its namespace.
  package func path(of name: ResourceName) -> String {
    "/apis/\(group)/\(version)/namespaces/\(name.namespace)/\(plural)/\(name.name)"
  }
}
