import Kubernetes
import NetTypes

/// What must hold for a unit to be whole, worked out from its objects; `Verification` tries each.
package struct VerificationPlan: Equatable, Sendable {
  package enum Probe: Equatable, Sendable {
    /// ICMP echo to a pod.
    case ping(IPAddress)
    /// A TCP handshake with a ready endpoint.
    case connect(SocketAddress)
    /// A request through an HTTP virtual server; any answer below 500 holds.
    case request(SocketAddress, host: String, path: String)
    /// The routes to a block lead from the edge to the node that owns it, at that address.
    case route(IPPrefix, owner: String, address: IPAddress)
  }

  package struct Item: Equatable, Sendable {
    /// The object as an operator names it: `default/whoami-5d4f7`.
    package var subject: String
    /// The node the probe's path ends at; without one it goes from the client through the edge.
    package var node: String?
    package var probe: Probe
  }

  package var items: [Item] = []
  /// What cannot be probed because an object lacks something, as `subject: reason`.
  package var missing: [(subject: String, reason: String)] = []

  package static func == (a: Self, b: Self) -> Bool {
    a.items == b.items && a.missing.elementsEqual(b.missing, by: ==)
  }
}

extension VerificationPlan {
  /// The objects a plan is made from, as the API lists them.
  package struct Objects: Sendable {
    package var nodes: [JSON] = []
    package var pods: [JSON] = []
    package var slices: [JSON] = []
    package var ingresses: [JSON] = []
    package var services: [JSON] = []
    package var affinities: [JSON] = []

    package init() {}
  }

  package init(_ objects: Objects) {
    var nodeAddresses: [String: IPAddress] = [:]
    for node in objects.nodes {
      let name = node["metadata"]["name"].string ?? ""
      let addresses = node["status"]["addresses"].elements
      let address = addresses.first { $0["type"].string == "InternalIP" }?["address"].string
      nodeAddresses[name] = address.flatMap { IPAddress($0) }
      let ready = node["status"]["conditions"].elements.first { $0["type"].string == "Ready" }
      if ready?["status"].string != "True" {
        missing.append(("node \(name)", ready?["message"].string ?? "not Ready"))
      }
    }
    // A drained node announces nothing.
    let drained = Set(
      objects.nodes.map(Node.init(json:)).filter { $0.drain == .withdrawn }.map(\.name))
    addRoutes(
      objects.affinities.filter { !drained.contains($0["spec"]["node"].string ?? "") },
      nodeAddresses)
    addPods(objects.pods)
    addEndpoints(objects.slices)
    addLoadBalancers(objects.services)
    addIngresses(objects.ingresses)
  }

  private mutating func addLoadBalancers(_ services: [JSON]) {
    for service in services where service["spec"]["type"].string == "LoadBalancer" {
      let metadata = service["metadata"]
      let subject = "\(metadata["namespace"].string ?? "")/\(metadata["name"].string ?? "")"
      let vip = service["status"]["loadBalancer"]["ingress"][0]["ip"].string.flatMap {
        IPAddress($0)
      }
      guard let vip else {
        missing.append(("service \(subject)", "the edge has given it no address"))
        continue
      }
      for port in service["spec"]["ports"].elements
      where (port["protocol"].string ?? "TCP") == "TCP" {
        guard let number = port["port"].int.flatMap({ UInt16(exactly: $0) }) else { continue }
        items.append(Item(subject: subject, probe: .connect(SocketAddress(vip, port: number))))
      }
    }
  }

  private mutating func addRoutes(_ affinities: [JSON], _ nodeAddresses: [String: IPAddress]) {
    for affinity in affinities where affinity["spec"]["deleted"].string != "true" {
      let spec = affinity["spec"]
      guard let node = spec["node"].string,
        let block = spec["cidr"].string.flatMap({ IPPrefix($0) })
      else { continue }
      guard let address = nodeAddresses[node] else {
        missing.append(("block \(block)", "node \(node), which owns it, is not there"))
        continue
      }
      items.append(
        Item(
          subject: "\(block)", node: node, probe: .route(block, owner: node, address: address)))
    }
  }

  private mutating func addPods(_ pods: [JSON]) {
    for pod in pods where pod["metadata"]["deletionTimestamp"].isNull {
      let phase = pod["status"]["phase"].string ?? "Pending"
      if phase == "Succeeded" || phase == "Failed" || pod["spec"]["hostNetwork"].bool == true {
        continue
      }
      let subject =
        "\(pod["metadata"]["namespace"].string ?? "")/\(pod["metadata"]["name"].string ?? "")"
      let node = pod["spec"]["nodeName"].string
      guard let address = pod["status"]["podIP"].string.flatMap({ IPAddress($0) }) else {
        missing.append(("pod \(subject)", "\(phase), no address yet"))
        continue
      }
      items.append(Item(subject: subject, node: node, probe: .ping(address)))
    }
  }

  private mutating func addEndpoints(_ slices: [JSON]) {
    for slice in slices {
      let metadata = slice["metadata"]
      let service =
        metadata["labels"]["kubernetes.io/service-name"].string ?? metadata["name"].string
      let subject = "\(metadata["namespace"].string ?? "")/\(service ?? "")"
      if subject == "default/kubernetes" { continue }
      for endpoint in slice["endpoints"].elements
      where endpoint["conditions"]["ready"].bool != false {
        for port in slice["ports"].elements where (port["protocol"].string ?? "TCP") == "TCP" {
          guard let number = port["port"].int.flatMap({ UInt16(exactly: $0) }) else { continue }
          for address in endpoint["addresses"].elements.compactMap(\.string) {
            guard let address = IPAddress(address) else { continue }
            items.append(
              Item(
                subject: subject, node: endpoint["nodeName"].string,
                probe: .connect(SocketAddress(address, port: number))))
          }
        }
      }
    }
  }

  private mutating func addIngresses(_ ingresses: [JSON]) {
    for ingress in ingresses {
      let metadata = ingress["metadata"]
      let subject = "\(metadata["namespace"].string ?? "")/\(metadata["name"].string ?? "")"
      let vip = ingress["status"]["loadBalancer"]["ingress"][0]["ip"].string.flatMap {
        IPAddress($0)
      }
      guard let vip else {
        missing.append(("ingress \(subject)", "the edge has given it no address"))
        continue
      }
      let address = SocketAddress(vip, port: 80)
      for rule in ingress["spec"]["rules"].elements {
        let host = (rule["host"].string ?? "\(vip)").replacingWildcard(with: "any")
        for path in rule["http"]["paths"].elements {
          items.append(
            Item(
              subject: subject,
              probe: .request(address, host: host, path: path["path"].string ?? "/")))
        }
      }
      if !ingress["spec"]["defaultBackend"].isNull {
        items.append(Item(subject: subject, probe: .request(address, host: "\(vip)", path: "/")))
      }
    }
  }
}

extension String {
  /// `*.example.com` as a host that it covers.
  fileprivate func replacingWildcard(with label: String) -> String {
    hasPrefix("*.") ? label + dropFirst(1) : self
  }
}
