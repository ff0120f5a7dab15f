/// Turns in proportion to weights: smooth weighted round robin, laid out ahead for one whole cycle.
/// Each turn every choice gains its weight; the greatest is taken and pays the sum.
enum Rotation {
  /// Turns of a cycle at most; weights that need more are rounded, but none to nothing.
  static let longest = 256

  static func turns(_ weights: [Int]) -> [Int] {
    let weights = reduced(weights, to: longest)
    let total = weights.reduce(0, +)
    guard total > 0 else { return [] }
    var credits = weights.map { _ in 0 }
    return (0..<total).map { _ in
      var best = 0
      for index in weights.indices {
        credits[index] += weights[index]
        if credits[index] > credits[best] { best = index }
      }
      credits[best] -= total
      return best
    }
  }

  /// The same proportions by the smallest numbers, whose sum is `limit` or little more.
  static func reduced(_ weights: [Int], to limit: Int) -> [Int] {
    let divisor = weights.reduce(0, greatestCommonDivisor)
    guard divisor > 0 else { return weights }
    let small = weights.map { $0 / divisor }
    let total = small.reduce(0, +)
    guard total > limit else { return small }
    return small.map { $0 == 0 ? 0 : max(1, ($0 * limit + total / 2) / total) }
  }

  static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : greatestCommonDivisor(b, a % b)
  }

  /// The least common multiple, or `limit` if that is less.
  static func leastCommonMultiple(_ numbers: [Int], limit: Int) -> Int {
    numbers.reduce(1) { multiple, number in
      guard number > 0 else { return multiple }
      return min(limit, multiple / greatestCommonDivisor(multiple, number) * number)
    }
  }
}
