import ArgumentParser
import Containers
import Kubernetes
import Linux
import Unit

struct Image: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Bring images to this machine's units, and list them.",
    subcommands: [Import.self, Ls.self, Pull.self, Rm.self])

  struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "import", abstract: "Take an OCI layout, an OCI archive or a Docker archive.")

    @Argument(help: "The file or folder.", completion: .file())
    var path: String
    @Option(name: .customLong("as"), help: "NAME:TAG, where the archive has no name.")
    var name: String?

    func run() async throws {
      let image = try await ImageStore(root: UnitDirectory.images).importImage(from: path, as: name)
      print("\(image.reference)")
    }
  }

  struct Ls: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "List the images here.")

    @OptionGroup var output: OutputOptions

    func run() async throws {
      let images = await ImageStore(root: UnitDirectory.images).images()
      if output.output == .json {
        let list = images.map { image -> JSON in
          [
            "image": JSON(image.reference.description), "id": JSON(image.id),
            "size": JSON(image.size),
          ]
        }
        return print(JSON(list).text)
      }
      var table = TextTable("IMAGE", "ID", "SIZE")
      for image in images {
        let id = image.id.split(separator: ":").last.map { String($0.prefix(12)) } ?? "-"
        let size = image.size.map { "\(($0 + 524_288) / 1_048_576) MiB" } ?? "-"
        table.add(image.reference.description, id, size)
      }
      print(table.text)
    }
  }

  struct Pull: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Fetch an image from its registry.")

    @Argument(help: "The image, as nginx:1.27.")
    var image: String

    func run() async throws {
      let pulled = try await ImageStore(root: UnitDirectory.images).pull(try Image.reference(image))
      print("\(pulled.reference)")
    }
  }

  struct Rm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Remove an image.")

    @Argument(help: "The image.")
    var image: String

    func run() async throws {
      try await ImageStore(root: UnitDirectory.images).remove(try Image.reference(image))
    }
  }

  fileprivate static func reference(_ text: String) throws -> ImageReference {
    guard let reference = ImageReference(text) else {
      throw ValidationError("image: found \"\(text)\", expected NAME[:TAG]")
    }
    return reference
  }
}
