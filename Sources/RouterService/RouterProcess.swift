import BGP
import Glibc
import Intent
import Kubernetes
import Linux
import Logging
import Telemetry

/// A router that runs alone: a host's in front of its nodes, or one on any machine.
///
///     SIGHUP   read the configuration again; one that cannot be taken changes nothing
///     SIGTERM  stop; with graceful restart configured, peers and kernel keep the routes meanwhile
///     SIGINT   stop for good: sessions end with Cease, and the kernel's routes go
@Loop package final class RouterProcess {
  package struct Options: Sendable {
    /// The configuration text, which `write` in the shell replaces.
    package var configuration: String
    /// The control socket, which `atoll shell --socket` opens; nil: none.
    package var socket: String?
    package var router = Router.Options()

    package init(configuration: String) { self.configuration = configuration }
  }

  package let router: TextRouter
  private let options: Options
  private let log: Logger

  package init(_ options: Options, log: Logger) {
    self.options = options
    self.log = log
    router = TextRouter(path: options.configuration, options: options.router, log: log)
  }

  /// Runs until SIGTERM or SIGINT.
  /// - Throws: what is wrong with the configuration, before anything is opened.
  package func run() async throws {
    try Self.check(options.configuration)
    try await router.start()
    if let failure = router.failure { throw StartFailure(reason: failure) }
    let control = try options.socket.map { try controlServer($0) }
    control?.start()
    log.notice("router started", metadata: ["configuration": "\(options.configuration)"])
    var signal = SIGHUP
    while signal == SIGHUP {
      signal = try await Signals.wait(for: [SIGTERM, SIGINT, SIGHUP])
      if signal == SIGHUP { router.reload() }
    }
    let restarts = router.configuration.router?.gracefulRestart.isEnabled ?? false
    await router.stop(graceful: signal == SIGTERM && restarts)
    await control?.stop()
    if let socket = options.socket { unlink(socket) }
  }

  /// Reads a configuration and throws what is wrong with it, behind the file's name.
  package nonisolated static func check(_ path: String) throws {
    do {
      _ = try TextRouter.read(path)
    } catch {
      throw StartFailure(reason: "\(path): \(error)")
    }
  }

  private func controlServer(_ path: String) throws -> ControlServer {
    try ControlServer(
      path: path,
      actions: ControlServer.Actions(
        status: { [router] in
          ["name": .string(router.configuration.hostname), "bgp": router.status]
        },
        metrics: { [router] in
          var page = MetricsPage()
          router.addMetrics(to: &page)
          return page
        },
        shell: { [router] line, session in await router.shell(line, session: session) }))
  }

  private struct StartFailure: Error, CustomStringConvertible {
    var reason: String
    var description: String { reason }
  }
}
