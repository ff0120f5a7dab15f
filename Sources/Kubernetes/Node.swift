/// v1 Node.
package struct Node: ObjectView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var podCIDR: String? { spec["podCIDR"].string }
  package var isUnschedulable: Bool { spec["unschedulable"].bool ?? false }
  /// How far the node's traffic is moved elsewhere; nil: it takes part as ever.
  package var drain: Drain? { annotations[Drain.annotation].flatMap(Drain.init(rawValue:)) }
  package var taints: [JSON] { spec["taints"].elements }
  package var isReady: Bool { condition("Ready")?.isTrue ?? false }

  /// The addresses of `type`: `InternalIP`, `ExternalIP`, `Hostname`.
  package func addresses(_ type: String) -> [String] {
    status["addresses"].elements.filter { $0["type"].string == type }
      .compactMap { $0["address"].string }
  }

  package var internalIP: String? { addresses("InternalIP").first }
  package var kubeletPort: Int { status["daemonEndpoints"]["kubeletEndpoint"]["Port"].int ?? 10250 }

  package func allocatable(_ resource: String) -> Quantity? {
    Quantity(json: status["allocatable"][resource])
  }
}

extension Node {
  /// Steps of taking a node out of traffic, as an annotation that its edge and its router act on.
  package enum Drain: String, Sendable {
    package static let annotation = "atoll.dev/drain"

    /// The edge sends nothing new there, and routes carry GRACEFUL_SHUTDOWN (RFC 8326).
    case draining
    /// The node announces no blocks.
    case withdrawn
  }
}

/// coordination.k8s.io/v1 Lease.
package struct Lease: ObjectView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var holderIdentity: String? { spec["holderIdentity"].string }
  /// Seconds.
  package var leaseDurationSeconds: Int { spec["leaseDurationSeconds"].int ?? 0 }
  package var renewTime: Timestamp? {
    get { spec["renewTime"].string.flatMap(Timestamp.init) }
    set { spec["renewTime"] = JSON(newValue?.microText) }
  }
}

/// v1 Namespace.
package struct Namespace: ObjectView {
  package var json: JSON
  package init(json: JSON) { self.json = json }

  package var phase: String { status["phase"].string ?? "Active" }
}
