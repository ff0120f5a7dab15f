/// Indices that need another look, each once, in the order they came.
struct DirtySet: Sendable {
  private(set) var order: [UInt32] = []
  private var marked: [Bool] = []

  var isEmpty: Bool { order.isEmpty }

  @inline(__always)
  mutating func insert(_ index: Int) {
    if index >= marked.count { grow(to: index) }
    if !marked[index] {
      marked[index] = true
      order.append(UInt32(index))
    }
  }

  private mutating func grow(to index: Int) {
    marked += repeatElement(false, count: max(index + 1 - marked.count, marked.count / 2, 64))
  }

  mutating func take() -> [UInt32] {
    for index in order { marked[Int(index)] = false }
    defer { order = [] }
    return order
  }
}
