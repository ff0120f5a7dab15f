import Kubernetes
import Linux

extension ImageStore {
  /// Takes images from an OCI layout, an OCI archive or a Docker archive.
  /// - Parameter name: What to call it, where the archive itself has no name.
  package func importImage(from path: String, as name: String?) async throws -> Image {
    var source: String
    if FileSystem.exists(path + "/oci-layout") {
      source = "oci:\(path)"
    } else if FileSystem.isDirectory(path) || !FileSystem.exists(path) {
      throw ImageError("\(path): expected an OCI layout, an OCI archive or a Docker archive")
    } else {
      let list = try await ChildProcess.run(["tar", "-tf", path], limit: 4 << 20)
      let names = list.outputText.split(separator: "\n").map(String.init)
      let isLayout = names.contains { $0 == "oci-layout" || $0 == "./oci-layout" }
      source = (isLayout ? "oci-archive:" : "docker-archive:") + path
    }
    let names = try await namesInArchive(path, source)
    if names.count > 1 {
      guard let name, names.contains(name) else {
        throw ImageError(
          "\(path): it holds \(names.joined(separator: ", ")); say which with --as NAME:TAG")
      }
      source += ":\(name)"
    }
    guard let text = name ?? names.first, let reference = ImageReference(text) else {
      throw ImageError("\(path): it names no image; say which with --as NAME:TAG")
    }
    return try await unpack(reference, from: source)
  }

  /// The images of an archive, by their full names: a layout that knows a tag alone names none.
  private func namesInArchive(_ path: String, _ source: String) async throws -> [String] {
    let file = source.hasPrefix("docker-archive:") ? "manifest.json" : "index.json"
    let text: String
    if source.hasPrefix("oci:") {
      text = try FileSystem.readText("\(path)/index.json")
    } else {
      // `tar` may know it by either name.
      let result = try await ChildProcess.run(
        ["tar", "-xOf", path, "--wildcards", "--no-anchored", file])
      text = result.outputText
    }
    guard let json = try? JSON(parsing: text) else { return [] }
    if file == "manifest.json" {
      return json.elements.compactMap { $0["RepoTags"][0].string }
    }
    return json["manifests"].elements.compactMap { manifest in
      let annotations = manifest["annotations"]
      if let name = annotations["io.containerd.image.name"].string { return name }
      let name = annotations["org.opencontainers.image.ref.name"].string
      return name.flatMap { $0.contains("/") || $0.contains(":") ? $0 : nil }
    }
  }
}
