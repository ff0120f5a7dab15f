import BGP
import Intent
import Linux
import NetTypes

/// What the shell shows and changes.
@Loop package protocol ShellHost: AnyObject {
  var configuration: ZebosConfiguration { get }
  /// Nil while no `router bgp` stands.
  var router: Router? { get }
  func apply(_ configuration: ZebosConfiguration) throws
  /// Makes the running configuration the one of the next start.
  func save() throws
  /// What the next start reads.
  func savedConfiguration() throws -> String
}

/// One user's session with the router, in the manner of imish and vtysh.
///
///     edge[0]>  ─enable─▶  edge[0]#  ─configure terminal─▶  edge[0](config)#
///                              ▲──────── end ───────┐             │ router bgp
///                              └─────────── edge[0](config-router)# ◀┘
///
/// Address families and the clauses of route maps are sections of the same kind.
///
/// Each statement is in force at once; `write` keeps it. A mistake is answered with a line that
/// begins with `%` and changes nothing.
@Loop package final class Shell {
  package struct Answer: Equatable, Sendable {
    package var output = ""
    package var prompt = ""
    package var isOver = false
    /// Words that may stand at the end of the line, for Tab.
    package var completions: [String] = []
    /// Lines of debugging since the last answer, to be shown before the output.
    package var log: [String] = []
    /// More of them may come.
    package var isMonitoring = false
    /// The output goes on: `Shell.more` asks for it.
    package var hasMore = false
    /// Lines that a terminal is to show at once; 0: all.
    package var pageLength = 0
  }

  private enum Mode {
    case user, privileged
    case configuration(ZebosConfiguration.Context)
  }

  private let host: any ShellHost
  private var mode = Mode.user
  /// `terminal monitor` was said.
  private var isMonitoring = false
  private var heard: [String] = []
  private var unheard = 0
  /// What is left of an answer.
  private var rest: ShellPieces?
  private var pageLength = 0
  /// Lines that wait for a user who does not come for them.
  static let heardLimit = 1000

  package init(_ host: any ShellHost) { self.host = host }

  package var prompt: String {
    let name = host.configuration.hostname
    switch mode {
    case .user: return "\(name)[0]>"
    case .privileged: return "\(name)[0]#"
    case .configuration(.global): return "\(name)[0](config)#"
    case .configuration(.router): return "\(name)[0](config-router)#"
    case .configuration(.family): return "\(name)[0](config-router-af)#"
    case .configuration(.routeMap): return "\(name)[0](config-route-map)#"
    }
  }

  /// Runs a line. One that ends in `?` asks what may stand there, one that ends in a tab for the
  /// words that complete it.
  package func run(_ line: String) -> Answer {
    var answer = Answer()
    if line == Self.more {
      continueAnswer(&answer)
    } else if line.hasSuffix("?") {
      answer.output = help(String(line.dropLast()))
    } else if line.hasSuffix("\t") {
      let found = try? grammar.continuations(Self.words(String(line.dropLast()), keepingEnd: true))
      answer.completions = (found ?? []).map(\.text).filter { $0.first?.isLowercase ?? false }
    } else {
      rest = execute(line, &answer)
      continueAnswer(&answer)
    }
    answer.prompt = prompt
    answer.pageLength = pageLength
    if unheard > 0 { heard.append("% \(unheard) more lines were not kept") }
    answer.log = heard
    answer.isMonitoring = isMonitoring
    (heard, unheard) = ([], 0)
    return answer
  }

  /// The line that asks for more of an answer: ACK. Another line gives the rest up.
  package static let more = "\u{6}"

  private func continueAnswer(_ answer: inout Answer) {
    guard let text = rest?.turn() else {
      rest = nil
      return
    }
    answer.output = text
    answer.hasMore = rest?.isOver == false
  }

  /// A line of debugging, for the user if this is one of the shells that asked.
  package func hear(_ line: String) {
    guard isMonitoring else { return }
    if heard.count < Self.heardLimit { heard.append(line) } else { unheard += 1 }
  }

  private var grammar: ShellGrammar {
    switch mode {
    case .user: .user
    case .privileged: .privileged
    case .configuration(.global): .configuration
    case .configuration(.router): .router
    case .configuration(.family): .family
    case .configuration(.routeMap): .routeMap
    }
  }

  private static func words(_ line: String, keepingEnd: Bool = false) -> [String] {
    var words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    if keepingEnd, words.isEmpty || line.last?.isWhitespace == true { words.append("") }
    return words
  }

  private func help(_ line: String) -> String {
    do throws(ShellGrammar.Mistake) {
      let found = try grammar.continuations(Self.words(line, keepingEnd: true))
      if found.isEmpty { return "% There is no matched command.\n" }
      let width = (found.map(\.text.count).max() ?? 0) + 2
      return found.map { "  \(padded($0.text, width))\($0.help)".trimmedEnd + "\n" }.joined()
    } catch {
      return Self.text(error, line)
    }
  }

  private static func text(_ mistake: ShellGrammar.Mistake, _ line: String) -> String {
    switch mistake {
    case .unknown(let word): "% Unknown command at \"\(word)\": \(line)\n"
    case .ambiguous(let word, let all):
      "% Ambiguous command: \"\(word)\" may be \(all.sorted().joined(separator: ", "))\n"
    case .incomplete: "% Incomplete command: \(line)\n"
    }
  }

  private func execute(_ line: String, _ answer: inout Answer) -> ShellPieces {
    let isShow = Self.words(line).first { $0 != "do" }.map { "show".hasPrefix($0) } ?? false
    do throws(ShellPipe.Mistake) {
      if isShow, let (head, pipe) = try ShellPipe.split(line) {
        return executeWhole(head, &answer).through(pipe)
      }
    } catch { return ShellPieces(error.text) }
    return executeWhole(line, &answer)
  }

  private func executeWhole(_ line: String, _ answer: inout Answer) -> ShellPieces {
    var words = Self.words(line)
    guard let first = words.first, !first.hasPrefix("!"), !first.hasPrefix("#") else {
      return ShellPieces("")
    }
    if case .configuration = mode, first == "do" { words.removeFirst() }
    do throws(ShellGrammar.Mistake) {
      let (command, full) = try grammar.match(words)
      return perform(command.action, full, &answer.isOver)
    } catch {
      return ShellPieces(Self.text(error, line))
    }
  }

  private func perform(
    _ action: ShellAction, _ words: [String], _ isOver: inout Bool
  ) -> ShellPieces {
    switch action {
    case .clear, .clearSoft, .debug, .summary, .routes, .neighbors, .advertised, .learnt, .received,
      .kernelRoutes, .bfd, .routeMaps, .prefixLists, .asPathLists, .communityLists:
      guard let router = host.router else {
        return ShellPieces("% BGP is not running: router bgp AS first\n")
      }
      switch action {
      case .clear, .clearSoft: return ShellPieces(clear(action, words, router))
      case .debug: return ShellPieces(router.debugging.run(words))
      default: return show(action, words, router)
      }
    default: return ShellPieces(act(action, words, &isOver))
    }
  }

  /// Whatever shows no table.
  private func act(_ action: ShellAction, _ words: [String], _ isOver: inout Bool) -> String {
    switch action {
    case .enable: mode = .privileged
    case .disable: mode = .user
    case .configure:
      mode = .configuration(.global)
      return "Enter configuration commands, one per line.  End with CNTL/Z.\n"
    case .end: mode = .privileged
    case .exit:
      switch mode {
      case .configuration(.family): mode = .configuration(.router)
      case .configuration(.router), .configuration(.routeMap): mode = .configuration(.global)
      case .configuration(.global): mode = .privileged
      case .user, .privileged: isOver = true
      }
    case .statement: return state(words.joined(separator: " "))
    case .write:
      return attempt {
        try host.save()
        return "Building configuration...\n[OK]\n"
      }
    case .copy: return attempt { try copy(words[1]) }
    case .showRunning: return host.configuration.runningConfiguration
    case .showStartup: return attempt { try host.savedConfiguration() }
    case .showVersion: return "atoll edge, BGP-4 (RFC 4271)\n"
    case .pageLength: pageLength = words.last.flatMap { Int($0) } ?? 0
    case .monitor: isMonitoring = true
    case .endMonitor: isMonitoring = false
    case .showDebugging: return (host.router?.debugging ?? SpeakerDebugging()).text
    default: break
    }
    return ""
  }

  private func copy(_ path: String) throws -> String {
    var configuration = host.configuration
    try configuration.merge(try FileSystem.readText(path))
    let problems = configuration.router?.validate() ?? []
    if !problems.isEmpty { throw TextRouter.InvalidConfiguration(problems: problems) }
    if configuration != host.configuration { try host.apply(configuration) }
    return ""
  }

  private func attempt(_ body: () throws -> String) -> String {
    do { return try body() } catch { return "% \(error)\n" }
  }

  private func clear(_ action: ShellAction, _ words: [String], _ router: Router) -> String {
    let peer = words.lazy.compactMap { IPAddress($0) }.first
    if let peer, !router.configuration.neighbors.contains(where: { $0.address == peer }) {
      return "% \(peer) is no neighbor\n"
    }
    if action == .clear {
      router.reset(peer)
    } else {
      router.refresh(peer, asks: words.last != "out", tells: words.last != "in")
    }
    return ""
  }

  private func state(_ line: String) -> String {
    guard case .configuration(var context) = mode else { return "" }
    var configuration = host.configuration
    do throws(ZebosConfiguration.Mistake) {
      try configuration.apply(line, in: &context)
    } catch {
      return "% \(error)\n"
    }
    mode = .configuration(context)
    return attempt {
      if configuration != host.configuration { try host.apply(configuration) }
      return ""
    }
  }
}

func padded(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

extension String {
  fileprivate var trimmedEnd: String {
    var text = self
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
