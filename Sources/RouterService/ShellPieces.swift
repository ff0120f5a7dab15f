import Linux
import NetTypes

/// What the shell says, made a piece at a time.
@Loop final class ShellPieces {
  /// A piece may be empty, where there was only work; nil: there are no more.
  private var produce: (@Loop () -> String?)?
  var isOver: Bool { produce == nil }

  init(_ produce: @escaping @Loop () -> String?) { self.produce = produce }

  convenience init(_ text: String) {
    var left: String? = text
    self.init {
      defer { left = nil }
      return left
    }
  }

  func next() -> String? {
    let piece = produce?()
    if piece == nil { produce = nil }
    return piece
  }

  /// The same through `| include PATTERN` and the like.
  func through(_ pipe: ShellPipe) -> ShellPieces {
    var pipe = pipe
    var isOver = false
    return ShellPieces { [self] in
      if isOver { return nil }
      if let piece = next() { return pipe.take(piece) }
      isOver = true
      return pipe.end()
    }
  }

  /// Prefixes of a walk as text.
  /// - Parameters:
  ///   - head: What comes first.
  ///   - rows: A few prefixes in words.
  ///   - foot: What comes last.
  static func table(
    _ walk: TableWalk, head: String, rows: @escaping @Loop ([IPPrefix]) -> String,
    foot: @escaping @Loop () -> String
  ) -> ShellPieces {
    var isBegun = false
    var isOver = false
    return ShellPieces {
      if isOver { return nil }
      if !isBegun {
        isBegun = true
        return head
      }
      guard let prefixes = walk.next(Self.rowCount) else {
        isOver = true
        return foot()
      }
      return prefixes.isEmpty ? "" : rows(prefixes)
    }
  }

  /// Prefixes of one piece.
  private static let rowCount = 64

  /// A turn of the control loop: pieces up to some 32 KiB of text, or some work without text; nil
  /// after the last.
  func turn() -> String? {
    guard var text = next() else { return nil }
    var pieces = 1
    while text.utf8.count < 32768, pieces < 8, let more = next() {
      text += more
      pieces += 1
    }
    return text
  }
}
