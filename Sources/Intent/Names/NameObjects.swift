import Kubernetes

/// The objects of a unit's cluster that ask for global names.
///
/// | Object | Asks for |
/// |---|---|
/// | `k8gb.io/v1beta1` Gslb | the hosts of an Ingress, its own or one that it selects |
/// | `cis.f5.com/v1` ExternalDNS | a domain name, served by Ingresses and LoadBalancer Services of that host |
/// | `externaldns.k8s.io/v1alpha1` DNSEndpoint | records as they are written |
///
/// What a unit's Ingresses and Services answer at becomes its members of the name; the members of
/// other units come from what those announce.
package struct NameObjects: Equatable, Sendable {
  package var gslbs: [KubernetesObject] = []
  package var externalNames: [KubernetesObject] = []
  package var endpoints: [KubernetesObject] = []
  package var ingresses: [Ingress] = []
  package var services: [Service] = []

  package init() {}

  package static let gslb = CustomResource(group: "k8gb.io", version: "v1beta1", plural: "gslbs")
  package static let externalName = CustomResource(
    group: "cis.f5.com", version: "v1", plural: "externaldnses")
  package static let endpoint = CustomResource(
    group: "externaldns.k8s.io", version: "v1alpha1", plural: "dnsendpoints")
}
