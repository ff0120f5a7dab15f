import Kubernetes

/// Which addresses and ports stand behind a Service: EndpointSlices, and Endpoints for old readers.
package enum EndpointsController {
  static let manager = "endpointslice-controller.k8s.io"
  /// Endpoints in one slice.
  static let sliceLimit = 100

  /// - Parameters:
  ///   - pods: The pods of the service's namespace.
  ///   - slices: The slices of the namespace.
  package static func reconcile(
    _ service: Service, pods: [Pod], slices: [EndpointSlice], endpoints: Endpoints?
  ) -> [Write] {
    // Without a selector the endpoints are somebody else's.
    guard !service.selector.isEmpty, service.type != "ExternalName" else { return [] }
    let selector = LabelSelector(matchLabels: service.selector)
    let chosen = pods.filter { pod in
      pod.podIP != nil && !pod.isFinished && selector.matches(pod.labels)
    }.sorted { $0.name < $1.name }
    let groups = grouped(service, chosen)
    return sliceWrites(service, groups, existing: slices)
      + legacy(service, groups, existing: endpoints)
  }

  /// Pods that have the same numbers for the service's ports.
  private struct Group {
    var ports: [JSON]
    var pods: [Pod]
  }

  private static func grouped(_ service: Service, _ pods: [Pod]) -> [Group] {
    var groups: [Group] = []
    for pod in pods {
      let ports = service.ports.compactMap { resolve($0, pod) }
      if let index = groups.firstIndex(where: { $0.ports == ports }) {
        groups[index].pods.append(pod)
      } else {
        groups.append(Group(ports: ports, pods: [pod]))
      }
    }
    return groups
  }

  /// A service's port with the number it has in that pod; nil if the pod names no such port.
  private static func resolve(_ port: ServicePort, _ pod: Pod) -> JSON? {
    let number: Int?
    switch port.targetPort {
    case .int(let value): number = value == 0 ? port.port : value
    case .string(let name):
      number =
        pod.podSpec.containers.flatMap(\.ports).first {
          $0.name == name && $0.transport == port.transport
        }?.containerPort
    }
    guard let number else { return nil }
    var json: JSON = [
      "name": JSON(port.name), "port": JSON(number), "protocol": JSON(port.transport),
    ]
    if let application = port.appProtocol { json["appProtocol"] = JSON(application) }
    return json
  }

  private static func reference(_ pod: Pod) -> JSON {
    [
      "kind": "Pod", "namespace": JSON(pod.namespace), "name": JSON(pod.name),
      "uid": JSON(pod.uid),
    ]
  }

  // MARK: Slices

  private static func sliceWrites(
    _ service: Service, _ groups: [Group], existing: [EndpointSlice]
  ) -> [Write] {
    var free = existing.filter {
      $0.serviceName == service.name
        && $0.labels["endpointslice.kubernetes.io/managed-by"] == manager
    }
    var writes: [Write] = []
    var wanted: [(endpoints: [JSON], ports: [JSON])] = []
    for group in groups {
      let endpoints = group.pods.map { endpoint($0, service) }
      for start in stride(from: 0, to: endpoints.count, by: sliceLimit) {
        wanted.append(
          (Array(endpoints[start..<min(start + sliceLimit, endpoints.count)]), group.ports))
      }
    }
    if wanted.isEmpty { wanted = [([], [])] }
    for (endpoints, ports) in wanted {
      let index = free.firstIndex { $0.json["ports"].elements == ports } ?? free.indices.first
      guard let index else {
        writes.append(.create(.endpointSlices, slice(service, endpoints, ports)))
        continue
      }
      let current = free.remove(at: index)
      var json = current.json
      json["endpoints"] = .array(endpoints)
      json["ports"] = .array(ports)
      if json != current.json { writes.append(.update(.endpointSlices, json)) }
    }
    writes += free.map { .delete(.endpointSlices, $0.resourceName, uid: $0.uid) }
    return writes
  }

  private static func slice(_ service: Service, _ endpoints: [JSON], _ ports: [JSON]) -> JSON {
    [
      "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
      "metadata": [
        "generateName": JSON("\(service.name)-"), "namespace": JSON(service.namespace),
        "labels": [
          "kubernetes.io/service-name": JSON(service.name),
          "endpointslice.kubernetes.io/managed-by": JSON(manager),
        ],
        "ownerReferences": [
          [
            "apiVersion": "v1", "kind": "Service", "name": JSON(service.name),
            "uid": JSON(service.uid), "controller": true, "blockOwnerDeletion": true,
          ]
        ],
      ],
      "endpoints": .array(endpoints), "ports": .array(ports),
    ]
  }

  private static func endpoint(_ pod: Pod, _ service: Service) -> JSON {
    let isServing = pod.isReady || service.publishesNotReadyAddresses
    var json: JSON = [
      "addresses": [JSON(pod.podIP)],
      "conditions": [
        "ready": JSON(isServing && !pod.isDeleting || service.publishesNotReadyAddresses),
        "serving": JSON(isServing), "terminating": JSON(pod.isDeleting),
      ],
      "targetRef": reference(pod),
    ]
    if let node = pod.nodeName { json["nodeName"] = JSON(node) }
    return json
  }

  // MARK: Endpoints

  private static let managedBy = "endpoints.kubernetes.io/managed-by"
  private static let legacyManager = "endpoint-controller"

  static func isOwn(_ endpoints: Endpoints) -> Bool {
    endpoints.labels[managedBy] == legacyManager
  }

  private static func legacy(
    _ service: Service, _ groups: [Group], existing: Endpoints?
  ) -> [Write] {
    let subsets = groups.compactMap { group -> JSON? in
      var subset: JSON = [:]
      let usable = group.pods.filter { !$0.isDeleting }
      let ready = usable.filter { $0.isReady || service.publishesNotReadyAddresses }
      let others = usable.filter { !$0.isReady && !service.publishesNotReadyAddresses }
      if ready.isEmpty, others.isEmpty { return nil }
      if !ready.isEmpty { subset["addresses"] = .array(ready.map(address)) }
      if !others.isEmpty { subset["notReadyAddresses"] = .array(others.map(address)) }
      if !group.ports.isEmpty { subset["ports"] = .array(group.ports) }
      return subset
    }
    let value: JSON = subsets.isEmpty ? .null : .array(subsets)
    guard let existing else {
      var json: JSON = [
        "apiVersion": "v1", "kind": "Endpoints",
        "metadata": [
          "name": JSON(service.name), "namespace": JSON(service.namespace),
          "labels": JSON(service.labels.merging([managedBy: legacyManager]) { $1 }),
        ],
      ]
      json["subsets"] = value
      return [.create(.endpoints, json)]
    }
    var json = existing.json
    json["subsets"] = value
    return json == existing.json ? [] : [.update(.endpoints, json)]
  }

  private static func address(_ pod: Pod) -> JSON {
    var json: JSON = ["ip": JSON(pod.podIP), "targetRef": reference(pod)]
    if let node = pod.nodeName { json["nodeName"] = JSON(node) }
    return json
  }
}
