import Kubernetes

/// An unpacked image: its root and what its configuration says. OCI image specification, config.md.
package struct Image: Hashable, Sendable {
  package var reference: ImageReference
  /// The digest, or for the built-in sample what stands for it.
  package var id: String
  /// The folder that holds its files, shared by all containers and never written to.
  package var root: String
  /// Bytes on disk; nil if not counted.
  package var size: Int?
  package var entrypoint: [String] = []
  package var command: [String] = []
  package var environment: [String] = []
  package var workingDirectory = "/"
  package var user = ""

  package init(reference: ImageReference, id: String, root: String) {
    self.reference = reference
    self.id = id
    self.root = root
  }
}

extension Image {
  var json: JSON {
    [
      "reference": JSON(reference.description), "id": JSON(id), "root": JSON(root),
      "size": JSON(size), "entrypoint": JSON(entrypoint), "command": JSON(command),
      "environment": JSON(environment), "workingDirectory": JSON(workingDirectory),
      "user": JSON(user),
    ]
  }

  init?(json: JSON) {
    guard let text = json["reference"].string, let reference = ImageReference(text),
      let id = json["id"].string, let root = json["root"].string
    else { return nil }
    self.init(reference: reference, id: id, root: root)
    size = json["size"].int
    entrypoint = json["entrypoint"].elements.compactMap(\.string)
    command = json["command"].elements.compactMap(\.string)
    environment = json["environment"].elements.compactMap(\.string)
    workingDirectory = json["workingDirectory"].string ?? "/"
    user = json["user"].string ?? ""
  }

  /// Takes over what an OCI image configuration says.
  mutating func apply(configuration: JSON) {
    let config = configuration["config"]
    entrypoint = config["Entrypoint"].elements.compactMap(\.string)
    command = config["Cmd"].elements.compactMap(\.string)
    environment = config["Env"].elements.compactMap(\.string)
    if let folder = config["WorkingDir"].string, !folder.isEmpty { workingDirectory = folder }
    user = config["User"].string ?? ""
  }
}
