import Glibc
import Intent
import Kubernetes
import Linux

/// The objects of the files that calicoctl's `-f` names.
package struct CalicoManifests: Sendable {
  package private(set) var objects: [JSON] = []

  /// A file that cannot be used, as a whole.
  package struct Invalid: Error, CustomStringConvertible {
    package let description: String
  }

  package init() {}

  /// - Parameters:
  ///   - path: A file, a folder of `.json`, `.yaml` and `.yml` files, or `-` for standard input.
  ///   - recursive: Folders inside the folder too.
  /// - Throws: `Invalid`.
  package init(path: String, recursive: Bool = false, skipsEmpty: Bool = false) throws {
    if path != "-", FileSystem.isDirectory(path) {
      for file in try Self.files(in: path, recursive) { try read(file, skipsEmpty) }
      if objects.isEmpty, !skipsEmpty {
        throw Invalid(description: "No resources specified in directory \(path)")
      }
    } else {
      try read(path, skipsEmpty)
    }
  }

  private static func files(in folder: String, _ recursive: Bool) throws -> [String] {
    try FileSystem.list(folder).sorted().flatMap { name -> [String] in
      let path = "\(folder)/\(name)"
      if FileSystem.isDirectory(path) { return recursive ? try files(in: path, true) : [] }
      return [".json", ".yaml", ".yml"].contains { name.hasSuffix($0) } ? [path] : []
    }
  }

  private mutating func read(_ path: String, _ skipsEmpty: Bool) throws {
    let text: String
    do {
      text = path == "-" ? Self.standardInput() : try FileSystem.readText(path)
    } catch {
      throw Invalid(description: "Failed to execute command: \(error)")
    }
    let found: [JSON]
    do {
      found = try Self.objects(in: text, file: path)
    } catch {
      throw Invalid(description: "Failed to execute command: \(error)")
    }
    if found.isEmpty, !skipsEmpty {
      throw Invalid(description: "No resources specified in file \(path)")
    }
    objects += found
  }

  /// The objects of a text; those of lists one by one.
  package static func objects(in text: String, file: String) throws -> [JSON] {
    try YAML.documents(text, file: file).flatMap { document -> [JSON] in
      let kind = document["kind"].string ?? ""
      let members =
        kind.hasSuffix("List") ? document["items"].elements : document.array ?? [document]
      for member in members { try check(member) }
      return members
    }
  }

  private static func check(_ object: JSON) throws {
    let kind = object["kind"].string ?? ""
    let version = object["apiVersion"].string ?? ""
    let known = [CalicoKind.apiVersion, "\(GroupResource.calicoGroup)/v1"]
    guard CalicoKind(rawValue: kind) != nil, known.contains(version) else {
      throw Invalid(description: "Unknown resource type (\(kind)) and/or version (\(version))")
    }
  }

  private static func standardInput() -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while case let count = Glibc.read(STDIN_FILENO, &buffer, buffer.count), count > 0 {
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
