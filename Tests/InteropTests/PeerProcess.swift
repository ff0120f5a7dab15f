import Glibc
import Linux
import Testing

/// One implementation, running in the peer's namespace; it and its folder go with `remove`.
@Loop final class PeerProcess {
  let dialect: any Dialect
  let exchange: Exchange
  private let folder: String
  private let namespace: String
  private var child: ChildProcess?

  init(_ dialect: any Dialect, _ exchange: Exchange, _ cable: Cable) throws {
    self.dialect = dialect
    self.exchange = exchange
    namespace = cable.path(cable.theirs)
    var template = Array("/tmp/atollinterop-XXXXXX".utf8CString)
    folder = String(cString: mkdtemp(&template))
    if let owner = dialect.owner, let user = getpwnam(owner) {
      chown(folder, user.pointee.pw_uid, user.pointee.pw_gid)
    }
    for file in dialect.files(exchange, in: folder) {
      try FileSystem.write(Array(file.text.utf8), to: "\(folder)/\(file.name)")
      chmod("\(folder)/\(file.name)", 0o600)
      if let owner = dialect.owner, let user = getpwnam(owner) {
        chown("\(folder)/\(file.name)", user.pointee.pw_uid, user.pointee.pw_gid)
      }
    }
  }

  /// Starts it, and returns once it has taken what it is told after its start.
  func start() async throws {
    child = try ChildProcess.spawn(
      dialect.command(exchange, in: folder), environment: dialect.environment,
      output: .append("\(folder)/output"), newSession: true, networkNamespace: namespace)
    for command in dialect.afterStart(exchange, in: folder) {
      var tries = 0
      while !(try await run(command)).ending.isSuccess {
        tries += 1
        guard tries < 100, child?.isRunning ?? false else {
          throw NotSeen(what: "\(command) succeeding", log: log)
        }
        try await Loop.sleep(.milliseconds(100))
      }
    }
  }

  private func run(_ command: [String]) async throws -> ChildProcess.Result {
    try await ChildProcess.run(
      command, networkNamespace: namespace, timeout: .seconds(20))
  }

  /// What a command prints.
  func ask(_ command: [String]) async throws -> String {
    let result = try await run(command)
    return result.outputText + result.errorText
  }

  /// What it has learnt of `route` from us; nil: nothing.
  func learnt(_ route: String) async throws -> String? {
    let output = try await ask(dialect.show(route, in: folder))
    return dialect.holds(route, output) ? output : nil
  }

  func announce(_ route: String) async throws {
    _ = try await ask(dialect.announce(route, exchange, in: folder))
  }

  func withdraw(_ route: String) async throws {
    _ = try await ask(dialect.withdraw(route, exchange, in: folder))
  }

  /// False: it cannot.
  func refresh() async throws -> Bool {
    guard let command = dialect.refresh(exchange, in: folder) else { return false }
    _ = try await ask(command)
    return true
  }

  /// Whether it says that a BFD session of its is up; nil: it has no BFD.
  func hasPath() async throws -> Bool? {
    guard let command = dialect.paths(in: folder) else { return nil }
    return try await ask(command).contains(dialect.pathIsUp)
  }

  func sessions() async throws -> String { try await ask(dialect.sessions(in: folder)) }

  /// As a crash: no NOTIFICATION.
  func kill() async throws {
    child?.signal(SIGKILL)
    _ = try await child?.wait()
    try await endGroup()
  }

  /// The last of what it wrote.
  var log: String {
    let text = ["output", "log"].compactMap { try? FileSystem.readText("\(folder)/\($0)") }
    return text.joined(separator: "\n").split(separator: "\n").suffix(30).joined(separator: "\n")
  }

  func remove() async {
    try? await kill()
    try? FileSystem.removeTree(folder)
  }

  /// Processes that it started (OpenBGPD's engines, ExaBGP's script) are of its session.
  private func endGroup() async throws {
    guard let child else { return }
    Glibc.kill(-child.pid, SIGKILL)
  }
}

/// Something awaited that did not come.
struct NotSeen: Error, CustomStringConvertible {
  var what: String
  var log: String

  var description: String { "not seen: \(what)\n\(log)" }
}
