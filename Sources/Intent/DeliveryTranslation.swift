import Delivery
import Kubernetes
import NetTypes

/// Translates Services of type LoadBalancer and Ingresses to virtual servers and pools.
///
/// A problem of one object is told for that object; all others are translated as if it were not
/// there. A route whose backend is missing answers 503 by a pool without members.
package struct DeliveryTranslation {
  package var configuration = DeliveryConfiguration()
  package var problems: [Problem] = []
  /// Ingresses that are ours, by namespace and name: those whose status is to show the address.
  package var ingresses: [ResourceName] = []

  /// What is translated.
  package struct Input {
    package var services: [Service] = []
    package var slices: [EndpointSlice] = []
    package var ingresses: [Ingress] = []
    /// Names of ingress classes that are ours, and whether ours is the default.
    package var ingressClasses: Set<String> = [DeliveryTranslation.className]
    /// Addresses of LoadBalancer Services.
    package var addresses: [ResourceName: IPAddress] = [:]
    package var ingressAddress: IPAddress
    /// Of Secrets of type kubernetes.io/tls that can serve.
    package var certificates: [ResourceName: CertificateSource] = [:]
    /// Those with the annotation that says how their pods leave.
    package var namespaces: [Namespace] = []
    /// Of their pods, by namespace.
    package var podAddresses: [String: [IPAddress]] = [:]
    /// The interface that leads out, where what leaves is translated; nil: it is not.
    package var egressInterface: String?
    /// What may be asked for as a source.
    package var egressAddresses: ClosedRange<IPAddress>?
    /// What is served now: an annotation that cannot be read leaves it as it is.
    package var applied = DeliveryConfiguration()
    /// Nodes whose endpoints keep their connections and get no new ones.
    package var drainingNodes: Set<String> = []

    package init(ingressAddress: IPAddress) { self.ingressAddress = ingressAddress }
  }

  package static let className = "atoll"
  /// Of a Service: `kernel` has nftables serve it.
  package static let modeAnnotation = "atoll.dev/mode"
  static let monitor = Monitor(
    kind: .tcp, interval: .seconds(1), timeout: .seconds(1), rise: 1, fall: 2)

  let input: Input
  private let services: [ResourceName: Service]
  private let slices: [ResourceName: [EndpointSlice]]
  private var poolNames: Set<String> = []

  package init(_ input: Input) {
    self.input = input
    services = Dictionary(input.services.map { ($0.resourceName, $0) }) { first, _ in first }
    slices = Dictionary(
      grouping: input.slices.filter { $0.serviceName != nil },
      by: { ResourceName(namespace: $0.namespace, name: $0.serviceName ?? "") })
    for service in input.services.sorted(by: { $0.resourceName < $1.resourceName })
    where service.type == "LoadBalancer" {
      translate(service)
    }
    translateIngresses()
    translateEgress()
  }

  // MARK: Services

  private mutating func translate(_ service: Service) {
    guard let address = input.addresses[service.resourceName] else { return }
    for port in service.ports {
      let object = "service \(service.resourceName)"
      guard let number = UInt16(exactly: port.port), number > 0 else {
        report(object, "spec.ports[\(port.name)].port", "\(port.port)", "1 to 65535")
        continue
      }
      let kind: VirtualServer.TransportProtocol
      switch port.transport {
      case "TCP": kind = .tcp
      case "UDP": kind = .udp
      default:
        report(object, "spec.ports[\(port.name)].protocol", port.transport, "TCP or UDP")
        continue
      }
      let pool = addPool(service, port)
      var server = VirtualServer(
        name: "\(service.resourceName):\(port.name.isEmpty ? "\(number)" : port.name)",
        address: address, port: number, protocol: kind, pool: pool)
      if let text = service.annotations[Self.modeAnnotation] {
        if let mode = VirtualServer.Mode(rawValue: text) {
          server.mode = mode
        } else {
          report(object, "metadata.annotations[\(Self.modeAnnotation)]", text, "proxy or kernel")
          let now = input.applied.virtualServers.first { $0.name == server.name }
          server.mode = now?.mode ?? .proxy
        }
      }
      configuration.virtualServers.append(server)
    }
  }

  /// The pool of a Service's port, made the first time it is asked for.
  private mutating func addPool(_ service: Service, _ port: ServicePort) -> String {
    let suffix = port.name.isEmpty ? "\(port.port)" : port.name
    let name = "\(service.resourceName):\(suffix)"
    guard poolNames.insert(name).inserted else { return name }
    configuration.pools.append(
      Pool(
        name: name, members: members(of: service, port),
        monitor: port.transport == "UDP" ? .none : Self.monitor))
    return name
  }

  /// Ready endpoints, those on draining nodes without new connections. While there are none elsewhere
  /// these go on as before; while there are none at all, those that still serve although they terminate.
  private func members(of service: Service, _ port: ServicePort) -> [Member] {
    var ready: [Member] = []
    var draining: [Member] = []
    var serving: [Member] = []
    var seen: Set<SocketAddress> = []
    for slice in (slices[service.resourceName] ?? []).sorted(by: { $0.name < $1.name })
    where slice.addressType == "IPv4" {
      let target = slice.ports.first {
        $0.name == port.name && $0.transport == port.transport
      }
      guard let number = target?.port.flatMap({ UInt16(exactly: $0) }) else { continue }
      for endpoint in slice.endpoints {
        let label = endpoint.targetRef.map {
          "\($0.groupVersionKind.kind.lowercased()) \($0.namespace)/\($0.name)"
        }
        for text in endpoint.addresses {
          guard let address = IPAddress(text),
            seen.insert(SocketAddress(address, port: number)).inserted
          else { continue }
          let member = Member(address: address, port: number, label: label ?? "")
          if endpoint.isReady {
            let isDraining = endpoint.nodeName.map(input.drainingNodes.contains) ?? false
            if isDraining { draining.append(member) } else { ready.append(member) }
          } else if endpoint.isServing, endpoint.isTerminating {
            serving.append(member)
          }
        }
      }
    }
    if ready.isEmpty {
      ready = draining.isEmpty ? serving : draining
    } else {
      for index in draining.indices { draining[index].state = .draining }
      ready += draining
    }
    return ready.sorted { $0.socketAddress < $1.socketAddress }
  }

  // MARK: Ingresses

  private mutating func translateIngresses() {
    var routes: [HTTPRoute] = []
    var claimed: [RouteKey: ResourceName] = [:]
    var fallback: (pool: String, owner: ResourceName)?
    for ingress in input.ingresses.sorted(by: Self.older) where isOurs(ingress) {
      let name = ingress.resourceName
      ingresses.append(name)
      for rule in ingress.rules {
        for path in rule.paths {
          guard let match = match(path, of: ingress) else { continue }
          let key = RouteKey(host: rule.host, match: match)
          if let owner = claimed[key] {
            report(
              "ingress \(name)", "rules", "\(rule.host ?? "*")\(path.path)",
              "a host and path that ingress \(owner) does not have")
            continue
          }
          claimed[key] = name
          routes.append(
            HTTPRoute(host: rule.host, path: match, pool: pool(for: path.backend, of: ingress)))
        }
      }
      guard let backend = ingress.defaultBackend else { continue }
      if let fallback {
        report(
          "ingress \(name)", "defaultBackend", "a second one",
          "only that of ingress \(fallback.owner)")
      } else {
        fallback = (pool(for: backend, of: ingress), name)
      }
    }
    guard !ingresses.isEmpty else { return }
    configuration.virtualServers.append(
      VirtualServer(
        name: "ingress", address: input.ingressAddress, port: 80, protocol: .http,
        pool: fallback?.pool, routes: routes))
    let certificates = ingressCertificates()
    guard !certificates.isEmpty else { return }
    var secure = VirtualServer(
      name: "ingress-tls", address: input.ingressAddress, port: 443, protocol: .https,
      pool: fallback?.pool, routes: routes)
    secure.tls = ServerTLS(certificates: certificates)
    configuration.virtualServers.append(secure)
  }

  /// Each Secret once, those of older Ingresses first: the first one serves names that none has.
  private mutating func ingressCertificates() -> [CertificateSource] {
    var found: [CertificateSource] = []
    var seen: Set<ResourceName> = []
    for ingress in input.ingresses.sorted(by: Self.older) where isOurs(ingress) {
      for (index, tls) in ingress.tls.enumerated() {
        guard let secret = tls.secretName else { continue }
        let name = ResourceName(namespace: ingress.namespace, name: secret)
        guard let certificate = input.certificates[name] else {
          report(
            "ingress \(ingress.resourceName)", "spec.tls[\(index)].secretName", secret,
            "a Secret of type kubernetes.io/tls with a certificate and its key")
          continue
        }
        if seen.insert(name).inserted { found.append(certificate) }
      }
    }
    return found
  }

  private struct RouteKey: Hashable {
    var host: String?
    var match: HTTPRoute.PathMatch
  }

  /// Of two that claim the same route the older one has it.
  private static func older(_ a: Ingress, _ b: Ingress) -> Bool {
    let times = (a.metadata["creationTimestamp"].string, b.metadata["creationTimestamp"].string)
    if times.0 != times.1 { return (times.0 ?? "") < (times.1 ?? "") }
    return a.resourceName < b.resourceName
  }

  private func isOurs(_ ingress: Ingress) -> Bool {
    let name =
      ingress.ingressClassName ?? ingress.annotations["kubernetes.io/ingress.class"]
    return name.map(input.ingressClasses.contains) ?? true
  }

  private mutating func match(_ path: IngressPath, of ingress: Ingress) -> HTTPRoute.PathMatch? {
    guard path.path.hasPrefix("/") else {
      report("ingress \(ingress.resourceName)", "path", path.path, "a path that begins with /")
      return nil
    }
    switch path.pathType {
    case "Exact": return .exact(path.path)
    case "Prefix": return .prefix(path.path)
    case "ImplementationSpecific": return .implementationSpecific(path.path)
    default:
      report(
        "ingress \(ingress.resourceName)", "pathType", path.pathType,
        "Exact, Prefix or ImplementationSpecific")
      return nil
    }
  }

  /// The backend's pool; an empty one, which answers 503, where the backend is missing.
  private mutating func pool(for backend: IngressBackend, of ingress: Ingress) -> String {
    let object = "ingress \(ingress.resourceName)"
    guard let serviceName = backend.serviceName else {
      report(object, "backend", "no service", "a service's name and port")
      return emptyPool("\(ingress.resourceName):no-backend")
    }
    let name = ResourceName(namespace: ingress.namespace, name: serviceName)
    guard let service = services[name] else {
      report(object, "backend.service.name", serviceName, "a Service in \(ingress.namespace)")
      return emptyPool("\(name):missing")
    }
    let port: ServicePort?
    switch backend.servicePort {
    case .int(let number): port = service.ports.first { $0.port == number }
    case .string(let text): port = service.ports.first { $0.name == text }
    case nil: port = service.ports.count == 1 ? service.ports.first : nil
    }
    guard let port else {
      let found = backend.servicePort.map { "\($0)" } ?? "none"
      let known = service.ports.map { "\($0.name.isEmpty ? "" : "\($0.name) ")\($0.port)" }
      report(
        object, "backend.service.port", found, "one of \(known.joined(separator: ", "))")
      return emptyPool("\(name):missing")
    }
    return addPool(service, port)
  }

  private mutating func emptyPool(_ name: String) -> String {
    if poolNames.insert(name).inserted { configuration.pools.append(Pool(name: name)) }
    return name
  }

  mutating func report(
    _ object: String, _ field: String, _ found: String, _ expected: String
  ) {
    problems.append(Problem(object: object, field: field, found: found, expected: expected))
  }
}
