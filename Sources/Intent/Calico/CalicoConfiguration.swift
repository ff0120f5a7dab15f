import BGP
import Delivery
import Kubernetes
import NetTypes

/// BGPConfiguration objects, read: the one named `default`, and what those named `node.NAME` say
/// otherwise for one node. A field that cannot be read counts as not given.
package struct CalicoConfiguration: Sendable {
  /// Routes inside a prefix get communities.
  package struct Advertisement: Equatable, Sendable {
    package var prefix: IPPrefix
    package var communities: [CalicoCommunity]
  }

  private enum BindMode: String, CaseIterable {
    case none = "None"
    case nodeIP = "NodeIP"
  }

  package private(set) var asNumber: ASNumber?
  package private(set) var isMeshEnabled = true
  package private(set) var meshPassword: CalicoSecretKey?
  package private(set) var meshRestartTime: Duration?
  /// Listen on the node's own address alone.
  package private(set) var bindsNodeAddress = false
  package private(set) var advertisements: [Advertisement] = []
  package private(set) var serviceClusterPrefixes: [IPPrefix] = []
  package private(set) var serviceExternalPrefixes: [IPPrefix] = []
  package private(set) var serviceLoadBalancerPrefixes: [IPPrefix] = []
  private var listenPort: UInt16 = 179
  private var listenPorts: [String: UInt16] = [:]
  package private(set) var problems: [Problem] = []

  package init(_ objects: [JSON], nodeName: String) {
    var settings: JSON = .null
    for object in objects {
      let name = object["metadata"]["name"].string ?? ""
      if name == "default" {
        settings = object
      } else if name.hasPrefix("node.") {
        var reader = CalicoReader(.bgpConfiguration, object)
        listenPorts[String(name.dropFirst(5))] = Self.port(&reader)
        problems += reader.problems
      }
    }
    var reader = CalicoReader(.bgpConfiguration, settings)
    asNumber = reader.asNumber("spec.asNumber")
    isMeshEnabled = reader.flag("spec.nodeToNodeMeshEnabled") ?? true
    meshPassword = reader.secretKey("spec.nodeMeshPassword")
    meshRestartTime = reader.restartTime("spec.nodeMeshMaxRestartTime")
    bindsNodeAddress = reader.choice("spec.bindMode", BindMode.self) == .nodeIP
    listenPort = Self.port(&reader) ?? 179
    serviceClusterPrefixes = reader.prefixes("spec.serviceClusterIPs")
    serviceExternalPrefixes = reader.prefixes("spec.serviceExternalIPs")
    serviceLoadBalancerPrefixes = reader.prefixes("spec.serviceLoadBalancerIPs")
    readAdvertisements(
      &reader,
      objects.first {
        $0["metadata"]["name"].string == "node.\(nodeName)"
      })
    problems += reader.problems
  }

  private static func port(_ reader: inout CalicoReader) -> UInt16? {
    reader.integer("spec.listenPort", 1...65535).map { UInt16($0) }
  }

  /// The communities that names stand for are those of the object that uses them, or the cluster's.
  private mutating func readAdvertisements(_ reader: inout CalicoReader, _ own: JSON?) {
    var names = Self.names(&reader)
    guard let own, !own["spec"]["prefixAdvertisements"].isNull else {
      advertisements = Self.advertisements(&reader, names)
      return
    }
    var ownReader = CalicoReader(.bgpConfiguration, own)
    names.merge(Self.names(&ownReader)) { $1 }
    advertisements = Self.advertisements(&ownReader, names)
    problems += ownReader.problems
  }

  private static func names(_ reader: inout CalicoReader) -> [String: CalicoCommunity] {
    var names: [String: CalicoCommunity] = [:]
    for (index, element) in reader.json.at("spec.communities").elements.enumerated() {
      let name = element["name"].string ?? ""
      if let community = CalicoCommunity(element["value"].string ?? "") {
        names[name] = community
      } else {
        reader.report(
          "spec.communities[\(index)].value", element["value"], CalicoCommunity.expected)
      }
    }
    return names
  }

  private static func advertisements(
    _ reader: inout CalicoReader, _ names: [String: CalicoCommunity]
  ) -> [Advertisement] {
    let field = "spec.prefixAdvertisements"
    return reader.json.at(field).elements.enumerated().compactMap { index, element in
      var inner = CalicoReader(element, of: reader)
      let prefix = inner.prefix("cidr")
      let communities = element["communities"].elements.compactMap { value -> CalicoCommunity? in
        let text = value.string ?? ""
        if let community = names[text] ?? CalicoCommunity(text) { return community }
        inner.report("communities", value, "\(CalicoCommunity.expected), or a name of communities")
        return nil
      }
      reader.take(inner, "\(field)[\(index)]")
      return prefix.map { Advertisement(prefix: $0, communities: communities) }
    }
  }

  /// Where a node listens for BGP.
  package func listenPort(of node: String) -> UInt16 { listenPorts[node] ?? listenPort }

  /// What nodes announce for Services without routing there themselves: the kernel's rewriting of
  /// destinations comes before routing.
  package var servicePrefixes: [IPPrefix] {
    serviceClusterPrefixes + serviceExternalPrefixes + serviceLoadBalancerPrefixes
  }
}

/// A community as Calico writes it: `aa:nn`, or `aa:nn:mm` for a large one.
package enum CalicoCommunity: Hashable, Sendable {
  case standard(Community)
  case large(LargeCommunity)

  static let expected = "a community, as 64512:100 or 64512:100:200"

  package init?(_ text: String) {
    if let community = LargeCommunity(text: text) {
      self = .large(community)
    } else if text.contains(":"), let community = Community(text: text) {
      self = .standard(community)
    } else {
      return nil
    }
  }

  var standard: Community? { if case .standard(let value) = self { value } else { nil } }
  var large: LargeCommunity? { if case .large(let value) = self { value } else { nil } }
}
