import Intent
import KubeClient
import Kubernetes
import Linux

/// Puts manifests where the API server keeps applying them, and applies them once at once.
///
/// They come when all nodes are there, so that the first pods spread.
@Loop struct UnitManifests {
  let record: UnitRecord
  let plan: UnitPlan

  /// - Parameter sample: Whether the sample application comes where the user gives no manifests.
  /// - Throws: what is wrong with a file, by its line, or with an object, by its name.
  func install(sample: Bool) async throws -> String {
    var files = try Self.read(record.configuration.manifests)
    if sample, files.isEmpty {
      files = [File(path: "sample.yaml", text: SampleManifest.text)]
    }
    let client = try KubeClient.of(record, plan)
    var count = 0
    for (index, file) in files.enumerated() {
      for document in try file.documents() {
        try await apply(document, file.path, client)
        count += 1
      }
      let number = index < 9 ? "0\(index + 1)" : "\(index + 1)"
      let name = file.path.split(separator: "/").last.map(String.init) ?? "manifest.yaml"
      let kept = file.path == "sample.yaml" ? name : "\(number)-\(name)"
      try FileSystem.write(file.text, to: "\(record.directory.manifests)/\(kept)")
    }
    return count == 0 ? "none" : "\(count) objects from \(files.count) files"
  }

  /// A manifest of the user's, or the sample's.
  struct File: Sendable {
    var path: String
    var text: String

    /// - Throws: `FileProblem` with the path, the line, and what is wrong.
    func documents() throws -> [JSON] { try YAML.documents(text, file: path) }
  }

  /// Files given by name, and those of folders given, in order.
  /// - Throws: what cannot be read, or is no YAML.
  nonisolated static func read(_ paths: [String]) throws -> [File] {
    let names = try paths.flatMap { path -> [String] in
      guard FileSystem.isDirectory(path) else { return [path] }
      return try FileSystem.list(path).sorted().filter { name in
        [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) }
      }.map { "\(path)/\($0)" }
    }
    return try names.map { name in
      let file = File(path: name, text: try FileSystem.readText(name))
      _ = try file.documents()
      return file
    }
  }

  private func apply(_ document: JSON, _ file: String, _ client: KubeClient) async throws {
    let object = KubernetesObject(json: document)
    // Kinds that the manifests themselves define are left to the API server, which keeps trying.
    guard let type = ResourceTypes().type(object.groupVersionKind) else { return }
    var path = type.group.isEmpty ? "/api/\(type.version)" : "/apis/\(type.group)/\(type.version)"
    if type.isNamespaced {
      path += "/namespaces/\(object.namespace.isEmpty ? "default" : object.namespace)"
    }
    path += "/\(type.plural)/\(object.name)"
    let stamped = ManifestMark.stamp(document)
    if ManifestMark.holds(try? await client.get(path), stamped) { return }
    do {
      _ = try await client.request(
        "PATCH", path,
        query: [("fieldManager", "atoll-manifests"), ("force", "true")], body: stamped,
        contentType: "application/apply-patch+yaml")
    } catch let status as APIStatus {
      throw UnitError("\(file): \(object.kind) \(object.name): \(status.message)")
    }
  }
}
