import Kubernetes

/// Calico's Node, which is kept in annotations of the cluster's.
package enum CalicoNode {
  private static let addressAnnotations = [
    ("ipv4Address", "projectcalico.org/IPv4Address"),
    ("ipv6Address", "projectcalico.org/IPv6Address"),
  ]
  private static let asNumber = "projectcalico.org/ASNumber"
  static let clusterID = "projectcalico.org/RouteReflectorClusterID"

  /// The cluster's node as calicoctl shows it.
  package static func view(of node: JSON) -> JSON {
    let annotations = node["metadata"]["annotations"].strings
    var metadata: JSON = [:]
    for field in ["name", "labels", "creationTimestamp", "resourceVersion", "uid"] {
      metadata[field] = node["metadata"][field]
    }
    var bgp: JSON = .null
    var addresses: [JSON] = []
    for (field, annotation) in addressAnnotations {
      guard let address = annotations[annotation] else { continue }
      bgp[field] = .string(address)
      addresses.append(["address": .string(address), "type": "CalicoNodeIP"])
    }
    if let number = annotations[asNumber] {
      bgp["asNumber"] = Int64(number).map { .integer($0) } ?? .string(number)
    }
    if let identifier = annotations[clusterID] {
      bgp["routeReflectorClusterID"] = .string(identifier)
    }
    addresses += node["status"]["addresses"].elements.filter { $0["type"].string == "InternalIP" }
    let name = node["metadata"]["name"]
    var view: JSON = [
      "apiVersion": .string(CalicoKind.apiVersion), "kind": "Node", "metadata": metadata,
      "spec": [
        "addresses": .array(addresses), "orchRefs": [["nodeName": name, "orchestrator": "k8s"]],
      ],
    ]
    view["spec"]["bgp"] = bgp
    if let blocks = node["spec"]["podCIDRs"].array { view["status"] = ["podCIDRs": .array(blocks)] }
    return view
  }

  /// A merge patch of the cluster's node that makes its view `wanted`.
  package static func patch(to wanted: JSON, from current: JSON) -> JSON {
    let bgp = wanted["spec"]["bgp"]
    var annotations: [String: JSON] = [:]
    for (field, annotation) in addressAnnotations { annotations[annotation] = bgp[field] }
    annotations[asNumber] = bgp["asNumber"].isNull ? .null : .string(text(bgp["asNumber"]))
    annotations[clusterID] = bgp["routeReflectorClusterID"]
    var metadata: [String: JSON] = ["annotations": .object(annotations)]
    if let labels = wanted["metadata"]["labels"].object {
      let gone = current["metadata"]["labels"].members.keys.filter { labels[$0] == nil }
      metadata["labels"] = .object(
        labels.merging(gone.map { ($0, JSON.null) }, uniquingKeysWith: { $1 }))
    }
    if !wanted["metadata"]["resourceVersion"].isNull {
      metadata["resourceVersion"] = wanted["metadata"]["resourceVersion"]
    }
    return ["metadata": .object(metadata)]
  }

  private static func text(_ value: JSON) -> String { value.string ?? value.text }
}
