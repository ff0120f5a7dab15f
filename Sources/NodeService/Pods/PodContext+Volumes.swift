import Kubernetes
import NetTypes

/// A volume of a pod as a node makes it.
package enum VolumeSource: Hashable, Sendable {
  /// In memory if the medium is; `limit` in bytes.
  case emptyDirectory(isMemory: Bool, limit: Int64?)
  case hostPath(String, type: String)
  /// Files written by the node, relative paths.
  case files([ProjectedFile])
}

package struct ProjectedFile: Hashable, Sendable {
  package var path: String
  package var bytes: [UInt8]
  package var mode: UInt32
}

extension PodContext {
  /// Every volume of the pod by name.
  /// - Throws: what stands behind `MountVolume.SetUp failed for volume …` in a FailedMount event.
  package func volumes() throws(Failure) -> [(name: String, source: VolumeSource)] {
    var volumes: [(name: String, source: VolumeSource)] = []
    for volume in pod.at("spec.volumes").elements {
      let name = volume["name"].string ?? ""
      do throws(Failure) {
        volumes.append((name, try source(of: volume)))
      } catch {
        throw Failure("MountVolume.SetUp failed for volume \"\(name)\" : \(error)")
      }
    }
    return volumes
  }

  private func source(of volume: JSON) throws(Failure) -> VolumeSource {
    if volume["emptyDir"].object != nil {
      let directory = volume["emptyDir"]
      return .emptyDirectory(
        isMemory: directory["medium"].string == "Memory",
        limit: Quantity(json: directory["sizeLimit"])?.value)
    }
    if let path = volume.at("hostPath.path").string {
      return .hostPath(path, type: volume.at("hostPath.type").string ?? "")
    }
    if volume["configMap"].object != nil {
      return .files(try files(.configMap, volume["configMap"], nameKey: "name"))
    }
    if volume["secret"].object != nil {
      return .files(try files(.secret, volume["secret"], nameKey: "secretName"))
    }
    if volume["downwardAPI"].object != nil {
      return .files(try downwardFiles(volume["downwardAPI"], mode: 0o644))
    }
    if volume["projected"].object != nil {
      let mode = UInt32(exactly: volume.at("projected.defaultMode").int ?? 0o644) ?? 0o644
      var all: [ProjectedFile] = []
      for source in volume.at("projected.sources").elements {
        if source["configMap"].object != nil {
          all += try files(.configMap, source["configMap"], nameKey: "name", mode: mode)
        } else if source["secret"].object != nil {
          all += try files(.secret, source["secret"], nameKey: "name", mode: mode)
        } else if source["downwardAPI"].object != nil {
          all += try downwardFiles(source["downwardAPI"], mode: mode)
        }
      }
      return .files(all)
    }
    let kind = volume.members.keys.sorted().first { $0 != "name" } ?? "none"
    throw Failure(
      "volume kind \(kind) is not supported: expected emptyDir, hostPath, configMap, secret, "
        + "projected or downwardAPI")
  }

  private func files(
    _ kind: Referent, _ json: JSON, nameKey: String, mode: UInt32? = nil
  ) throws(Failure) -> [ProjectedFile] {
    let name = json[nameKey].string ?? ""
    let isOptional = json["optional"].bool ?? false
    guard let object = object(kind, name) else {
      if isOptional { return [] }
      throw Failure("\(kind.rawValue.lowercased()) \"\(name)\" not found")
    }
    let standard =
      mode ?? json["defaultMode"].int.flatMap { UInt32(exactly: $0) } ?? 0o644
    let data = Self.data(of: kind, object)
    guard let items = json["items"].array else {
      return try data.sorted { $0.key < $1.key }.map { key, bytes throws(Failure) in
        ProjectedFile(path: try Self.safe(key), bytes: bytes, mode: standard)
      }
    }
    var files: [ProjectedFile] = []
    for item in items {
      let key = item["key"].string ?? ""
      guard let bytes = data[key] else {
        if isOptional { continue }
        throw Failure("references non-existent \(kind.rawValue.lowercased()) key: \(key)")
      }
      files.append(
        ProjectedFile(
          path: try Self.safe(item["path"].string ?? key), bytes: bytes,
          mode: item["mode"].int.flatMap { UInt32(exactly: $0) } ?? standard))
    }
    return files
  }

  private func downwardFiles(_ json: JSON, mode: UInt32) throws(Failure) -> [ProjectedFile] {
    var files: [ProjectedFile] = []
    for item in json["items"].elements {
      let path = try Self.safe(item["path"].string ?? "")
      let text: String
      if let field = item.at("fieldRef.fieldPath").string {
        guard let value = self.field(field) else {
          throw Failure("unsupported fieldPath: \(field)")
        }
        text = value
      } else {
        text = try resource(item["resourceFieldRef"], container: [:])
      }
      files.append(
        ProjectedFile(
          path: path, bytes: Array(text.utf8),
          mode: item["mode"].int.flatMap { UInt32(exactly: $0) } ?? mode))
    }
    return files
  }

  /// A path that stays inside its volume.
  private static func safe(_ path: String) throws(Failure) -> String {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard !path.isEmpty, !path.hasPrefix("/"), !parts.contains(".."), !path.contains("\0") else {
      throw Failure("path \"\(path)\" leaves the volume")
    }
    return path
  }

  /// The names of ConfigMaps and Secrets that a pod refers to.
  package static func references(of pod: JSON) -> (configMaps: Set<String>, secrets: Set<String>) {
    var configMaps: Set<String> = []
    var secrets: Set<String> = []
    func note(_ json: JSON, _ name: String, _ set: inout Set<String>) {
      if let name = json[name].string { set.insert(name) }
    }
    let spec = pod["spec"]
    for container in spec["initContainers"].elements + spec["containers"].elements {
      for source in container["envFrom"].elements {
        note(source["configMapRef"], "name", &configMaps)
        note(source["secretRef"], "name", &secrets)
      }
      for variable in container["env"].elements {
        note(variable.at("valueFrom.configMapKeyRef"), "name", &configMaps)
        note(variable.at("valueFrom.secretKeyRef"), "name", &secrets)
      }
    }
    for volume in spec["volumes"].elements {
      note(volume["configMap"], "name", &configMaps)
      note(volume["secret"], "secretName", &secrets)
      for source in volume.at("projected.sources").elements {
        note(source["configMap"], "name", &configMaps)
        note(source["secret"], "name", &secrets)
      }
    }
    return (configMaps, secrets)
  }
}
