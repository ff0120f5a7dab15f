import Kubernetes
import NetTypes

/// A change of an object's status that the edge wants.
package struct StatusPatch: Hashable, Sendable {
  package var resource: GroupResource
  package var name: ResourceName
  /// One that was deleted and made again has a new one, and no status yet.
  package var uid: String
  /// A merge patch.
  package var patch: JSON
}

/// Which statuses differ from what is served.
package enum StatusPlan {
  /// - Parameters:
  ///   - addresses: Of the Services that are served.
  ///   - ingresses: The Ingresses that are served.
  ///   - isOurs: Whether this edge may have written an address into a status.
  package static func patches(
    _ objects: EdgeObjects, addresses: [ResourceName: IPAddress], ingresses: Set<ResourceName>,
    ingressVIP: IPAddress, isOurs: (String) -> Bool
  ) -> [StatusPatch] {
    var patches: [StatusPatch] = []
    for service in objects.services where !service.isDeleting {
      let current = service.loadBalancerAddresses
      if let address = addresses[service.resourceName] {
        if current != ["\(address)"] {
          patches.append(patch(.services, service, "\(address)"))
        }
      } else if !current.isEmpty, current.allSatisfy(isOurs) {
        patches.append(patch(.services, service, nil))
      }
    }
    for ingress in objects.ingresses where !ingress.isDeleting {
      let current = ingress.loadBalancerAddresses
      if ingresses.contains(ingress.resourceName) {
        if current != ["\(ingressVIP)"] {
          patches.append(patch(.ingresses, ingress, "\(ingressVIP)"))
        }
      } else if current == ["\(ingressVIP)"] {
        patches.append(patch(.ingresses, ingress, nil))
      }
    }
    return patches
  }

  private static func patch(
    _ resource: GroupResource, _ object: some ObjectView, _ address: String?
  ) -> StatusPatch {
    let list = address.map { JSON.array([["ip": .string($0)]]) } ?? .null
    // Written out, as assigning null would leave the member away.
    return StatusPatch(
      resource: resource, name: object.resourceName, uid: object.uid,
      patch: .object([
        "status": .object(["loadBalancer": .object(["ingress": list])])
      ]))
  }
}
