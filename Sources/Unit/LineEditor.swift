import Glibc
import Linux

/// A line from a terminal with history, completion on Tab and help on `?`.
@Loop final class LineEditor {
  private let complete: @Loop (String) async throws -> [String]
  private var history: [String] = []

  init(complete: @escaping @Loop (String) async throws -> [String]) { self.complete = complete }

  /// Nil at the end of input.
  /// - Parameter news: What is to be shown meanwhile, above the line; asked now and then.
  func read(
    prompt: String, help: @Loop (String) async throws -> String,
    news: @Loop () async throws -> String
  ) async throws -> String? {
    var saved = termios()
    tcgetattr(STDIN_FILENO, &saved)
    var raw = saved
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
    tcsetattr(STDIN_FILENO, TCSANOW, &raw)
    defer { tcsetattr(STDIN_FILENO, TCSANOW, &saved) }

    var line: [Character] = []
    var cursor = 0
    var place = history.count
    func draw() {
      let back = line.count - cursor
      put("\r\u{1B}[K\(prompt)\(String(line))" + (back > 0 ? "\u{1B}[\(back)D" : ""))
    }
    func recall(_ index: Int) {
      place = min(max(0, index), history.count)
      line = place < history.count ? Array(history[place]) : []
      cursor = line.count
    }
    draw()
    while true {
      while !hasInput(within: Self.newsInterval) {
        let text = try await news()
        if text.isEmpty { continue }
        put("\r\u{1B}[K\(text)")
        draw()
      }
      guard let byte = nextByte() else { return nil }
      switch byte {
      case 0x0a, 0x0d:
        put("\n")
        let text = String(line)
        if !text.isEmpty, history.last != text { history.append(text) }
        return text
      case 0x03:
        put("^C\n")
        line = []
        cursor = 0
      case 0x04 where line.isEmpty: return nil
      case 0x1a:
        put("\n")
        return "end"
      case 0x01: cursor = 0
      case 0x05: cursor = line.count
      case 0x15:
        line.removeFirst(cursor)
        cursor = 0
      case 0x17:
        while cursor > 0, line[cursor - 1] == " " { cursor = erase(&line, cursor) }
        while cursor > 0, line[cursor - 1] != " " { cursor = erase(&line, cursor) }
      case 0x7f, 0x08: cursor = erase(&line, cursor)
      case 0x09: try await finishWord(&line, &cursor)
      case UInt8(ascii: "?"):
        put("?\n\(try await help(String(line)))")
      case 0x1b: escape(&line, &cursor, place, recall)
      case 0x20...0x7e:
        line.insert(Character(UnicodeScalar(byte)), at: cursor)
        cursor += 1
      default: break
      }
      draw()
    }
  }

  private static let newsInterval: Int32 = 250

  /// Whether there is something to read, or the end of it, in so many milliseconds.
  private func hasInput(within milliseconds: Int32) -> Bool {
    var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    return poll(&input, 1, milliseconds) != 0
  }

  private func erase(_ line: inout [Character], _ cursor: Int) -> Int {
    guard cursor > 0 else { return 0 }
    line.remove(at: cursor - 1)
    return cursor - 1
  }

  private func finishWord(_ line: inout [Character], _ cursor: inout Int) async throws {
    let words = try await complete(String(line[..<cursor]))
    let typed = line[..<cursor].reversed().prefix { $0 != " " }.count
    if words.count == 1, let word = words.first {
      let rest = Array(word.dropFirst(typed)) + [" "]
      line.insert(contentsOf: rest, at: cursor)
      cursor += rest.count
    } else if !words.isEmpty {
      put("\n\(words.joined(separator: "  "))\n")
    }
  }

  /// Arrow keys: CSI A to D.
  private func escape(
    _ line: inout [Character], _ cursor: inout Int, _ place: Int, _ recall: (Int) -> Void
  ) {
    guard nextByte() == UInt8(ascii: "[") else { return }
    switch nextByte() {
    case UInt8(ascii: "A"): recall(place - 1)
    case UInt8(ascii: "B"): recall(place + 1)
    case UInt8(ascii: "C"): cursor = min(cursor + 1, line.count)
    case UInt8(ascii: "D"): cursor = max(cursor - 1, 0)
    default: break
    }
  }

  private func nextByte() -> UInt8? {
    var byte: UInt8 = 0
    return Glibc.read(STDIN_FILENO, &byte, 1) == 1 ? byte : nil
  }

  private func put(_ text: String) {
    print(text, terminator: "")
    fflush(nil)
  }
}
