import DNS
import Intent
import Linux
import NetTypes

/// The zones that a file names: read, compiled, and read again only where something has changed.
struct ZoneStore: Sendable {
  /// What became of a reading.
  struct Loaded: Sendable {
    var problems: [FileProblem] = []
    /// The files that were read, as they were then.
    var versions: [String: FileSystem.Version?] = [:]
    /// Zones that are new or have another version.
    var changed: [Served] = []
    /// Zones came, went, or have other records.
    var isOther = false
  }

  /// A zone as it is served.
  struct Served: Sendable {
    var source: NameFile.ZoneSource
    var zone: Zone
    fileprivate var compiled: CompiledZone
    /// What it was read from, by path; its own text without one.
    fileprivate var texts: [String: [UInt8]]
    fileprivate var problems: [FileProblem]

    /// The texts are what they were.
    fileprivate func reads(_ text: [UInt8], _ bytes: (String) -> [UInt8]?) -> Bool {
      texts.allSatisfy { path, before in (path.isEmpty ? text : bytes(path)) == before }
    }
  }

  private var served: [DomainName: Served] = [:]
  private var order: [DomainName] = []

  var names: Set<DomainName> { Set(served.keys) }

  subscript(name: DomainName) -> Served? { served[name] }

  var catalogue: Catalogue { Catalogue(compiled: order.compactMap { served[$0]?.compiled }) }

  /// The messages of a whole zone for a client that may have it. RFC 5936.
  func transfer(
    of name: DomainName, to client: IPAddress, answering query: Message
  ) -> ZoneTransfer? {
    guard let zone = served[name] else { return nil }
    guard zone.source.allowTransfer.contains(where: { $0.contains(client) }) else { return nil }
    return ZoneTransfer(of: zone.zone, answering: query)
  }

  /// Reads the zones of `sources`.
  ///
  /// A zone that cannot be served stays in its last good version; so do those of `keeping`. What is in
  /// neither goes.
  /// - Parameter folder: That paths are relative to.
  mutating func load(
    _ sources: [NameFile.ZoneSource], keeping: Set<DomainName>, folder: String, file: String
  ) -> Loaded {
    var loaded = Loaded()
    var next: [DomainName: Served] = [:]
    for source in sources {
      let before = served[source.name]
      next[source.name] = read(source, before, folder, file, &loaded) ?? before
    }
    for name in keeping where next[name] == nil { next[name] = served[name] }
    let names =
      sources.map(\.name) + keeping.filter { name in !sources.contains { $0.name == name } }
    let present = names.filter { next[$0] != nil }
    loaded.isOther =
      present != order || present.contains { served[$0]?.zone != next[$0]?.zone }
    served = next
    order = present
    return loaded
  }

  private func read(
    _ source: NameFile.ZoneSource, _ before: Served?, _ folder: String, _ file: String,
    _ loaded: inout Loaded
  ) -> Served? {
    var texts: [String: [UInt8]] = [:]
    var versions: [String: FileSystem.Version?] = [:]
    func bytes(_ name: String) -> [UInt8]? {
      let path = name.hasPrefix("/") ? name : "\(folder)/\(name)"
      versions[path] = FileSystem.version(of: path)
      let bytes = try? FileSystem.read(path)
      texts[path] = bytes
      return bytes
    }
    defer { loaded.versions.merge(versions) { $1 } }
    let text: [UInt8]
    let name: String
    switch source.records {
    case .text(let own): (text, name) = (Array(own.utf8), "\(file): zone \(source.name)")
    case .file(let path):
      guard let found = bytes(path) else {
        loaded.problems.append(
          FileProblem(file: path, message: "zone \(source.name): the file cannot be read"))
        return nil
      }
      (text, name) = (found, path)
    }
    texts[""] = text
    if var before, before.reads(text, bytes) {
      before.source = source
      loaded.problems += before.problems
      return before
    }
    let (zone, wrong) = ZoneFile.parse(
      text, origin: source.name, file: name, include: { bytes($0) })
    let problems = wrong.map { problem in
      FileProblem(
        file: problem.file ?? name, line: problem.line ?? 0, column: problem.column ?? 0,
        message: (problem.name.map { "\($0): " } ?? "")
          + "found \(problem.found), expected \(problem.expected)")
    }
    loaded.problems += problems
    guard !wrong.contains(where: \.refusesZone) else { return nil }
    let new = Served(
      source: source, zone: zone, compiled: CompiledZone(zone), texts: texts,
      problems: problems)
    if zone != before?.zone { loaded.changed.append(new) }
    return new
  }
}
