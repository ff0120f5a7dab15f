import Addressing
import Kubernetes
import NetTypes

/// Gives Services of type LoadBalancer their virtual addresses.
///
/// 1. A Service keeps the address that its status holds, the older Service first.
/// 2. Then addresses that are asked for by name: annotation `atoll.dev/vip`, or spec.loadBalancerIP.
///    What cannot be had is refused with the reason, and the Service keeps the one it has.
/// 3. Then each of the others gets the lowest free address.
///
/// An address is free again when its Service is gone or is no longer a load balancer.
package struct VIPAssignment: Sendable {
  package static let annotation = "atoll.dev/vip"
  package static let loadBalancerClass = "atoll.dev/edge"

  /// A Service that does not get what it asks for.
  package struct Refusal: Equatable, Sendable {
    package var service: ObjectReference
    package var message: String
  }

  private var allocator: VIPAllocator

  package init(pool: VIPAllocator) { allocator = pool }

  /// Whether this edge serves the Service.
  package static func isOurs(_ service: Service) -> Bool {
    service.type == "LoadBalancer" && !service.isDeleting
      && (service.loadBalancerClass ?? loadBalancerClass) == loadBalancerClass
  }

  package var range: ClosedRange<IPAddress> { allocator.range }

  /// Whether the pool may have given `address` out.
  package func covers(_ address: String) -> Bool {
    IPAddress(address).map(allocator.range.contains) ?? false
  }

  /// The addresses that are in force for `services`, which are all there are.
  /// - Parameter avoided: Addresses that are given only to who asks for them.
  package mutating func update(
    _ services: [Service], avoiding avoided: Set<IPAddress> = []
  ) -> (addresses: [ResourceName: IPAddress], refusals: [Refusal]) {
    let ours = services.filter(Self.isOurs).sorted(by: Self.isOlder)
    release(allBut: Set(ours.map { "\($0.resourceName)" }))
    var refusals: [Refusal] = []
    for service in ours where allocator.address(of: "\(service.resourceName)") == nil {
      guard let held = service.loadBalancerAddresses.first.flatMap({ IPAddress($0) }) else {
        continue
      }
      // An address from elsewhere, or one taken by an older Service, is no claim.
      _ = try? allocator.allocate(owner: "\(service.resourceName)", requested: held)
    }
    for service in ours {
      guard let text = Self.requested(service) else { continue }
      do {
        guard let address = IPAddress(text) else { throw RequestError.notAnAddress(text) }
        _ = try allocator.allocate(owner: "\(service.resourceName)", requested: address)
      } catch {
        refusals.append(Refusal(service: service.reference, message: "virtual address: \(error)"))
      }
    }
    var addresses: [ResourceName: IPAddress] = [:]
    for service in ours {
      let owner = "\(service.resourceName)"
      // Who asked for a certain address is not content with another.
      if Self.requested(service) != nil, allocator.address(of: owner) == nil { continue }
      do {
        addresses[service.resourceName] = try allocator.allocate(
          owner: owner, avoiding: avoided)
      } catch {
        refusals.append(Refusal(service: service.reference, message: "virtual address: \(error)"))
      }
    }
    return (addresses, refusals)
  }

  private enum RequestError: Error, CustomStringConvertible {
    case notAnAddress(String)
    var description: String {
      switch self {
      case .notAnAddress(let text): "\"\(text)\" is not an IP address"
      }
    }
  }

  private static func requested(_ service: Service) -> String? {
    let text = service.metadata["annotations"][annotation].string ?? service.loadBalancerIP
    return text.flatMap { $0.isEmpty ? nil : $0 }
  }

  private static func isOlder(_ a: Service, _ b: Service) -> Bool {
    let (first, second) = (
      a.metadata["creationTimestamp"].string ?? "", b.metadata["creationTimestamp"].string ?? ""
    )
    return first == second ? a.resourceName < b.resourceName : first < second
  }

  private mutating func release(allBut owners: Set<String>) {
    for owner in Set(allocator.owners.values).subtracting(owners) {
      allocator.release(owner: owner)
    }
  }
}
