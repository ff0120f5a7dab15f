import ArgumentParser
import Glibc
import Intent
import Kubernetes
import Linux
import NetTypes
import Unit

/// A command that fails in calicoctl's words, without a prefix of ours.
protocol CalicoctlCommand: AsyncParsableCommand {
  func perform() async throws
}

extension CalicoctlCommand {
  func run() async throws {
    do {
      try await perform()
    } catch let code as ExitCode {
      throw code
    } catch {
      try Calicoctl.fail("\(error)")
    }
  }
}

/// calicoctl's own commands, so that what operators type and scripts expect works as it stands.
struct Calicoctl: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "calicoctl's commands: BGP configuration, peers, filters, pools, nodes.",
    discussion: """
      Speaks to a unit (--name), to the cluster of a CalicoAPIConfig file (--config, or \
      /etc/calico/calicoctl.cfg), or to KUBECONFIG's; with none of them to the only unit here.
      """,
    subcommands: [
      Create.self, Apply.self, Replace.self, Patch.self, Get.self, Delete.self,
      CalicoctlNode.self, CalicoctlIPAM.self, Version.self,
    ])

  /// Which cluster.
  struct Connection: ParsableArguments {
    @Option(help: "A unit.")
    var name: String?
    @Option(name: [.short, .long], help: "A file of kind CalicoAPIConfig.", completion: .file())
    var config: String?
    @Option(help: "A context of the kubeconfig.")
    var context: String?
    @Flag(help: .hidden)
    var allowVersionMismatch = false

    var value: CalicoConnection {
      CalicoConnection(unit: name, configuration: config, context: context)
    }

    @Loop func client() throws -> CalicoClient { try value.client() }
  }

  struct Files: ParsableArguments {
    @Option(
      name: [.customShort("f"), .long], help: "A file, a folder, or - for standard input.",
      completion: .file())
    var filename: String
    @Flag(name: [.customShort("R"), .long], help: "Folders inside the folder too.")
    var recursive = false
    @Flag(help: "A file without objects is no error.")
    var skipEmpty = false

    func objects() throws -> [JSON] {
      try CalicoManifests(path: filename, recursive: recursive, skipsEmpty: skipEmpty).objects
    }
  }

  /// Objects named one by one, or by files.
  struct Selection: ParsableArguments {
    @Argument(help: "bgpConfiguration, bgpPeer, bgpFilter, ipPool or node; any case, plural too.")
    var kind: String?
    @Argument(help: "Names.")
    var names: [String] = []
    @Option(
      name: [.customShort("f"), .long], help: "A file, a folder, or - for standard input.",
      completion: .file())
    var filename: String?
    @Flag(name: [.customShort("R"), .long], help: "Folders inside the folder too.")
    var recursive = false
    @Flag(help: "A file without objects is no error.")
    var skipEmpty = false

    func validate() throws {
      guard (kind == nil) != (filename == nil) else {
        throw ValidationError("expected a kind, or a file with -f")
      }
    }

    func known() throws -> CalicoKind? {
      try kind.map { text in
        guard let kind = CalicoKind(typed: text) else {
          throw Failure("resource type '\(text)' is not supported")
        }
        return kind
      }
    }

    func objects() throws -> [JSON] {
      guard let filename else { return [] }
      return try CalicoManifests(path: filename, recursive: recursive, skipsEmpty: skipEmpty)
        .objects
    }
  }

  /// A failure in calicoctl's words, which stand alone on standard error.
  struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  struct Create: CalicoctlCommand {
    static let configuration = CommandConfiguration(abstract: "Make objects.")
    @OptionGroup var files: Files
    @Flag(help: "An object that is there already is no error.")
    var skipExists = false
    @OptionGroup var connection: Connection

    func perform() async throws {
      try await Calicoctl.change(
        .create, files.objects(), connection, leniency: skipExists ? .skipExisting : [])
    }
  }

  struct Apply: CalicoctlCommand {
    static let configuration = CommandConfiguration(abstract: "Make objects, or replace them.")
    @OptionGroup var files: Files
    @OptionGroup var connection: Connection

    func perform() async throws { try await Calicoctl.change(.apply, files.objects(), connection) }
  }

  struct Replace: CalicoctlCommand {
    static let configuration = CommandConfiguration(abstract: "Replace objects that are there.")
    @OptionGroup var files: Files
    @OptionGroup var connection: Connection

    func perform() async throws {
      try await Calicoctl.change(.replace, files.objects(), connection)
    }
  }

  struct Patch: CalicoctlCommand {
    static let configuration = CommandConfiguration(
      abstract: "Change some fields of an object.", usage: "atoll calicoctl patch KIND NAME -p JSON"
    )
    @Argument var kind: String
    @Argument var object: String
    @Option(name: .shortAndLong, help: "The fields to change, as JSON or YAML.")
    var patch: String
    @Option(name: .shortAndLong, help: "strategic or merge, which here are one.")
    var type = "strategic"
    @OptionGroup var connection: Connection

    func perform() async throws {
      guard ["strategic", "merge"].contains(type) else {
        throw Failure("patch type '\(type)' is not supported, expected strategic or merge")
      }
      guard let kind = CalicoKind(typed: kind) else {
        throw Failure("resource type '\(kind)' is not supported")
      }
      guard let fields = try YAML.documents(patch, file: "--patch").first, fields.object != nil
      else { throw Failure("--patch: found \(patch), expected an object as {\"spec\": …}") }
      try await Calicoctl.change(
        .patch, [Calicoctl.reference(kind, object)], connection, patch: fields)
    }
  }

  struct Delete: CalicoctlCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove objects.", usage: "atoll calicoctl delete (KIND NAME… | -f FILE)")
    @OptionGroup var selection: Selection
    @Flag(name: [.customShort("s"), .long], help: "An object that is not there is no error.")
    var skipNotExists = false
    @OptionGroup var connection: Connection

    func perform() async throws {
      var objects = try selection.objects()
      if let kind = try selection.known() {
        guard !selection.names.isEmpty else { throw Failure("resource name may not be empty") }
        objects = selection.names.map { Calicoctl.reference(kind, $0) }
      }
      try await Calicoctl.change(
        .delete, objects, connection, leniency: skipNotExists ? .skipMissing : [])
    }
  }

  struct Get: CalicoctlCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show objects.", usage: "atoll calicoctl get (KIND [NAME…] | -f FILE) [-o FORMAT]")
    @OptionGroup var selection: Selection
    @Option(name: .shortAndLong, help: "ps, wide, yaml, json or name.")
    var output: CalicoListing.Format = .ps
    @OptionGroup var connection: Connection

    func perform() async throws {
      let client = try await connection.client()
      let listing: CalicoListing
      if let kind = try selection.known() {
        listing = await CalicoListing(kind, names: selection.names, format: output, client)
      } else {
        listing = await CalicoListing.of(try selection.objects(), format: output, client)
      }
      print(listing.output, terminator: "")
      if listing.errors.isEmpty { return }
      try Calicoctl.fail(listing.errors.map(\.description).joined(separator: "\n"))
    }
  }

  struct Version: CalicoctlCommand {
    static let configuration = CommandConfiguration(abstract: "Show versions.")
    @OptionGroup var connection: Connection

    func perform() async throws {
      let version = Atoll.configuration.version
      print("Client Version:    \(version)")
      let client = try await connection.client()
      print("Cluster Version:   \(try await client.clusterVersion())")
      print("Cluster Type:      k8s,bgp")
    }
  }

  // MARK: What the commands share

  static func reference(_ kind: CalicoKind, _ name: String) -> JSON {
    ["kind": .string(kind.rawValue), "metadata": ["name": .string(name)]]
  }

  static func change(
    _ verb: CalicoChange.Verb, _ objects: [JSON], _ connection: Connection,
    leniency: CalicoChange.Leniency = [], patch: JSON = .null
  ) async throws {
    if objects.isEmpty { return print("No resources specified") }
    let change = await CalicoChange.run(
      verb, objects, try connection.client(), leniency: leniency, patch: patch)
    if let success = change.success { print(success) }
    if let failure = change.failure { try fail(failure) }
  }

  static func fail(_ text: String) throws -> Never {
    let bytes = Array((text + "\n").utf8)
    _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    throw ExitCode(1)
  }
}

extension CalicoListing.Format: ExpressibleByArgument {}
