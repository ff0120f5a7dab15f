/// networking.k8s.io/v1 Ingress.
package struct Ingress: ObjectView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var ingressClassName: String? { spec["ingressClassName"].string }
  package var rules: [IngressRule] { spec["rules"].elements.map(IngressRule.init(json:)) }
  package var defaultBackend: IngressBackend? {
    spec["defaultBackend"].isNull ? nil : IngressBackend(json: spec["defaultBackend"])
  }
  package var tls: [IngressTLS] { spec["tls"].elements.map(IngressTLS.init(json:)) }

  /// The addresses of `status.loadBalancer.ingress`.
  package var loadBalancerAddresses: [String] {
    get { status["loadBalancer"]["ingress"].elements.compactMap { $0["ip"].string } }
    set {
      status["loadBalancer"]["ingress"] =
        newValue.isEmpty ? .null : .array(newValue.map { ["ip": .string($0)] })
    }
  }
}

/// A certificate of an Ingress, by the Secret that has it.
package struct IngressTLS: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var hosts: [String] { json["hosts"].elements.compactMap(\.string) }
  /// Nil: the controller's own choice.
  package var secretName: String? { json["secretName"].string.flatMap { $0.isEmpty ? nil : $0 } }
}

/// One host of an Ingress.
package struct IngressRule: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  /// Nil for every host.
  package var host: String? { json["host"].string.flatMap { $0.isEmpty ? nil : $0 } }
  package var paths: [IngressPath] {
    json["http"]["paths"].elements.map(IngressPath.init(json:))
  }
}

/// One path of an Ingress rule.
package struct IngressPath: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var path: String { json["path"].string ?? "/" }
  /// `Exact`, `Prefix` or `ImplementationSpecific`.
  package var pathType: String { json["pathType"].string ?? "ImplementationSpecific" }
  package var backend: IngressBackend { IngressBackend(json: json["backend"]) }
}

/// The Service, and its port, that an Ingress path leads to.
package struct IngressBackend: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var serviceName: String? { json["service"]["name"].string }
  /// By number or by name.
  package var servicePort: IntOrString? {
    IntOrString(json: json["service"]["port"]["number"])
      ?? IntOrString(json: json["service"]["port"]["name"])
  }
}
