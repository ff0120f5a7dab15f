import BGP
import Delivery
import Kubernetes
import NetTypes

/// Calico's BGPConfiguration and BGPPeer objects as the configuration of one node's speaker.
///
/// Objects of `projectcalico.org/v3` and `crd.projectcalico.org/v1` are alike. A problem of one
/// object is told for that object; the others hold.
package struct CalicoTranslation {
  package var configuration: RouterConfiguration
  package var problems: [Problem] = []

  /// Every object that has a say, as the API gives it.
  package struct Input {
    package var nodeName: String
    package var nodes: [Kubernetes.Node] = []
    /// BGPConfiguration objects; the one named `default` counts.
    package var configurations: [JSON] = []
    package var peers: [JSON] = []
    /// In force where no BGPConfiguration says otherwise.
    package var defaultAS = ASNumber(64512)

    package init(nodeName: String) { self.nodeName = nodeName }
  }

  private let input: Input

  package init(_ input: Input) {
    self.input = input
    configuration = RouterConfiguration(localAS: input.defaultAS)
    let settings = input.configurations.first { $0["metadata"]["name"].string == "default" }?[
      "spec"]
    let clusterAS = number("BGPConfiguration default", "asNumber", settings?["asNumber"] ?? .null)
    let globalAS = clusterAS ?? input.defaultAS
    let own = input.nodes.first { $0.name == input.nodeName }
    configuration.localAS = own.flatMap(asNumber(of:)) ?? globalAS
    configuration.routerID = own.flatMap { $0.bgpAddress?.v4 }
    if let port = settings?["listenPort"].int {
      if let port = UInt16(exactly: port), port > 0 {
        configuration.listenPort = port
      } else {
        report("BGPConfiguration default", "listenPort", "\(port)", "1 to 65535")
      }
    }
    if settings?["nodeToNodeMeshEnabled"].bool ?? true { addMesh(globalAS) }
    // The last one for an address holds: what the user wrote comes after what was generated.
    let generated = input.peers.filter(Self.isGenerated)
    for peer in generated + input.peers.filter({ !Self.isGenerated($0) }) { add(peer, own) }
  }

  /// Every other node, by its address.
  private mutating func addMesh(_ globalAS: ASNumber) {
    for node in input.nodes.sorted(by: { $0.name < $1.name }) where node.name != input.nodeName {
      guard let address = node.bgpAddress else { continue }
      var neighbor = Neighbor(address: address, remoteAS: asNumber(of: node) ?? globalAS)
      neighbor.settings.description = "mesh with \(node.name)"
      neighbor.port = configuration.listenPort
      add(neighbor)
    }
  }

  private mutating func add(_ neighbor: Neighbor) {
    if let index = configuration.neighbors.firstIndex(where: { $0.address == neighbor.address }) {
      configuration.neighbors[index] = neighbor
    } else {
      configuration.neighbors.append(neighbor)
    }
  }

  /// Made by a unit for want of a user's.
  package static func isGenerated(_ peer: JSON) -> Bool {
    peer["metadata"]["annotations"]["atoll.dev/generated"].string == "true"
  }

  private mutating func add(_ peer: JSON, _ own: Node?) {
    let object = "BGPPeer \(peer["metadata"]["name"].string ?? "")"
    let spec = peer["spec"]
    if let node = spec["node"].string, !node.isEmpty, node != input.nodeName { return }
    if let text = spec["nodeSelector"].string {
      do throws(CalicoSelector.Mistake) {
        guard try CalicoSelector(text).matches(own?.labels ?? [:]) else { return }
      } catch {
        return report(object, "spec.nodeSelector", error.found, error.expected)
      }
    }
    if let text = spec["peerSelector"].string, !text.isEmpty {
      return addSelected(text, spec, object)
    }
    guard let text = spec["peerIP"].string else {
      return report(object, "spec.peerIP", "nothing", "an address, or a peerSelector")
    }
    let endpoint = SocketAddress(text)
    guard let address = endpoint?.address ?? IPAddress(text) else {
      return report(
        object, "spec.peerIP", "\"\(text)\"", "an address, as 172.19.0.1 or 172.19.0.1:179")
    }
    guard let remoteAS = number(object, "spec.asNumber", spec["asNumber"]) else {
      if spec["asNumber"].isNull { report(object, "spec.asNumber", "nothing", "an AS number") }
      return
    }
    if address == own?.bgpAddress { return }
    var neighbor = Neighbor(address: address, remoteAS: remoteAS)
    neighbor.port = endpoint?.port ?? 179
    neighbor.settings.description = object
    add(neighbor)
  }

  /// The nodes that a selector picks, as peers.
  private mutating func addSelected(_ text: String, _ spec: JSON, _ object: String) {
    do throws(CalicoSelector.Mistake) {
      let selector = try CalicoSelector(text)
      for node in input.nodes where node.name != input.nodeName && selector.matches(node.labels) {
        guard let address = node.bgpAddress else { continue }
        var neighbor = Neighbor(
          address: address, remoteAS: asNumber(of: node) ?? configuration.localAS)
        neighbor.settings.description = object
        add(neighbor)
      }
    } catch {
      report(object, "spec.peerSelector", error.found, error.expected)
    }
  }

  /// A node's own AS: the annotation that Calico keeps it in.
  private func asNumber(of node: Node) -> ASNumber? {
    node.annotations["projectcalico.org/ASNumber"].flatMap { ASNumber(text: $0) }
  }

  /// An AS number given as a number or as text.
  private mutating func number(_ object: String, _ field: String, _ value: JSON) -> ASNumber? {
    if value.isNull { return nil }
    let parsed =
      value.int.flatMap { UInt32(exactly: $0) }.map { ASNumber($0) }
      ?? value.string.flatMap { ASNumber(text: $0) }
    guard let parsed, parsed.rawValue != 0 else {
      report(object, field, value.text, "1 to 4294967295")
      return nil
    }
    return parsed
  }

  private mutating func report(
    _ object: String, _ field: String, _ found: String, _ expected: String
  ) {
    problems.append(Problem(object: object, field: field, found: found, expected: expected))
  }
}

extension Node {
  /// The address that peers know it by: Calico's annotation, or its InternalIP.
  package var bgpAddress: IPAddress? {
    if let text = annotations["projectcalico.org/IPv4Address"] {
      return InterfaceAddress(text)?.address ?? IPAddress(text)
    }
    let addresses = status["addresses"].elements
    return addresses.first { $0["type"].string == "InternalIP" }?["address"].string
      .flatMap { IPAddress($0) }
  }
}
