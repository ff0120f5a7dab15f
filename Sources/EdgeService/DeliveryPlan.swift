import Delivery
import Engine
import Intent
import Kubernetes
import NetTypes

/// All that follows from the cluster's objects: what is served, by which addresses, and what the
/// objects are to be told.
struct DeliveryPlan: Sendable {
  /// Something that an object's owner should know.
  struct Complaint: Hashable, Sendable {
    var object: ObjectReference
    var message: String
  }

  static let ingressController = "atoll.dev/ingress"

  var configuration: DeliveryConfiguration
  var patches: [StatusPatch]
  var complaints: [Complaint]
  /// The addresses that the VIP interface must hold.
  var addresses: Set<IPAddress>
  /// By the words that problems name objects with.
  private var references: [String: ObjectReference] = [:]

  /// - Parameters:
  ///   - assignment: The addresses that were given before; takes the new ones.
  ///   - egress: The interface whose ways out are translated; nil: none is.
  ///   - applied: What is served now.
  init(
    _ objects: EdgeObjects, assignment: inout VIPAssignment, ingressVIP: IPAddress,
    egress: String? = nil, applied: DeliveryConfiguration = DeliveryConfiguration()
  ) {
    let (given, refusals) = assignment.update(
      objects.services, avoiding: DeliveryTranslation.snatAddresses(objects.namespaces))
    var input = DeliveryTranslation.Input(ingressAddress: ingressVIP)
    input.services = objects.services
    input.slices = objects.slices
    input.ingresses = objects.ingresses
    for item in objects.classes {
      // A class of our name may be somebody else's, too.
      if item.controller == Self.ingressController {
        input.ingressClasses.insert(item.name)
      } else {
        input.ingressClasses.remove(item.name)
      }
    }
    input.addresses = given
    input.drainingNodes = objects.drainingNodes
    input.namespaces = objects.namespaces
    input.podAddresses = objects.podAddresses
    input.egressInterface = egress
    input.egressAddresses = assignment.range
    input.applied = applied
    let (certificates, unusable) = Self.certificates(of: objects)
    input.certificates = certificates
    let translation = DeliveryTranslation(input)
    configuration = translation.configuration
    addresses = Set(given.values).union([ingressVIP])
      .union(configuration.egress.flatMap(\.addresses))
    let covers = assignment.covers
    patches = StatusPlan.patches(
      objects, addresses: given, ingresses: Set(translation.ingresses), ingressVIP: ingressVIP,
      isOurs: covers)
    complaints = refusals.map { Complaint(object: $0.service, message: $0.message) }
    for service in objects.services {
      references["service \(service.resourceName)"] = service.reference
    }
    for namespace in objects.namespaces {
      references["namespace \(namespace.name)"] = namespace.reference
    }
    for ingress in objects.ingresses {
      references["ingress \(ingress.resourceName)"] = ingress.reference
    }
    complaints += translation.problems.compactMap(complaint)
    complaints += unusable
    for (route, problem) in configuration.removeBadRoutes() {
      let owners = objects.ingresses.filter { ingress in
        ingress.rules.contains { rule in
          rule.host == route.host && rule.paths.contains { $0.path == route.path.path }
        }
      }
      complaints += owners.map {
        Complaint(
          object: $0.reference,
          message: "\(problem.field) is \(problem.found), expected \(problem.expected)")
      }
    }
  }

  /// The certificates of Secrets that Ingresses name. One that cannot serve is told to its Secret, and
  /// keeps no other from serving.
  private static func certificates(
    of objects: EdgeObjects
  ) -> (usable: [ResourceName: CertificateSource], complaints: [Complaint]) {
    let wanted = Set(
      objects.ingresses.flatMap { ingress in
        ingress.tls.compactMap { tls in
          tls.secretName.map { ResourceName(namespace: ingress.namespace, name: $0) }
        }
      })
    var usable: [ResourceName: CertificateSource] = [:]
    var complaints: [Complaint] = []
    for secret in objects.certificates where wanted.contains(secret.resourceName) {
      func text(_ key: String) -> String {
        String(decoding: secret.data[key] ?? [], as: UTF8.self)
      }
      let source = CertificateSource(
        certificate: PEMSource(text: text("tls.crt")), key: PEMSource(text: text("tls.key")))
      if let problem = Engine.problem(of: source) {
        complaints.append(Complaint(object: secret.reference, message: "data: \(problem)"))
      } else {
        usable[secret.resourceName] = source
      }
    }
    return (usable, complaints)
  }

  /// The complaint to the owner of what has the problem; nil if that is no object of the cluster.
  func complaint(_ problem: Problem) -> Complaint? {
    var object = problem.object
    if object.hasPrefix("egress ") { object.removeFirst("egress ".count) }
    for prefix in ["virtual server ", "pool "] where object.hasPrefix(prefix) {
      // Named `namespace/service:port`.
      let name = object.dropFirst(prefix.count)
      object = "service \(name[..<(name.lastIndex(of: ":") ?? name.endIndex)])"
    }
    guard let reference = references[object] else { return nil }
    return Complaint(
      object: reference,
      message: "\(problem.field) is \(problem.found), expected \(problem.expected)")
  }
}

extension DeliveryConfiguration {
  /// The virtual server of all Ingresses must not stop for a route of one of them.
  mutating func removeBadRoutes() -> [(HTTPRoute, Problem)] {
    var problems: [(HTTPRoute, Problem)] = []
    for index in virtualServers.indices where !virtualServers[index].validate().isEmpty {
      var server = virtualServers[index]
      let routes = server.routes
      server.routes = routes.filter { route in
        var alone = server
        alone.routes = [route]
        let own = alone.validate().filter { $0.field.hasPrefix("routes[") }
        problems += own.map { (route, $0) }
        return own.isEmpty
      }
      virtualServers[index].routes = server.routes
    }
    return problems
  }
}
