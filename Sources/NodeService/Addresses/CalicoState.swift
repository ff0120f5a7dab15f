import Intent
import Kubernetes
import NetTypes
import Wire

/// What decides a node's routing: Calico's objects, the nodes they speak of, and what Services and
/// Secrets add to them.
package struct CalicoState: Hashable, Sendable {
  package var configurations: [JSON] = []
  package var peers: [JSON] = []
  package var filters: [JSON] = []
  package var pools: [JSON] = []
  package var nodes: [JSON] = []
  /// What this node announces for Services.
  package var serviceRoutes: [IPPrefix] = []
  /// Of sessions, where a Secret that has it is known.
  package var passwords: [CalicoSecretKey: String] = [:]

  package init() {}

  /// The passwords that peers and mesh name.
  package var passwordKeys: Set<CalicoSecretKey> {
    let references =
      peers.map { $0.at("spec.password.secretKeyRef") }
      + configurations.map { $0.at("spec.nodeMeshPassword.secretKeyRef") }
    return Set(
      references.compactMap { reference in
        guard let name = reference["name"].string, let key = reference["key"].string else {
          return nil
        }
        return CalicoSecretKey(name: name, key: key)
      })
  }

  /// The object that a problem names, as `BGPPeer edge`.
  package func reference(_ object: String) -> ObjectReference? {
    let words = object.split(separator: " ", maxSplits: 1).map(String.init)
    guard words.count == 2, let kind = CalicoKind(rawValue: words[0]) else { return nil }
    let objects =
      switch kind {
      case .bgpConfiguration: configurations
      case .bgpPeer: peers
      case .bgpFilter: filters
      case .ipPool: pools
      case .node: nodes
      }
    guard let found = objects.first(where: { $0.at("metadata.name").string == words[1] }) else {
      return nil
    }
    return ObjectReference(
      groupVersionKind: GroupVersionKind(apiVersion: CalicoKind.apiVersion, kind: kind.rawValue),
      name: words[1], uid: found.at("metadata.uid").string ?? "")
  }
}

extension CalicoState {
  /// As a node keeps it on its disk.
  var json: JSON {
    [
      "configurations": .array(configurations), "peers": .array(peers),
      "filters": .array(filters), "pools": .array(pools), "nodes": .array(nodes),
      "serviceRoutes": .array(serviceRoutes.map { .string("\($0)") }),
      "passwords": .array(
        passwords.map { key, text in
          ["name": .string(key.name), "key": .string(key.key), "text": .string(text)]
        }),
    ]
  }

  init(json: JSON) {
    self.init()
    configurations = json["configurations"].elements
    peers = json["peers"].elements
    filters = json["filters"].elements
    pools = json["pools"].elements
    nodes = json["nodes"].elements
    serviceRoutes = json["serviceRoutes"].elements.compactMap {
      $0.string.flatMap { IPPrefix($0) }
    }
    for entry in json["passwords"].elements {
      let key = CalicoSecretKey(name: entry["name"].string ?? "", key: entry["key"].string ?? "")
      passwords[key] = entry["text"].string
    }
  }
}

extension CalicoObjects {
  /// Objects as the watches have them.
  struct Watched {
    var pools: [ResourceName: JSON] = [:]
    var configurations: [ResourceName: JSON] = [:]
    var peers: [ResourceName: JSON] = [:]
    var filters: [ResourceName: JSON] = [:]
    var nodes: [ResourceName: JSON] = [:]
    /// Of the system's namespace, where a peer's password may be.
    var secrets: [ResourceName: JSON] = [:]

    /// In order of names. Of a node only what routing reads, so that its heartbeats change nothing.
    var state: CalicoState {
      func sorted(_ objects: [ResourceName: JSON]) -> [JSON] {
        objects.sorted { $0.key < $1.key }.map(\.value)
      }
      var state = CalicoState()
      state.pools = sorted(pools)
      state.configurations = sorted(configurations)
      state.peers = sorted(peers)
      state.filters = sorted(filters)
      state.nodes = sorted(nodes).map { node in
        [
          "apiVersion": "v1", "kind": "Node",
          "metadata": [
            "name": node.at("metadata.name"), "labels": node.at("metadata.labels"),
            "annotations": node.at("metadata.annotations"),
          ],
          "spec": node["spec"], "status": ["addresses": node.at("status.addresses")],
        ]
      }
      return state
    }

    /// The texts behind those keys that are there; the final line's end is no part of a password.
    func passwords(_ keys: Set<CalicoSecretKey>) -> [CalicoSecretKey: String] {
      var found: [CalicoSecretKey: String] = [:]
      for key in keys {
        let data = secrets[ResourceName(namespace: "kube-system", name: key.name)]?["data"]
        guard let encoded = data?[key.key].string, let bytes = Base64.decode(encoded) else {
          continue
        }
        var text = String(decoding: bytes, as: UTF8.self)
        if text.last?.isNewline == true { text.removeLast() }
        found[key] = text
      }
      return found
    }
  }
}
