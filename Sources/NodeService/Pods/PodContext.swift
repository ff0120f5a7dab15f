import Kubernetes
import NetTypes
import Wire

/// What references inside a pod resolve against: the object, its addresses, ConfigMaps and Secrets.
package struct PodContext: Sendable {
  package var pod: JSON
  package var addresses: [IPAddress]
  package var nodeName: String
  package var hostAddresses: [IPAddress]
  /// The `ConfigMap` objects of the pod's namespace that it names, by name.
  package var configMaps: [String: JSON]
  package var secrets: [String: JSON]
  /// What a container without a limit may use at most.
  package var allocatable: [String: Quantity]
  /// Where the API server answers inside the cluster, for `KUBERNETES_SERVICE_HOST`.
  package var apiService: SocketAddress?
  package var resolver = ResolverConfiguration()

  package init(pod: JSON, nodeName: String) {
    self.pod = pod
    self.nodeName = nodeName
    addresses = []
    hostAddresses = []
    configMaps = [:]
    secrets = [:]
    allocatable = [:]
  }

  /// Why a reference does not resolve, in kubelet's words.
  package struct Failure: Error, Hashable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
  }

  var namespace: String { pod.at("metadata.namespace").string ?? "default" }

  /// The value of a `fieldRef`. Nil if the path is not one of the downward API's.
  package func field(_ path: String) -> String? {
    let metadata = pod["metadata"]
    switch path {
    case "metadata.name": return metadata["name"].string
    case "metadata.namespace": return namespace
    case "metadata.uid": return metadata["uid"].string
    case "metadata.labels": return Self.lines(metadata["labels"].strings)
    case "metadata.annotations": return Self.lines(metadata["annotations"].strings)
    case "spec.nodeName": return nodeName
    case "spec.serviceAccountName": return pod.at("spec.serviceAccountName").string ?? "default"
    case "status.podIP": return addresses.first?.description ?? ""
    case "status.podIPs": return addresses.map(\.description).joined(separator: ",")
    case "status.hostIP": return hostAddresses.first?.description ?? ""
    case "status.hostIPs": return hostAddresses.map(\.description).joined(separator: ",")
    default:
      for map in ["labels", "annotations"] {
        let prefix = "metadata.\(map)['"
        if path.hasPrefix(prefix), path.hasSuffix("']") {
          return metadata[map][String(path.dropFirst(prefix.count).dropLast(2))].string ?? ""
        }
      }
      return nil
    }
  }

  private static func lines(_ map: [String: String]) -> String {
    map.sorted { $0.key < $1.key }.map { "\($0.key)=\(JSON($0.value).text)" }
      .joined(separator: "\n")
  }

  /// The value of a `resourceFieldRef`: in cores rounded up, or in bytes, divided by its divisor.
  package func resource(_ reference: JSON, container: JSON) throws(Failure) -> String {
    let path = reference["resource"].string ?? ""
    let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
    guard parts.count == 2, parts[0] == "limits" || parts[0] == "requests" else {
      throw Failure("unsupported container resource : \(path)")
    }
    var source = container
    if let name = reference["containerName"].string {
      source = pod.at("spec.containers").elements.first { $0["name"].string == name } ?? container
    }
    let quantity =
      Quantity(json: source["resources"][parts[0]][parts[1]])
      ?? (parts[0] == "limits" ? allocatable[parts[1]] : nil) ?? .zero
    let divisor = max(1, Quantity(json: reference["divisor"])?.milli ?? 1000)
    // "0" stands for no divisor.
    let unit = divisor == 1 && Quantity(json: reference["divisor"])?.milli == 0 ? 1000 : divisor
    return String(quantity.milli / unit + (quantity.milli % unit > 0 ? 1 : 0))
  }

  /// One key of a ConfigMap or Secret. Nil if it is missing and optional.
  func value(of kind: Referent, _ reference: JSON) throws(Failure) -> [UInt8]? {
    let name = reference["name"].string ?? ""
    let key = reference["key"].string ?? ""
    let isOptional = reference["optional"].bool ?? false
    guard let object = object(kind, name) else {
      if isOptional { return nil }
      throw Failure("\(kind.rawValue.lowercased()) \"\(name)\" not found")
    }
    guard let value = Self.data(of: kind, object)[key] else {
      if isOptional { return nil }
      throw Failure("couldn't find key \(key) in \(kind.rawValue) \(namespace)/\(name)")
    }
    return value
  }

  enum Referent: String {
    case configMap = "ConfigMap"
    case secret = "Secret"
  }

  func object(_ kind: Referent, _ name: String) -> JSON? {
    kind == .configMap ? configMaps[name] : secrets[name]
  }

  /// Every key with its bytes.
  static func data(of kind: Referent, _ object: JSON) -> [String: [UInt8]] {
    var data: [String: [UInt8]] = [:]
    if kind == .configMap {
      for (key, value) in object["data"].strings { data[key] = Array(value.utf8) }
      for (key, value) in object["binaryData"].strings { data[key] = Base64.decode(value) }
    } else {
      for (key, value) in object["data"].strings { data[key] = Base64.decode(value) }
      for (key, value) in object["stringData"].strings { data[key] = Array(value.utf8) }
    }
    return data
  }
}
