import NetTypes

/// The commands of the routing shell, word by word. Words may be cut short as long as they stay
/// unambiguous.
struct ShellGrammar: Sendable {
  enum Token: Hashable, Sendable {
    case word(String)
    /// `A.B.C.D` or `X:X::X:X`.
    case address
    /// `A.B.C.D/M`.
    case prefix
    /// A name that is no address.
    case name
    case number
    /// Whatever follows.
    case line

    /// As the help shows it.
    var text: String {
      switch self {
      case .word(let word): word
      case .address: "A.B.C.D"
      case .prefix: "A.B.C.D/M"
      case .name: "WORD"
      case .number: "<0-4294967295>"
      case .line: "LINE"
      }
    }

    /// Whether an argument's place may hold `word`.
    func accepts(_ word: String) -> Bool {
      switch self {
      case .word: false
      case .address: IPAddress(word) != nil
      case .prefix: IPPrefix(word) != nil
      case .name: IPAddress(word) == nil
      case .number: word.allSatisfy { ("0"..."9").contains($0) || $0 == "." }
      case .line: true
      }
    }
  }

  struct Command: Sendable {
    var tokens: [Token]
    var help: String
    var action: ShellAction
  }

  enum Mistake: Error, Equatable {
    case unknown(String)
    case ambiguous(String, [String])
    case incomplete
  }

  let commands: [Command]

  /// Patterns are words, with `A.B.C.D`, `A.B.C.D/M`, `WORD`, `NUMBER` and `LINE` for arguments.
  init(_ patterns: [(String, String, ShellAction)]) {
    commands = patterns.map { pattern, help, action in
      Command(
        tokens: pattern.split(separator: " ").map { word in
          switch word {
          case "A.B.C.D": .address
          case "A.B.C.D/M": .prefix
          case "WORD": .name
          case "NUMBER": .number
          case "LINE": .line
          default: .word(String(word))
          }
        }, help: help, action: action)
    }
  }

  /// The command that `words` are, with its words written out.
  func match(_ words: [String]) throws(Mistake) -> (command: Command, words: [String]) {
    var full: [String] = []
    let left = try narrow(words, &full)
    if let command = left.first(where: { $0.tokens.count == full.count }) { return (command, full) }
    if let command = left.first(where: { $0.tokens.last == .line && full.count > $0.tokens.count })
    {
      return (command, full)
    }
    throw .incomplete
  }

  /// The commands that begin with `words`, which are written out into `full`.
  private func narrow(
    _ words: [String], _ full: inout [String]
  ) throws(Mistake) -> [Command] {
    var left = commands
    for (index, word) in words.enumerated() {
      if left.contains(where: { $0.tokens.last == .line && index >= $0.tokens.count - 1 }) {
        full.append(word)
        continue
      }
      left = left.filter { $0.tokens.count > index }
      let typed = word.lowercased()
      let literals = Self.literals(left, at: index).filter { $0.lowercased().hasPrefix(typed) }
      let exact = literals.filter { $0.lowercased() == typed }
      let chosen = exact.isEmpty ? literals : exact
      if chosen.count > 1 { throw .ambiguous(word, chosen) }
      if let literal = chosen.first {
        left = left.filter { $0.tokens[index] == .word(literal) }
        full.append(literal)
        continue
      }
      left = left.filter { $0.tokens[index].accepts(word) }
      if left.isEmpty { throw .unknown(word) }
      full.append(word)
    }
    return left
  }

  /// What may stand at the place of the last, perhaps empty, of `words`.
  func continuations(_ words: [String]) throws(Mistake) -> [(text: String, help: String)] {
    var full: [String] = []
    let partial = words.last ?? ""
    let left = try narrow(Array(words.dropLast()), &full)
    let index = max(words.count - 1, 0)
    var found: [(text: String, help: String)] = []
    for command in left {
      guard command.tokens.count > index else {
        if partial.isEmpty, command.tokens.count == index,
          !found.contains(where: { $0.text == "<cr>" })
        {
          found.append(("<cr>", command.help))
        }
        continue
      }
      let token = command.tokens[index]
      let fits: Bool
      if case .word(let word) = token {
        fits = word.lowercased().hasPrefix(partial.lowercased())
      } else {
        fits = partial.isEmpty || token.accepts(partial)
      }
      if fits, !found.contains(where: { $0.text == token.text }) {
        found.append((token.text, command.tokens.count == index + 1 ? command.help : ""))
      }
    }
    return found.sorted { $0.text < $1.text }
  }

  private static func literals(_ commands: [Command], at index: Int) -> [String] {
    var words: [String] = []
    for command in commands {
      if case .word(let word) = command.tokens[index], !words.contains(word) { words.append(word) }
    }
    return words
  }
}

/// What a command does.
enum ShellAction: Sendable {
  case enable, disable, configure, exit, end
  case write, showStartup, showRunning, showVersion, pageLength
  case summary, routes, neighbors, advertised, learnt, received, kernelRoutes, bfd
  case routeMaps, prefixLists, asPathLists, communityLists
  case clear, clearSoft
  /// A file, onto what is in force.
  case copy
  case debug, showDebugging, monitor, endMonitor
  /// A statement of the configuration.
  case statement
}
