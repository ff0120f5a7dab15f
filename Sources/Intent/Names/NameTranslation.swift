import DNS
import GSLB
import Kubernetes
import NetTypes

/// What a unit's objects come to.
package struct NameTranslation: Equatable, Sendable {
  /// A member that the unit announces, and what stands behind it.
  package struct Backing: Equatable, Sendable {
    /// Of the member, within the unit.
    package var member: String
    package var address: IPAddress
    package var services: Set<ResourceName>
    /// The wide IPs that it belongs to.
    package var names: Set<DomainName>
  }

  /// An object, the names it asked for, and what is wrong with it.
  package struct Subject: Equatable, Sendable {
    package var object: KubernetesObject
    package var names: [DomainName] = []
    package var addresses: [IPAddress] = []
    package var services: Set<ResourceName> = []
    package var problem: String?
  }

  package var announcement = Announcement()
  package var backings: [Backing] = []
  /// Of DNSEndpoints, of types that are not steered.
  package var records: [ResourceRecord] = []
  package var subjects: [Subject] = []
  /// Ingresses that Gslbs bring with them and that are not there yet.
  package var wantedIngresses: [Ingress] = []

  /// - Parameter unit: The unit's name: k8gb's geo tag.
  package init(_ objects: NameObjects, unit: String) {
    var translator = NameTranslator(objects: objects, unit: unit)
    for object in objects.gslbs { translator.addGSLB(object) }
    for object in objects.externalNames { translator.addExternalName(object) }
    for object in objects.endpoints { translator.addEndpoint(object) }
    self = translator.result
  }

  /// Nothing yet.
  init() {}
}
