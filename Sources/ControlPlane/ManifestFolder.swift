import Intent
import KubeServer
import Kubernetes
import Linux
import Logging
import NetTypes

/// Applies manifests from files and folders when the server starts, and a file again when it
/// changes. A bad document is told and blocks no other.
@Loop final class ManifestFolder {
  static let interval = Duration.seconds(1)

  private let paths: [String]
  private let api: APIServer
  private let log: Logger
  /// Files by the content that was applied whole.
  private var applied: [String: [UInt8]] = [:]
  /// The last complaint of each file, so that it is made once.
  private var complaints: [String: String] = [:]

  init(paths: [String], api: APIServer, log: Logger) {
    self.paths = paths
    self.api = api
    self.log = log
  }

  /// Applies what is there now, then looks for changes until its task is cancelled.
  func run() async {
    while !Task.isCancelled {
      for file in files() { await apply(file) }
      try? await Loop.sleep(Self.interval)
    }
  }

  private func files() -> [String] {
    paths.flatMap { path -> [String] in
      guard FileSystem.isDirectory(path) else {
        if !FileSystem.exists(path) { complain(path, "\(path): no such file or folder") }
        return FileSystem.exists(path) ? [path] : []
      }
      let names = ((try? FileSystem.list(path)) ?? []).sorted()
      return names.filter { name in
        [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) }
      }.map { "\(path)/\($0)" }
    }
  }

  private func apply(_ file: String) async {
    guard let bytes = try? FileSystem.read(file), applied[file] != bytes else { return }
    do {
      let documents = try YAML.documents(String(decoding: bytes, as: UTF8.self), file: file)
      var problems: [String] = []
      for (index, document) in documents.enumerated() {
        if let problem = await apply(document) {
          problems.append("\(file): document \(index + 1): \(problem)")
        }
      }
      if problems.isEmpty {
        applied[file] = bytes
        complaints[file] = nil
        log.info(
          "manifest applied", metadata: ["file": "\(file)", "objects": "\(documents.count)"])
      } else {
        complain(file, problems.joined(separator: "; "))
      }
    } catch {
      complain(file, "\(error)")
    }
  }

  private func complain(_ file: String, _ text: String) {
    guard complaints[file] != text else { return }
    complaints[file] = text
    log.error("manifest refused", metadata: ["file": "\(file)", "why": "\(text)"])
  }

  /// Applies one object as `kubectl apply --server-side` would; lists are taken apart.
  private func apply(_ document: JSON) async -> String? {
    if document["kind"].string?.hasSuffix("List") ?? false, document["items"].array != nil {
      for item in document["items"].elements {
        if let problem = await apply(item) { return problem }
      }
      return nil
    }
    let object = KubernetesObject(json: document)
    let kind = object.groupVersionKind
    guard !kind.kind.isEmpty, !object.name.isEmpty else {
      return "found no kind or no metadata.name, expected both"
    }
    guard let type = api.store.types.type(kind) else {
      return "\(kind.kind) \(object.name): found \(kind.apiVersion) \(kind.kind), "
        + "which this server does not serve"
    }
    var path = type.group.isEmpty ? "/api/\(type.version)" : "/apis/\(type.group)/\(type.version)"
    if type.isNamespaced {
      path += "/namespaces/\(object.namespace.isEmpty ? "default" : object.namespace)"
    }
    let namespace = object.namespace.isEmpty ? "default" : object.namespace
    let name = ResourceName(namespace: type.isNamespaced ? namespace : "", name: object.name)
    let stamped = ManifestMark.stamp(document)
    if ManifestMark.holds(api.store.get(type.storage, name), stamped) { return nil }
    let response = await api.handle(
      APIRequest(
        method: "PATCH", path: "\(path)/\(type.plural)/\(object.name)",
        query: [("fieldManager", "atoll-manifests"), ("force", "true")],
        headers: ["content-type": "application/apply-patch+yaml"], body: stamped.bytes))
    if (200..<300).contains(response.status) { return nil }
    guard case .bytes(let bytes) = response.body, let status = try? JSON(parsing: bytes) else {
      return "\(kind.kind) \(object.name): refused with \(response.status)"
    }
    return "\(kind.kind) \(object.name): \(status["message"].string ?? "\(response.status)")"
  }
}
