/// An expression as a tree.
indirect enum ExpressionNode: Sendable {
  case empty
  case octet(OctetSet)
  case start
  case end
  case sequence(ExpressionNode, ExpressionNode)
  case either(ExpressionNode, ExpressionNode)
  case repeated(ExpressionNode, least: Int, most: Int?)
}

/// Reads a POSIX extended regular expression by recursive descent. IEEE 1003.1 §9.4.
struct ExpressionParser {
  typealias Mistake = PathExpression.Mistake

  /// Groups inside groups.
  private static let depthLimit = 32
  private static let lengthLimit = 1024
  /// RE_DUP_MAX. IEEE 1003.1, limits.h.
  private static let repetitionLimit = 255

  private let octets: [UInt8]
  private var position = 0
  private var depth = 0

  init(_ text: String) { octets = Array(text.utf8) }

  mutating func parse() throws(Mistake) -> ExpressionNode {
    guard octets.count <= Self.lengthLimit else { throw .tooLong(limit: Self.lengthLimit) }
    let node = try alternatives()
    if let stray = peek() { throw .unexpected(Self.character(stray)) }
    return node
  }

  private static func character(_ octet: UInt8) -> Character {
    Character(Unicode.Scalar(octet))
  }

  private func peek() -> UInt8? { position < octets.count ? octets[position] : nil }

  private mutating func take(_ character: Character) -> Bool {
    guard let octet = peek(), octet == character.asciiValue else { return false }
    position += 1
    return true
  }

  private mutating func alternatives() throws(Mistake) -> ExpressionNode {
    var node = try branch()
    while take("|") { node = .either(node, try branch()) }
    return node
  }

  private mutating func branch() throws(Mistake) -> ExpressionNode {
    var node: ExpressionNode?
    while let octet = peek(), octet != UInt8(ascii: "|"), octet != UInt8(ascii: ")") {
      let next = try piece(isFirst: node == nil)
      node = node.map { .sequence($0, next) } ?? next
    }
    return node ?? .empty
  }

  /// An atom and what repeats it.
  private mutating func piece(isFirst: Bool) throws(Mistake) -> ExpressionNode {
    var node = try atom(isFirst: isFirst)
    while true {
      if take("*") {
        node = .repeated(node, least: 0, most: nil)
      } else if take("+") {
        node = .repeated(node, least: 1, most: nil)
      } else if take("?") {
        node = .repeated(node, least: 0, most: 1)
      } else if let bounds = try interval() {
        node = .repeated(node, least: bounds.least, most: bounds.most)
      } else {
        return node
      }
    }
  }

  /// `{2}`, `{2,}` or `{2,4}`; a brace without a number is a brace.
  private mutating func interval() throws(Mistake) -> (least: Int, most: Int?)? {
    let start = position
    guard take("{"), let least = number() else {
      position = start
      return nil
    }
    var most: Int? = least
    if take(",") { most = number() }
    guard take("}") else {
      position = start
      return nil
    }
    guard least <= most ?? least, max(least, most ?? 0) <= Self.repetitionLimit else {
      throw .badRange
    }
    return (least, most)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let octet = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) {
      position += 1
      value = min((value ?? 0) * 10 + Int(octet - UInt8(ascii: "0")), Self.repetitionLimit + 1)
    }
    return value
  }

  private mutating func atom(isFirst: Bool) throws(Mistake) -> ExpressionNode {
    guard let octet = peek() else { return .empty }
    position += 1
    switch octet {
    case UInt8(ascii: "^"): return .start
    case UInt8(ascii: "$"): return .end
    case UInt8(ascii: "_"): return Self.delimiter
    case UInt8(ascii: "."): return .octet(.all)
    case UInt8(ascii: "["): return .octet(try bracket())
    case UInt8(ascii: "("): return try group()
    case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"):
      throw .nothingToRepeat(Self.character(octet))
    case UInt8(ascii: "\\"):
      guard let escaped = peek() else { throw .endsInBackslash }
      position += 1
      return .octet(OctetSet([escaped]))
    default: return .octet(OctetSet([octet]))
    }
  }

  /// `_`, as FRR replaces it: `(^|[,{}() ]|$)`.
  private static let delimiter = ExpressionNode.either(
    .start, .either(.octet(OctetSet(",{}() ".utf8)), .end))

  private mutating func group() throws(Mistake) -> ExpressionNode {
    guard depth < Self.depthLimit else { throw .tooLong(limit: Self.depthLimit) }
    depth += 1
    defer { depth -= 1 }
    let node = try alternatives()
    guard take(")") else { throw .unclosed("(") }
    return node
  }

  /// The rest of `[0-9a]` or `[^0-9]`; a `]` that comes first is a character.
  private mutating func bracket() throws(Mistake) -> OctetSet {
    let isInverted = take("^")
    var set = OctetSet()
    var isFirst = true
    while let low = peek(), isFirst || low != UInt8(ascii: "]") {
      isFirst = false
      position += 1
      if position + 1 < octets.count, octets[position] == UInt8(ascii: "-"),
        octets[position + 1] != UInt8(ascii: "]")
      {
        let high = octets[position + 1]
        guard low <= high else { throw .badRange }
        for octet in low...high { set.insert(octet) }
        position += 2
      } else {
        set.insert(low)
      }
    }
    guard take("]") else { throw .unclosed("[") }
    return isInverted ? set.inverted : set
  }
}

/// Turns the tree into a program.
struct ExpressionCompiler {
  /// Bounds what nested repetitions unfold to.
  private static let limit = 4096

  private(set) var program: [PathExpression.Instruction] = []

  mutating func append(_ instruction: PathExpression.Instruction) throws(PathExpression.Mistake) {
    guard program.count < Self.limit else { throw .tooLong(limit: Self.limit) }
    program.append(instruction)
  }

  mutating func emit(_ node: ExpressionNode) throws(PathExpression.Mistake) {
    switch node {
    case .empty: break
    case .octet(let set): try append(.octet(set))
    case .start: try append(.start)
    case .end: try append(.end)
    case .sequence(let first, let second):
      try emit(first)
      try emit(second)
    case .either(let first, let second):
      let fork = program.count
      try append(.jump(0))
      try emit(first)
      let exit = program.count
      try append(.jump(0))
      program[fork] = .fork(fork + 1, program.count)
      try emit(second)
      program[exit] = .jump(program.count)
    case .repeated(let node, let least, let most):
      for _ in 0..<least { try emit(node) }
      if let most { try emitOptional(node, most - least) } else { try emitLoop(node) }
    }
  }

  private mutating func emitLoop(_ node: ExpressionNode) throws(PathExpression.Mistake) {
    let fork = program.count
    try append(.jump(0))
    try emit(node)
    try append(.jump(fork))
    program[fork] = .fork(fork + 1, program.count)
  }

  private mutating func emitOptional(
    _ node: ExpressionNode, _ count: Int
  ) throws(PathExpression.Mistake) {
    var forks: [Int] = []
    for _ in 0..<count {
      forks.append(program.count)
      try append(.jump(0))
      try emit(node)
    }
    for fork in forks { program[fork] = .fork(fork + 1, program.count) }
  }
}
