/// A regular expression over the text of AS paths and communities, as operators write it:
/// POSIX extended, where `_` is a delimiter, the beginning or the end.
///
/// A pattern compiles to the program of a Thompson automaton, whose run takes time in proportion
/// to pattern and text whatever the two are: `(1*)*2` is no trap.
package struct PathExpression: Hashable, Sendable {
  /// Why a text is no expression.
  package enum Mistake: Error, Equatable, CustomStringConvertible {
    case unclosed(Character)
    case unexpected(Character)
    case nothingToRepeat(Character)
    case badRange
    case endsInBackslash
    case tooLong(limit: Int)

    package var description: String {
      switch self {
      case .unclosed(let mark): "a pattern whose \(mark) is closed"
      case .unexpected(let mark): "a pattern without a stray \(mark)"
      case .nothingToRepeat(let mark): "something before \(mark) that it repeats"
      case .badRange: "a range from low to high"
      case .endsInBackslash: "a character after the last \\"
      case .tooLong(let limit): "a pattern of at most \(limit) steps"
      }
    }
  }

  enum Instruction: Sendable {
    /// Takes one octet of the set.
    case octet(OctetSet)
    /// Goes on at both places.
    case fork(Int, Int)
    case jump(Int)
    case start
    case end
    case match
  }

  package let text: String
  private let program: [Instruction]

  package init(_ text: String) throws(Mistake) {
    self.text = text
    var parser = ExpressionParser(text)
    var compiler = ExpressionCompiler()
    try compiler.emit(try parser.parse())
    try compiler.append(.match)
    program = compiler.program
  }

  package static func == (a: Self, b: Self) -> Bool { a.text == b.text }
  package func hash(into hasher: inout Hasher) { hasher.combine(text) }

  package func matches(_ subject: String) -> Bool { matches(Array(subject.utf8)) }

  /// True if the pattern is found anywhere in the text.
  func matches(_ subject: [UInt8]) -> Bool {
    var threads = Threads(count: program.count)
    for position in 0...subject.count {
      let place = Place(isStart: position == 0, isEnd: position == subject.count)
      // The pattern may begin at every position.
      if threads.add(0, program, place) { return true }
      guard position < subject.count else { return false }
      let ahead = Place(isStart: false, isEnd: position + 1 == subject.count)
      for counter in threads.take() {
        if case .octet(let set) = program[counter], set.contains(subject[position]),
          threads.add(counter + 1, program, ahead)
        {
          return true
        }
      }
    }
    return false
  }

  private struct Place {
    var isStart: Bool
    var isEnd: Bool
  }

  /// The places of the program that are waiting for one octet, each once.
  private struct Threads {
    private var waiting: [Int] = []
    private var pending: [Int] = []
    /// The step at which a place was last entered.
    private var entered: [Int]
    private var step = 1

    init(count: Int) { entered = Array(repeating: 0, count: count) }

    mutating func take() -> [Int] {
      defer {
        waiting.removeAll(keepingCapacity: true)
        step += 1
      }
      return waiting
    }

    /// Enters the program at `counter`; true if it ends in a match.
    mutating func add(_ counter: Int, _ program: [Instruction], _ place: Place) -> Bool {
      pending.append(counter)
      while let next = pending.popLast() {
        if entered[next] == step { continue }
        entered[next] = step
        switch program[next] {
        case .octet: waiting.append(next)
        case .jump(let target): pending.append(target)
        case .fork(let first, let second):
          pending.append(second)
          pending.append(first)
        case .start: if place.isStart { pending.append(next + 1) }
        case .end: if place.isEnd { pending.append(next + 1) }
        case .match:
          pending.removeAll()
          return true
        }
      }
      return false
    }
  }
}

/// Some of the 256 octets.
struct OctetSet: Hashable, Sendable {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  init() {}
  init(_ octets: some Sequence<UInt8>) { for octet in octets { insert(octet) } }

  static let all = OctetSet(UInt8.min...UInt8.max)

  mutating func insert(_ octet: UInt8) {
    let bit: UInt64 = 1 << UInt64(octet & 63)
    switch octet >> 6 {
    case 0: words.0 |= bit
    case 1: words.1 |= bit
    case 2: words.2 |= bit
    default: words.3 |= bit
    }
  }

  func contains(_ octet: UInt8) -> Bool {
    let word =
      switch octet >> 6 {
      case 0: words.0
      case 1: words.1
      case 2: words.2
      default: words.3
      }
    return word >> UInt64(octet & 63) & 1 == 1
  }

  var inverted: OctetSet { OctetSet((UInt8.min...UInt8.max).filter { !contains($0) }) }

  static func == (a: Self, b: Self) -> Bool { a.words == b.words }
  func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}
