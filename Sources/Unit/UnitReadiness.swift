import Intent
import KubeClient
import Kubernetes
import Linux
import NetTypes

/// Waits for each part of a unit in turn, until one deadline; what is not ready then is named.
@Loop final class UnitReadiness {
  private let record: UnitRecord
  private let plan: UnitPlan
  private let deadline: ReadinessDeadline
  private let client: KubeClient

  init(record: UnitRecord, plan: UnitPlan, deadline: Instant) throws {
    self.record = record
    self.plan = plan
    self.deadline = ReadinessDeadline(
      instant: deadline, advice: "the unit is left as it is: atoll status, atoll logs supervisor")
    client = try KubeClient.of(record, plan)
  }

  func ports() async throws -> String {
    try await deadline.wait(for: "ports") {
      let problems = PublishedPorts.problems(of: record)
      return problems.isEmpty ? nil : problems.joined(separator: "; ")
    }
    return record.publishes.map(\.description).joined(separator: ", ")
  }

  func apiServer() async throws {
    try await deadline.wait(for: "api") {
      _ = try await client.get("/readyz")
      return nil
    }
  }

  /// The Calico objects that the user has not supplied.
  func routingObjects() async throws -> String {
    var created: [String] = []
    for document in try YAML.documents(plan.routingManifest, file: "routing") {
      let kind = document["kind"].string ?? ""
      let resource = kind == "IPPool" ? "ippools" : "\(kind.lowercased())s"
      let path = "/apis/projectcalico.org/v3/\(resource)"
      if try await !client.get(path)["items"].elements.isEmpty { continue }
      _ = try await client.post(path, document)
      created.append(kind)
    }
    return created.isEmpty ? "as it was" : created.joined(separator: ", ")
  }

  /// The Service of the unit's name service, with its endpoint.
  func namesObjects() async throws -> String {
    var created: [String] = []
    for document in try YAML.documents(plan.namesManifest, file: "names") {
      let object = KubernetesObject(json: document)
      guard let type = ResourceTypes().type(object.groupVersionKind) else { continue }
      do {
        _ = try await client.create(type.groupResource, document)
        created.append("\(object.kind) \(object.resourceName)")
      } catch let status as APIStatus where status.isAlreadyExists {
        continue
      } catch let status as APIStatus {
        throw UnitError("\(object.kind) \(object.resourceName): \(status.message)")
      }
    }
    return created.isEmpty
      ? "as it was" : "\(created.joined(separator: ", ")) at \(plan.clusterDNS)"
  }

  /// The name service knows the cluster, as its clients see it.
  func namesAnswered() async throws -> String {
    let name = "kubernetes.default.svc.cluster.local"
    let expected = plan.configuration.serviceCIDR[1]
    let resolver = try NetworkNamespace.open(named: plan.client.namespace).with {
      try StubResolver(
        servers: [SocketAddress(plan.dnsAddress, port: 53)], timeout: .milliseconds(500))
    }
    try await deadline.wait(for: "dns") {
      let addresses = try await resolver.addresses(of: name)
      return addresses.contains(expected) ? nil : "\(name) is \(addresses), expected \(expected)"
    }
    return "\(plan.dnsAddress) knows \(name)"
  }

  func nodes() async throws -> String {
    let expected = Set(plan.nodes.map(\.nodeName))
    try await deadline.wait(for: "nodes") {
      let ready = try await client.get("/api/v1/nodes")["items"].elements.filter { node in
        node["status"]["conditions"].elements.contains {
          $0["type"].string == "Ready" && $0["status"].string == "True"
        }
      }
      let missing = expected.subtracting(ready.compactMap { $0["metadata"]["name"].string })
      return missing.isEmpty ? nil : "not Ready: \(missing.sorted().joined(separator: ", "))"
    }
    return "\(expected.count) Ready"
  }

