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
    let files = try userFiles()
    let folder = record.directory.manifests
    var texts: [(name: String, text: String)] = []
    for (index, file) in files.enumerated() {
      let name = file.split(separator: "/").last.map(String.init) ?? "manifest.yaml"
      let number = index < 9 ? "0\(index + 1)" : "\(index + 1)"
      texts.append(("\(number)-\(name)", try FileSystem.readText(file)))
    }
    if sample, files.isEmpty { texts = [("sample.yaml", SampleManifest.text)] }
    let client = try KubeClient.of(record, plan)
    var count = 0
    for (name, text) in texts {
      for document in try YAML.documents(text, file: name) {
        try await apply(document, name, client)
        count += 1
      }
      try FileSystem.write(text, to: "\(folder)/\(name)")
    }
    return count == 0 ? "none" : "\(count) objects from \(texts.count) files"
  }

  /// Files given by name, and those of folders given, in order.
  private func userFiles() throws -> [String] {
    try record.configuration.manifests.flatMap { path -> [String] in
      guard FileSystem.isDirectory(path) else { return [path] }
      return try FileSystem.list(path).sorted().filter { name in
        [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) }
      }.map { "\(path)/\($0)" }
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
