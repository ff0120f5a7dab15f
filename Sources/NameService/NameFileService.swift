import DNS
import GSLB
import Glibc
import Intent
import Linux
import Logging
import NetTypes

/// A name server alone, told by a file what to serve.
///
/// The file, and the zone files it names, are read again when they change, and on SIGHUP. Objects apply
/// one by one: what is wrong with one is logged with its line, while the others, and its own last good
/// version, go on being served. A file that is away, empty or no such file at all changes nothing.
@Loop package final class NameFileService {
  package struct Options: Sendable {
    package var path: String
    package var workers: Int?
    /// How often the files are looked at.
    package var interval = Duration.milliseconds(250)
    /// The control socket; nil: none.
    package var socket: String?
    /// Where `/metrics` is served besides.
    package var metrics: SocketAddress?
    /// Where what must survive a restart is kept; nil: nowhere.
    package var state: String?

    package init(path: String) { self.path = path }
  }

  private let options: Options
  private let log: Logger
  let server: NameServer
  private(set) var steering: SteeringService
  private var zones = ZoneStore()
  private var control: NameControl?
  private var parsed: NameFile.Parsed
  private(set) var problems: [FileProblem] = []
  private var versions: [String: FileSystem.Version?] = [:]
  private var timer: Timer?

  /// - Throws: `FileProblem` or `SystemError` if there is nothing to begin with.
  package init(_ options: Options, log: Logger = Logger(label: "dns")) throws {
    self.options = options
    self.log = log
    parsed = try NameFile.parse(try FileSystem.readText(options.path), file: options.path)
    server = NameServer(Self.settings(parsed, options))
    steering = try SteeringService(
      name: parsed.peers?.voter ?? "self", state: options.state, server: server, log: log)
  }

  /// Serves until SIGTERM or SIGINT; the process has blocked both, and SIGHUP, before its threads
  /// started.
  package func run() async throws {
    try start()
    while try await Signals.wait(for: [SIGTERM, SIGINT, SIGHUP]) == SIGHUP { reload() }
    await stop()
  }

  package func start() throws {
    // Who asks early must not be told that there is nothing.
    apply(parsed)
    server.transferSource = { [weak self] zone, query, client in
      guard var transfer = self?.zones.transfer(of: zone, to: client, answering: query) else {
        return nil
      }
      return { transfer.next() }
    }
    try server.start()
    if let peers = parsed.peers {
      try steering.join(
        listen: peers.listen,
        peers: peers.peers.map {
          VoterAddress(
            name: $0.name, address: $0.address, certificateName: $0.certificateName)
        },
        trust: VoterTrust(
          authorityPath: path(peers.authority), certificatePath: path(peers.certificate),
          keyPath: path(peers.key)))
    }
    if options.socket != nil || options.metrics != nil {
      control = try NameControl(
        socket: options.socket, metrics: options.metrics, actions: controlActions)
    }
    look()
  }

  package func stop() async {
    timer?.cancel()
    steering.stop()
    server.stop()
    await control?.stop()
  }

  private static func settings(
    _ parsed: NameFile.Parsed, _ options: Options
  ) -> NameServer.Settings {
    var settings = NameServer.Settings(listen: parsed.server.listen)
    settings.workers = options.workers ?? parsed.server.workers
    settings.options = parsed.server.responderOptions
    settings.options.offersRecursion = parsed.forward != nil
    settings.recursionFor = parsed.forward?.allow ?? []
    return settings
  }

  private func look() {
    timer = Loop.after(options.interval) { [weak self] in
      guard let self else { return }
      if versions.contains(where: { FileSystem.version(of: $0) != $1 }) { reload() }
      look()
    }
  }

  /// Reads the file again; what cannot be read as a whole changes nothing.
  package func reload() {
    do {
      let new = try NameFile.parse(try FileSystem.readText(options.path), file: options.path)
      for (field, isOther) in [
        ("listen", new.server.listen != parsed.server.listen),
        ("workers", new.server.workers != parsed.server.workers),
        ("peers", new.peers != parsed.peers),
      ] where isOther {
        log.warning("takes a restart", metadata: ["field": "\(field)"])
      }
      apply(new)
    } catch {
      let problem = error as? FileProblem ?? FileProblem(file: options.path, message: "\(error)")
      if problems != [problem] {
        log.error(
          "configuration is not read, the last one stays", metadata: ["why": "\(problem)"])
      }
      problems = [problem]
    }
  }

  private func apply(_ new: NameFile.Parsed) {
    versions[options.path] = FileSystem.version(of: options.path)
    var found: [FileProblem] = []
    versions = versions.filter { $0.key == options.path }
    let loaded = zones.load(
      new.zones, keeping: new.refusedZones, folder: Self.folder(options.path), file: options.path)
    found += loaded.problems
    versions.merge(loaded.versions) { $1 }
    if loaded.isOther { server.publish(zones.catalogue) }
    for zone in loaded.changed { Notifier.tell(zone.source, zone.zone, log) }
    if new.forward != parsed.forward || server.forwarder == nil {
      server.forwarder = new.forward.map { forward in
        var settings = Forwarder.Settings(servers: forward.servers)
        settings.timeout = forward.timeout
        return Forwarder(settings)
      }
    }
    let settings = Self.settings(new, options)
    server.change { published in
      var options = settings.options
      options.cookies = published.options.cookies ?? options.cookies
      published.options = options
      published.recursionFor = settings.recursionFor
    }
    var geography: GeographicDatabase?
    if let path = new.geography.map(path) {
      versions[path] = FileSystem.version(of: path)
      do {
        geography = try GeographicDatabase(path: path)
      } catch {
        found.append(FileProblem(file: path, message: error.reason))
      }
    }
    let (usable, wrong) = new.gslb.validated()
    steering.configure(usable, geography: geography)
    found += new.problems + wrong.map(new.located)
    problems = found.sorted { ($0.file, $0.line, $0.column) < ($1.file, $1.line, $1.column) }
    parsed = new
    for notice in new.notices { log.warning("\(notice)") }
    for problem in problems { log.error("not served", metadata: ["why": "\(problem)"]) }
    log.notice(
      "configuration applied",
      metadata: [
        "zones": "\(zones.names.count)", "wideIPs": "\(usable.wideIPs.count)",
        "problems": "\(problems.count)",
      ])
  }

  private nonisolated static func folder(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }

  private func path(_ path: String) -> String {
    path.hasPrefix("/") ? path : "\(Self.folder(options.path))/\(path)"
  }

  /// What is wrong with a file and the zones it names.
  /// - Throws: what keeps it from being read as a whole.
  package static func check(_ path: String) throws -> (notices: [String], problems: [FileProblem]) {
    let parsed = try NameFile.parse(try FileSystem.readText(path), file: path)
    var zones = ZoneStore()
    let loaded = zones.load(parsed.zones, keeping: [], folder: folder(path), file: path)
    return (parsed.notices, parsed.allProblems + loaded.problems)
  }
}

extension NameFile.ServerSettings {
  fileprivate var responderOptions: Responder.Options {
    var options = Responder.Options()
    options.maximumPayloadSize = payloadSize
    options.identifier = identifier.map { Array($0.utf8) }
    options.hostName = identifier
    options.cookies = cookies ? .random() : nil
    options.secondsAtZero = Incarnation.secondsAtZero
    options.rateLimit = rateLimit
    return options
  }
}
