import Kubernetes
import NetTypes

/// The objects of a cluster that an edge acts on, at one moment.
package struct EdgeObjects: Equatable, Sendable {
  package var services: [Service] = []
  package var slices: [EndpointSlice] = []
  package var ingresses: [Ingress] = []
  package var classes: [IngressClass] = []
  /// Of type kubernetes.io/tls.
  package var certificates: [Secret] = []
  /// Those that say how their pods leave.
  package var namespaces: [Namespace] = []
  /// Of the pods of these, by namespace.
  package var podAddresses: [String: [IPAddress]] = [:]
  /// Names of nodes that are taken out of traffic.
  package var drainingNodes: Set<String> = []

  package init() {}
}

/// networking.k8s.io/v1 IngressClass.
package struct IngressClass: ObjectView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var controller: String { spec["controller"].string ?? "" }
  package var isDefault: Bool {
    metadata["annotations"]["ingressclass.kubernetes.io/is-default-class"].string == "true"
  }
}

// What an edge that restarts without its API server serves from.
extension EdgeObjects {
  package var json: JSON {
    [
      "services": .array(services.map(\.json)), "slices": .array(slices.map(\.json)),
      "ingresses": .array(ingresses.map(\.json)), "classes": .array(classes.map(\.json)),
      "certificates": .array(certificates.map(\.json)),
      "namespaces": .array(namespaces.map(\.json)),
      "podAddresses": .object(
        podAddresses.mapValues { addresses in .array(addresses.map { .string("\($0)") }) }),
      "drainingNodes": JSON(drainingNodes.sorted()),
    ]
  }

  /// Nil unless all four lists are there.
  package init?(json: JSON) {
    guard let services = json["services"].array, let slices = json["slices"].array,
      let ingresses = json["ingresses"].array, let classes = json["classes"].array
    else { return nil }
    self.services = services.map(Service.init(json:))
    self.slices = slices.map(EndpointSlice.init(json:))
    self.ingresses = ingresses.map(Ingress.init(json:))
    self.classes = classes.map(IngressClass.init(json:))
    certificates = json["certificates"].elements.map(Secret.init(json:))
    namespaces = json["namespaces"].elements.map(Namespace.init(json:))
    podAddresses = (json["podAddresses"].object ?? [:]).mapValues { list in
      list.elements.compactMap(\.string).compactMap { IPAddress($0) }
    }
    drainingNodes = Set(json["drainingNodes"].elements.compactMap(\.string))
  }
}
