/// v1 Service.
package struct Service: ObjectView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
  package var type: String { spec["type"].string ?? "ClusterIP" }
  package var selector: [String: String] { spec["selector"].strings }
  /// Nil for a headless service and before the address is allocated.
  package var clusterIP: String? {
    spec["clusterIP"].string.flatMap { $0.isEmpty || $0 == "None" ? nil : $0 }
  }
  package var clusterIPs: [String] { spec["clusterIPs"].elements.compactMap(\.string) }
  package var isHeadless: Bool { spec["clusterIP"].string == "None" }
  package var ports: [ServicePort] { spec["ports"].elements.map(ServicePort.init(json:)) }
  package var externalIPs: [String] { spec["externalIPs"].elements.compactMap(\.string) }
  package var loadBalancerIP: String? { spec["loadBalancerIP"].string }
  package var loadBalancerClass: String? { spec["loadBalancerClass"].string }
  package var externalTrafficPolicy: String { spec["externalTrafficPolicy"].string ?? "Cluster" }
  package var internalTrafficPolicy: String { spec["internalTrafficPolicy"].string ?? "Cluster" }
  /// `None` or `ClientIP`.
  package var sessionAffinity: String { spec["sessionAffinity"].string ?? "None" }
  package var sessionAffinityTimeoutSeconds: Int {
    spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].int ?? 10_800
  }
  package var publishesNotReadyAddresses: Bool { spec["publishNotReadyAddresses"].bool ?? false }

  /// The addresses of `status.loadBalancer.ingress`.
  package var loadBalancerAddresses: [String] {
    get { status["loadBalancer"]["ingress"].elements.compactMap { $0["ip"].string } }
    set {
      status["loadBalancer"]["ingress"] =
        newValue.isEmpty ? .null : .array(newValue.map { ["ip": .string($0)] })
    }
  }
}

/// One port of a Service.
package struct ServicePort: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var name: String { json["name"].string ?? "" }
  package var port: Int { json["port"].int ?? 0 }
  package var targetPort: IntOrString { IntOrString(json: json["targetPort"]) ?? .int(port) }
  package var nodePort: Int? { json["nodePort"].int.flatMap { $0 == 0 ? nil : $0 } }
  /// `TCP`, `UDP` or `SCTP`.
  package var transport: String { json["protocol"].string ?? "TCP" }
  package var appProtocol: String? { json["appProtocol"].string }
}

/// discovery.k8s.io/v1 EndpointSlice.
package struct EndpointSlice: ObjectView {
  package static let serviceNameLabel = "kubernetes.io/service-name"

  package var json: JSON
  package init(json: JSON) { self.json = json }

  /// The Service it belongs to, by its label.
  package var serviceName: String? { metadata["labels"][Self.serviceNameLabel].string }
  /// `IPv4`, `IPv6` or `FQDN`.
  package var addressType: String { json["addressType"].string ?? "IPv4" }

  package var endpoints: [Endpoint] {
    get { json["endpoints"].elements.map(Endpoint.init(json:)) }
    set { json["endpoints"] = .array(newValue.map(\.json)) }
  }

  package var ports: [EndpointPort] {
    get { json["ports"].elements.map(EndpointPort.init(json:)) }
    set { json["ports"] = .array(newValue.map(\.json)) }
  }
}

/// One endpoint of an EndpointSlice.
package struct Endpoint: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var addresses: [String] { json["addresses"].elements.compactMap(\.string) }
  /// A condition that is not set counts as true, but for `terminating`.
  package var isReady: Bool { json["conditions"]["ready"].bool ?? true }
  package var isServing: Bool { json["conditions"]["serving"].bool ?? isReady }
  package var isTerminating: Bool { json["conditions"]["terminating"].bool ?? false }
  package var nodeName: String? { json["nodeName"].string }
  package var targetRef: ObjectReference? {
    json["targetRef"].isNull ? nil : ObjectReference(json: json["targetRef"])
  }
}

/// One port of an EndpointSlice, also of an Endpoints subset.
package struct EndpointPort: JSONView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var name: String { json["name"].string ?? "" }
  package var port: Int? { json["port"].int }
  package var transport: String { json["protocol"].string ?? "TCP" }
}

/// v1 Endpoints.
package struct Endpoints: ObjectView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var subsets: [JSON] {
    get { json["subsets"].elements }
    set { json["subsets"] = newValue.isEmpty ? .null : .array(newValue) }
  }
}
