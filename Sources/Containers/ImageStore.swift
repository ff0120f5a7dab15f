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
/// ROOT/NAME.json              what the image is and where
/// ROOT/NAME-VERSION/rootfs    its files, a folder for each version: running containers keep theirs
/// ```
/// NAME is the reference, bytes that may not stand in a file's name written as `%2F`.
/// Several processes may use one store at once: folders and records come into being whole.
@Loop package final class ImageStore {
  package static let sampleName = "atoll.dev/sample:latest"

  package let root: String
  /// Held open as long as the store lives, so that its path below names it.
  private let networkNamespace: Descriptor
  private let networkPath: String?
  private var pulls: [ImageReference: [Waiter]] = [:]

  /// - Parameter process: The process in whose network namespace registries are reached, by its
  ///   number; nil for the caller's own. A node has no way out of its unit.
  package nonisolated init(root: String, networkOf process: Int32? = nil) {
    self.root = root
    let descriptor = process.map { open("/proc/\($0)/ns/net", O_RDONLY | O_CLOEXEC) } ?? -1
    networkNamespace = Descriptor(descriptor)
    networkPath = descriptor < 0 ? nil : "/proc/self/fd/\(descriptor)"
  }

  /// The image of that reference; nil if it is not here.
  package func image(_ reference: ImageReference) -> Image? {
    guard let text = try? FileSystem.readText("\(root)/\(Self.name(reference)).json"),
      let json = try? JSON(parsing: text), let image = Image(json: json),
      image.reference == reference, FileSystem.isDirectory(image.root)
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

  /// Fetches an image from its registry. Asked twice at once, it is fetched once; who is cancelled
  /// stops waiting, while the others' image still comes.
  package func pull(_ reference: ImageReference) async throws -> Image {
    let waiter = Waiter()
    if pulls[reference] == nil {
      pulls[reference] = [waiter]
      Task { @Loop in
        var failure: (any Error)?
        do { _ = try await unpack(reference, from: "docker://\(reference)") } catch {
          failure = error
        }
        for waiter in pulls.removeValue(forKey: reference) ?? [] {
          waiter.resume(throwing: failure)
        }
      }
    } else {
      pulls[reference]?.append(waiter)
    }
    try await waiter.wait()
    guard let image = image(reference) else { throw ImageError("\(reference): removed meanwhile") }
    return image
  }

  package func remove(_ reference: ImageReference) throws {
    guard let image = image(reference) else { throw ImageError("\(reference): not here") }
    let folder = String(image.root.dropLast("/rootfs".count))
    guard !Self.isMounted(folder) else {
      throw ImageError("\(reference): containers still use it")
    }
    try FileSystem.removeTree("\(root)/\(Self.name(reference)).json")
    try FileSystem.removeTree(folder)
  }

  /// skopeo(1) brings the image into a layout of our own, umoci(1) unpacks it.
  func unpack(_ reference: ImageReference, from source: String) async throws -> Image {
    let name = Self.name(reference)
    let work = "\(root)/.work-\(name)-\(getpid())"
    try FileSystem.removeTree(work)
    try FileSystem.makeDirectories(work, mode: 0o700)
    defer { try? FileSystem.removeTree(work) }
    let layout = "\(work)/layout"
    try await tool(
      ["skopeo", "--insecure-policy", "copy", "-q", source, "oci:\(layout):image"], reference)
    let index = try JSON(parsing: try FileSystem.readText(layout + "/index.json"))
    let digest = index["manifests"][0]["digest"].string ?? ""
    let manifest = try JSON(parsing: try blob(digest, in: layout))
    let config = try JSON(parsing: try blob(manifest["config"]["digest"].string ?? "", in: layout))
    let folder = "\(root)/\(name)-\(digest.split(separator: ":").last?.prefix(12) ?? "image")"
    // What is here already may be below a running container.
    if !FileSystem.isDirectory(folder) {
      try await tool(
        ["umoci", "unpack", "--image", "\(layout):image", "\(work)/bundle"], reference)
      try FileSystem.makeDirectories(work + "/image")
      try system("rename", folder) { rename(work + "/bundle/rootfs", work + "/image/rootfs") }
      try Self.publish(work + "/image", as: folder)
    }
    var image = Image(reference: reference, id: digest, root: folder + "/rootfs")
    image.apply(configuration: config)
    image.size = manifest["layers"].elements.reduce(0) { $0 + ($1["size"].int ?? 0) }
    try add(image)
    return image
  }

  private func blob(_ digest: String, in layout: String) throws -> String {
    try FileSystem.readText("\(layout)/blobs/\(digest.replacing(":", with: "/"))")
  }

  private static let toolTimeout = Duration.seconds(600)

  private func tool(_ command: [String], _ reference: ImageReference) async throws {
    let result: ChildProcess.Result
    do {
      result = try await ChildProcess.run(
        command, networkNamespace: networkPath, timeout: Self.toolTimeout)
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

  /// Renames a finished folder to its place, where another process may have been first.
  static func publish(_ work: String, as folder: String) throws(SystemError) {
    if rename(work, folder) != 0, errno != EEXIST, errno != ENOTEMPTY {
      throw SystemError("rename", folder)
    }
  }

  /// Whether a container's root lies on `folder`.
  static func isMounted(_ folder: String) -> Bool {
    // Where the table cannot be read, better keep it.
    guard let table = try? FileSystem.readText("/proc/self/mountinfo") else { return true }
    return table.contains("lowerdir=\(folder)/rootfs")
  }

  /// Lists an image whose files are in place.
  package func add(_ image: Image) throws {
    try FileSystem.makeDirectories(root)
    try FileSystem.write(
      image.json.prettyText + "\n", to: "\(root)/\(Self.name(image.reference)).json")
  }

  static func name(_ reference: ImageReference) -> String {
    reference.description.utf8.reduce(into: "") { name, byte in
      let character = Character(UnicodeScalar(byte))
      if character.isLetter || character.isNumber || "._-".contains(character) {
        name.append(character)
      } else {
        name += byte < 16 ? "%0" : "%"
        name += String(byte, radix: 16, uppercase: true)
      }
    }
  }
}