  /// Every router has its sessions, and a route to every block.
  func sessions() async throws -> String {
    var sessions = 0
    var routes = 0
    try await deadline.wait(for: "bgp") {
      let affinities = try await client.get(
        "/apis/crd.projectcalico.org/v1/blockaffinities")["items"].elements
      let nodes = try await client.list("/api/v1/nodes").map(Node.init(json:))
      let drained = Set(nodes.filter { $0.drain == .withdrawn }.map(\.name))
      let blocks = affinities.filter { !drained.contains($0["spec"]["node"].string ?? "") }
        .compactMap { $0["spec"]["cidr"].string }
      (sessions, routes) = (0, 0)
      for router in plan.routers {
        let socket = record.directory.socket(of: router.role.name)
        let bgp = try await RouterControl(socket: socket).status()["bgp"]
        if let missing = Self.missing(bgp, blocks) { return "\(router.role.name): \(missing)" }
        sessions += bgp["sessions"].elements.count
        routes += bgp["routes"].elements.count { $0["installed"].bool == true }
      }
      return blocks.isEmpty ? "no node has a block of addresses yet" : nil
    }
    return "\(sessions) sessions Established, \(routes) routes installed"
  }

  private static func missing(_ bgp: JSON, _ blocks: [String]) -> String? {
    let down = bgp["sessions"].elements.filter { $0["state"].string != "Established" }
    if !down.isEmpty || bgp["sessions"].elements.isEmpty {
      return "not Established: \(down.compactMap { $0["peer"].string }.joined(separator: ", "))"
    }
    let routes = bgp["routes"].elements
    let known = Set(
      routes.filter { $0["installed"].bool == true }.compactMap { $0["prefix"].string })
    let missing = blocks.filter { !known.contains($0) }.map { block in
      let reason = routes.first { $0["prefix"].string == block }?["reason"].string
      return block + (reason.map { " (\($0))" } ?? "")
    }
    return missing.isEmpty ? nil : "no route to \(missing.joined(separator: ", "))"
  }

  func workloads() async throws -> String {
    var running = 0
    try await deadline.wait(for: "pods") {
      let deployments = try await client.get("/apis/apps/v1/deployments")["items"].elements
      for deployment in deployments {
        let wanted = deployment["spec"]["replicas"].int ?? 1
        let available = deployment["status"]["availableReplicas"].int ?? 0
        if available < wanted {
          let name = deployment["metadata"]["name"].string ?? ""
          return "deployment \(name): \(available) of \(wanted) available\(try await whyPending())"
        }
      }
      running = try await client.get("/api/v1/pods")["items"].elements.count {
        $0["status"]["phase"].string == "Running"
      }
      return nil
    }
    return "\(running) Running"
  }

  /// The first reason a pod gives for not running.
  private func whyPending() async throws -> String {
    for pod in try await client.get("/api/v1/pods")["items"].elements {
      let name = pod["metadata"]["name"].string ?? ""
      for status in pod["status"]["containerStatuses"].elements {
        let waiting = status["state"]["waiting"]
        if let reason = waiting["reason"].string, reason != "ContainerCreating" {
          return "; pod \(name): \(reason) \(waiting["message"].string ?? "")"
        }
      }
    }
    return ""
  }

  /// Every Ingress's first rule answers through the edge.
  func edgeAnswers() async throws -> String {
    var asked = 0
    try await deadline.wait(for: "edge") {
      var objects = VerificationPlan.Objects()
      objects.ingresses = try await client.get("/apis/networking.k8s.io/v1/ingresses")["items"]
        .elements
      let verification = VerificationPlan(objects)
      if let missing = verification.missing.first { return "\(missing.subject): \(missing.reason)" }
      asked = 0
      for item in verification.items {
        if let failure = await ProbeRunner(plan: plan).run(item.probe).failure {
          return "\(item.subject): \(failure)"
        }
        asked += 1
      }
      return nil
    }
    return asked == 0 ? "no Ingress to ask" : "\(asked) HTTP routes answer at \(plan.ingressVIP)"
  }
}
