import BGP
import Glibc
import Intent
import Kubernetes
import Linux
import Logging
import NetTypes
import Telemetry

/// A router run by a configuration text in a file: the edge's, a host's, and the one that runs alone.
///
///     file ──start, SIGHUP──▶ text ──whole or not at all──▶ Router
///       ▲                                  ▲
///       └────────── write ──────── shell ──┘
///
/// A text that cannot be taken changes nothing: what was in force stays, and `status` says why. At
/// the first start the router is then down, and an operator can mend it in the shell.
@Loop package final class TextRouter: ShellHost {
  package private(set) var configuration = ZebosConfiguration()
  package private(set) var router: Router?
  /// What is wrong with the file, or with starting.
  package private(set) var failure: String?
  private let path: String
  private let options: Router.Options
  private let log: Logger
  private var shells: [String: Shell] = [:]
  private static let shellLimit = 64

  /// - Parameter path: The configuration, which `write` replaces.
  package init(
    path: String, options: Router.Options = Router.Options(), log: Logger = Logger(label: "router")
  ) {
    self.path = path
    self.options = options
    self.log = log
  }

  /// Starts with what can be used of the file; what cannot is told and blocks nothing else.
  package func start() async throws {
    do {
      try apply(try ZebosConfiguration(parsing: try savedConfiguration()))
    } catch let error as SystemError where error.code == ENOENT {
      log.warning("no routing configuration yet", metadata: ["path": "\(path)"])
    } catch {
      failure = "\(path): \(error)"
      log.error("routing is not configured", metadata: ["reason": "\(path): \(error)"])
    }
  }

  /// Reads the file again and puts it in force; one that cannot be taken changes nothing.
  package func reload() {
    do {
      try apply(try Self.read(path))
      log.notice("configuration is read again", metadata: ["path": "\(path)"])
    } catch {
      failure = "\(path): \(error)"
      log.error(
        "configuration is refused, the last good one stays",
        metadata: ["reason": "\(path): \(error)"])
    }
  }

  /// A configuration text, checked whole.
  /// - Throws: `ZebosConfiguration.Mistake` with line, found and expected; `InvalidConfiguration` for
  ///   what only the whole shows; `SystemError` for a file that cannot be read.
  package nonisolated static func read(_ path: String) throws -> ZebosConfiguration {
    let configuration = try ZebosConfiguration(parsing: try FileSystem.readText(path))
    let problems = configuration.router?.validate() ?? []
    if !problems.isEmpty { throw InvalidConfiguration(problems: problems) }
    return configuration
  }

  /// Statements that are right one by one and wrong together.
  package struct InvalidConfiguration: Error, CustomStringConvertible {
    package var problems: [RouterConfiguration.Problem]
    package var description: String { problems.map { "\($0)" }.joined(separator: "; ") }
  }

  /// Puts a configuration in force; one that the router refuses leaves what was before.
  package func apply(_ configuration: ZebosConfiguration) throws {
    let before = self.configuration
    self.configuration = configuration
    do {
      try enforce(configuration)
    } catch {
      self.configuration = before
      if let running = router, let wanted = before.router {
        try? running.apply(wanted, policy: before.policy)
      }
      throw error
    }
    failure = nil
  }

  private func enforce(_ configuration: ZebosConfiguration) throws {
    switch (router, configuration.router) {
    case (let running?, let wanted?): try running.apply(wanted, policy: configuration.policy)
    case (nil, let wanted?):
      let fresh = Router(
        configuration: wanted, policy: configuration.policy, options: options, log: log)
      fresh.onDebug = { [weak self] line in
        for shell in self?.shells.values.map({ $0 }) ?? [] { shell.hear(line) }
      }
      try fresh.start()
      router = fresh
    case (let running?, nil):
      running.stop(graceful: false)
      router = nil
    case (nil, nil): break
    }
  }

  package func save() throws {
    try FileSystem.write(configuration.runningConfiguration, to: path, mode: 0o600)
  }

  package func savedConfiguration() throws -> String { try FileSystem.readText(path) }

  package func shell(_ line: String, session: String) async -> JSON {
    // Sessions end with their users, who may have gone without a word.
    if shells[session] == nil, shells.count >= Self.shellLimit { shells.removeAll() }
    let shell = shells[session] ?? Shell(self)
    let answer = shell.run(line)
    shells[session] = answer.isOver ? nil : shell
    return answer.json
  }

  /// Announces everything with GRACEFUL_SHUTDOWN from now on, until the next configuration. RFC 8326.
  package func announceShutdown() {
    guard let router, var wanted = configuration.router else { return }
    wanted.isShuttingDownGracefully = true
    do { try router.apply(wanted) } catch { log.error("GRACEFUL_SHUTDOWN: \(error)") }
  }

  /// - Parameter graceful: Peers keep our routes for the restart time, and the kernel keeps theirs:
  ///   the next process takes both over.
  package func stop(graceful: Bool) async {
    router?.stop(graceful: graceful)
    router = nil
  }

  package var status: JSON {
    var json = router?.status.json ?? ["sessions": [], "routes": []]
    if let failure { json["failure"] = .string(failure) }
    return json
  }

  package func addMetrics(to page: inout MetricsPage) { router?.addMetrics(to: &page) }
}
