import Glibc

/// Shows text on a terminal a page at a time: a space goes on by a page, Return by a line, `q` ends.
struct Pager {
  /// Lines of a page; 0: everything at once.
  let length: Int
  private var left: Int

  init(length: Int) {
    self.length = length
    left = length - 1
  }

  /// False once the user has seen enough.
  mutating func show(_ text: String) -> Bool {
    guard length > 1 else {
      print(text, terminator: "")
      return true
    }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      if left == 0, !goesOn() { return false }
      print(line)
      left -= 1
    }
    return true
  }

  private mutating func goesOn() -> Bool {
    print(" --More-- ", terminator: "")
    fflush(nil)
    var saved = termios()
    tcgetattr(STDIN_FILENO, &saved)
    var raw = saved
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
    tcsetattr(STDIN_FILENO, TCSANOW, &raw)
    defer { tcsetattr(STDIN_FILENO, TCSANOW, &saved) }
    var byte: UInt8 = 0
    let isRead = Glibc.read(STDIN_FILENO, &byte, 1) == 1
    print("\r\u{1B}[K", terminator: "")
    if !isRead || byte == UInt8(ascii: "q") || byte == 0x03 { return false }
    left = byte == 0x0a || byte == 0x0d ? 1 : length - 1
    return true
  }
}
