import Glibc
import Kubernetes
import Linux

/// A user at a router's shell: from a terminal, a pipe, or the command line.
@Loop package final class ShellSession {
  private let router: RouterControl
  private let name = "\(getpid())"
  private var prompt = ""
  private var isOver = false
  private var isMonitoring = false
  private var hasMore = false
  private var pageLength = 0

  package init(_ router: RouterControl) { self.router = router }

  /// Runs commands in privileged mode; false if one of them was refused.
  package func run(_ commands: [String]) async throws -> Bool {
    _ = try await send("enable")
    for command in commands {
      var output = try await send(command)
      if output.hasPrefix("%") {
        print(output, terminator: "")
        return false
      }
      print(output, terminator: "")
      while hasMore {
        output = try await send(Self.more)
        print(output, terminator: "")
      }
    }
    return true
  }

  /// Reads lines until the end of input or `exit`. From a pipe each line is echoed behind its
  /// prompt, as a terminal would have shown it.
  package func interact() async throws -> Bool {
    _ = try await send("")
    let isTerminal = isatty(STDIN_FILENO) == 1
    let editor = LineEditor(complete: { [router, name] line in
      try await router.shell(line + "\t", session: name)["completions"].elements
        .compactMap(\.string)
    })
    while !isOver {
      let line: String?
      if isTerminal {
        line = try await editor.read(
          prompt: prompt, help: { [self] in try await send($0 + "?") },
          news: { [self] in try await news() })
      } else {
        line = readLine()
        if let line { print(prompt + line) }
      }
      guard let line else { break }
      try await show(line)
    }
    if isTerminal { print("") }
    return true
  }

  /// A table comes in many answers; what a user does not want to see of it is not asked for.
  private func show(_ line: String) async throws {
    var pager = Pager(length: 0)
    var output = try await send(line)
    if isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 { pager = Pager(length: pageLength) }
    while pager.show(output), hasMore { output = try await send(Self.more) }
    fflush(nil)
  }

  /// Asks for more of an answer; `RouterService.Shell.more`.
  private static let more = "\u{6}"

  /// Lines of debugging that have come meanwhile; asked for only once some may.
  private func news() async throws -> String {
    isMonitoring ? try await send("") : ""
  }

  private func send(_ line: String) async throws -> String {
    let answer = try await router.shell(line, session: name)
    prompt = answer["prompt"].string ?? prompt
    isOver = answer["isOver"].bool ?? false
    hasMore = answer["hasMore"].bool ?? false
    pageLength = answer["pageLength"].int ?? 0
    isMonitoring = answer["isMonitoring"].bool ?? false
    let log = answer["log"].elements.compactMap(\.string).map { $0 + "\n" }.joined()
    return log + (answer["output"].string ?? "")
  }
}

extension RouterControl {
  func shell(_ line: String, session: String) async throws -> JSON {
    try JSON(parsing: try await exchange("POST", "/shell?session=\(session)", body: line))
  }
}
