import Glibc
import Kubernetes
import Linux
import NetTypes

/// Why an image is not here.
package struct ImageError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// Unpacked images, shared by all nodes of all units of a machine.
///
/// ```
/// ROOT/NAME.json     what the image is and where
/// ROOT/NAME/rootfs   its files
/// ```
/// NAME is the reference with every other byte than letters, digits and dots made a dash.
@Loop package final class ImageStore {
  package static let sampleName = "atoll.dev/sample:latest"

  package let root: String
  private var pulls: [ImageReference: Task<Image, any Error>] = [:]

  package nonisolated init(root: String) { self.root = root }

  /// The image of that reference; nil if it is not here.
  package func image(_ reference: ImageReference) -> Image? {
    guard let text = try? FileSystem.readText("\(root)/\(Self.name(reference)).json"),
      let json = try? JSON(parsing: text), let image = Image(json: json),
      FileSystem.isDirectory(image.root)
    else { return nil }
    return image
  }

  package func images() -> [Image] {
    let names = ((try? FileSystem.list(root)) ?? []).filter { $0.hasSuffix(".json") }
    return names.sorted().compactMap { name in
      guard let text = try? FileSystem.readText("\(root)/\(name)"),
        let json = try? JSON(parsing: text)
      else { return nil }
      return Image(json: json)
    }
  }

  /// The built-in sample, taken anew from the executable when that has changed.
  package func ensureSample() throws -> Image {
    guard let reference = ImageReference.sample else { throw ImageError("no sample reference") }
    let executable = try Self.sampleExecutable()
    var status = stat()
    try system("stat", executable) { stat(executable, &status) }
    let id = "sample-\(status.st_size)-\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    if let image = image(reference), image.id == id { return image }
    // A folder of its own for each version: running containers keep the one they have.
    let folder = "\(root)/\(Self.name(reference))-\(id)"
    let files = folder + "/rootfs"
    for name in ["/proc", "/sys", "/dev", "/etc", "/tmp"] {
      try FileSystem.makeDirectories(files + name)
    }
    try FileSystem.write(try FileSystem.read(executable), to: files + "/atoll-sample", mode: 0o755)
    try FileSystem.write("root:x:0:0:root:/:/\n", to: files + "/etc/passwd")
    var image = Image(reference: reference, id: id, root: files)
    image.entrypoint = ["/atoll-sample"]
    image.size = Int(status.st_size)
    try record(image)
    return image
  }

  private static func sampleExecutable() throws -> String {
    let own = try FileSystem.executablePath()
    let folder = own.split(separator: "/").dropLast().joined(separator: "/")
    let places = ["/\(folder)/atoll-sample", "/\(folder)/../libexec/atoll/atoll-sample"]
    guard let found = places.first(where: { FileSystem.exists($0) }) else {
      throw ImageError(
        "\(sampleName): its executable is at none of \(places.joined(separator: ", "))")
    }
    return found
  }

  /// Takes images from an OCI layout, an OCI archive or a Docker archive.
  /// - Parameter name: What to call it, where the archive itself has no name.
  package func importImage(from path: String, as name: String?) async throws -> Image {
    let source: String
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
    let own = try await nameInArchive(path, source)
    guard let text = name ?? own, let reference = ImageReference(text) else {
      throw ImageError("\(path): it names no image; say which with --as NAME:TAG")
    }
    return try await unpack(reference, from: source)
  }

  private func nameInArchive(_ path: String, _ source: String) async throws -> String? {
    let file = source.hasPrefix("docker-archive:") ? "manifest.json" : "index.json"
    let text: String
    if source.hasPrefix("oci:") {
      text = try FileSystem.readText("\(path)/index.json")
    } else {
      text = try await ChildProcess.run(["tar", "-xOf", path, file]).outputText
    }
    guard let json = try? JSON(parsing: text) else { return nil }
    if file == "manifest.json" { return json[0]["RepoTags"][0].string }
    let annotations = json["manifests"][0]["annotations"]
    return annotations["io.containerd.image.name"].string
      ?? annotations["org.opencontainers.image.ref.name"].string
  }

  /// Fetches an image from its registry. Asked twice at once, it is fetched once.
  package func pull(_ reference: ImageReference) async throws -> Image {
    if let running = pulls[reference] { return try await running.value }
    let task = Task { @Loop in
      try await unpack(reference, from: "docker://\(reference)")
    }
    pulls[reference] = task
    defer { pulls[reference] = nil }
    return try await task.value
  }

  package func remove(_ reference: ImageReference) throws {
    guard let image = image(reference) else { throw ImageError("\(reference): not here") }
    try FileSystem.removeTree("\(root)/\(Self.name(reference)).json")
    try FileSystem.removeTree(String(image.root.dropLast("/rootfs".count)))
  }

  /// skopeo(1) brings the image into a layout of our own, umoci(1) unpacks it.
  private func unpack(_ reference: ImageReference, from source: String) async throws -> Image {
    let name = Self.name(reference)
    let work = "\(root)/.work-\(name)-\(getpid())"
    try FileSystem.removeTree(work)
    try FileSystem.makeDirectories(work, mode: 0o700)
    defer { try? FileSystem.removeTree(work) }
    let layout = "\(work)/layout"
    try await tool(
      ["skopeo", "--insecure-policy", "copy", "-q", source, "oci:\(layout):image"], reference)
    try await tool(
      ["umoci", "unpack", "--image", "\(layout):image", "\(work)/bundle"], reference)
    let index = try JSON(parsing: try FileSystem.readText(layout + "/index.json"))
    let digest = index["manifests"][0]["digest"].string ?? ""
    let manifest = try JSON(parsing: try blob(digest, in: layout))
    let config = try JSON(parsing: try blob(manifest["config"]["digest"].string ?? "", in: layout))
    let folder = "\(root)/\(name)-\(digest.split(separator: ":").last?.prefix(12) ?? "image")"
    try FileSystem.removeTree(folder)
    try FileSystem.makeDirectories(folder)
    try system("rename", folder) { rename("\(work)/bundle/rootfs", folder + "/rootfs") }
    var image = Image(reference: reference, id: digest, root: folder + "/rootfs")
    image.apply(configuration: config)
    image.size = manifest["layers"].elements.reduce(0) { $0 + ($1["size"].int ?? 0) }
    try record(image)
    return image
  }

  private func blob(_ digest: String, in layout: String) throws -> String {
    try FileSystem.readText("\(layout)/blobs/\(digest.replacing(":", with: "/"))")
  }

  private func tool(_ command: [String], _ reference: ImageReference) async throws {
    let result: ChildProcess.Result
    do {
      result = try await ChildProcess.run(command, timeout: .seconds(600))
    } catch let error as SystemError where error.code == ENOENT {
      throw ImageError("\(reference): \(command[0]) is not in PATH: apt-get install \(command[0])")
    }
    guard result.ending.isSuccess else {
      throw ImageError("\(reference): \(Self.reason(result.errorText))")
    }
  }

  /// The `msg="…"` of a log line, which holds the reason, without its escapes.
  static func reason(_ text: String) -> String {
    let last = text.split(separator: "\n").last.map(String.init) ?? "no reason given"
    guard let start = last.firstRange(of: "msg=\"") else { return last }
    return String(last[start.upperBound...]).replacing("\\\"", with: "'").replacing("\"", with: "")
  }

  private func record(_ image: Image) throws {
    try FileSystem.makeDirectories(root)
    try FileSystem.write(
      image.json.prettyText + "\n", to: "\(root)/\(Self.name(image.reference)).json")
  }

  private static func name(_ reference: ImageReference) -> String {
    String(reference.description.map { $0.isLetter || $0.isNumber || $0 == "." ? $0 : "-" })
  }
}
