import Delivery
import Kubernetes
import NetTypes

/// A BGPPeer object, read: who is to peer with whom, and how.
package struct CalicoPeer: Equatable, Sendable {
  package enum Target: Equatable, Sendable {
    /// - Parameter port: Nil: 179, or a node's own where the address is a node's.
    case address(IPAddress, port: UInt16?, ASNumber)
    case nodes(CalicoSelector)
  }

  package enum NextHopMode: String, CaseIterable, Sendable {
    case auto = "Auto"
    /// Ourselves in every route announced.
    case own = "Self"
    /// As it was learnt, in what is announced to another AS too.
    case keep = "Keep"
  }

  private enum SourceAddress: String, CaseIterable {
    case useNodeIP = "UseNodeIP"
    case none = "None"
  }

  package var name: String
  /// Made by a unit for want of a user's.
  package var isGenerated: Bool
  /// The node it is for; nil: those that `nodeSelector` picks.
  package var node: String?
  package var nodeSelector: CalicoSelector
  package var target: Target
  package var nextHopMode: NextHopMode
  package var restartTime: Duration?
  package var password: CalicoSecretKey?
  /// The most hops to the peer; nil: not checked. RFC 5082.
  package var ttlSecurityHops: UInt8?
  /// The session's local address is the node's.
  package var usesNodeAddress: Bool
  package var allowedLocalAS: Int?
  /// BGPFilter objects, in order.
  package var filters: [String]

  /// As problems and descriptions have it.
  package var object: String { "BGPPeer \(name)" }
  package var isGlobal: Bool { node == nil && nodeSelector == .all }

  /// Nil, and `problems` says why, for an object that makes no peering: half of one might be less
  /// guarded than it was meant to be.
  package init?(_ json: JSON, problems: inout [Problem]) {
    var reader = CalicoReader(.bgpPeer, json)
    defer { problems += reader.problems }
    name = json["metadata"]["name"].string ?? ""
    isGenerated = CalicoTranslation.isGenerated(json)
    node = reader.text("spec.node")
    nodeSelector = reader.selector("spec.nodeSelector") ?? .all
    restartTime = reader.restartTime("spec.maxRestartTime")
    password = reader.secretKey("spec.password")
    ttlSecurityHops = reader.integer("spec.ttlSecurity", 0...255).flatMap {
      $0 == 0 ? nil : UInt8($0)
    }
    usesNodeAddress = reader.choice("spec.sourceAddress", SourceAddress.self) != SourceAddress.none
    allowedLocalAS = reader.integer("spec.numAllowedLocalASNumbers", 0...255)
    filters = json["spec"]["filters"].elements.compactMap(\.string)
    let keeps = reader.flag("spec.keepOriginalNextHop") ?? false
    nextHopMode =
      reader.choice("spec.nextHopMode", NextHopMode.self) ?? (keeps ? .keep : .auto)
    for field in ["localWorkloadSelector", "localASNumber"] where !json["spec"][field].isNull {
      reader.report("spec.\(field)", json["spec"][field], "none: not supported")
    }
    let target = Self.target(&reader)
    guard let target, reader.problems.isEmpty else { return nil }
    self.target = target
    // Told, and no reason to do without the peering.
    if let gateway = reader.text("spec.reachableBy") {
      reader.report("spec.reachableBy", found: gateway, "none: the kernel's own route is used")
    }
  }

  private static func target(_ reader: inout CalicoReader) -> Target? {
    if let selector = reader.selector("spec.peerSelector") {
      for field in ["spec.peerIP", "spec.asNumber"] where !reader.json.at(field).isNull {
        reader.report(field, reader.json.at(field), "nothing beside a peerSelector")
      }
      return .nodes(selector)
    }
    guard let text = reader.text("spec.peerIP") else {
      if reader.problems.isEmpty {
        reader.report("spec.peerIP", .null, "an address, or a peerSelector")
      }
      return nil
    }
    let endpoint = SocketAddress(text)
    guard let address = endpoint?.address ?? IPAddress(text) else {
      reader.report(
        "spec.peerIP", reader.json.at("spec.peerIP"), "an address, as 172.19.0.1 or 172.19.0.1:179")
      return nil
    }
    guard let remoteAS = reader.asNumber("spec.asNumber") else {
      if reader.json.at("spec.asNumber").isNull {
        reader.report("spec.asNumber", .null, "an AS number")
      }
      return nil
    }
    return .address(address, port: endpoint?.port, remoteAS)
  }

  /// Whether a node is to have this peering.
  package func isFor(_ node: Node) -> Bool {
    (self.node == nil || self.node == node.name) && nodeSelector.matches(node.labels)
  }
}
