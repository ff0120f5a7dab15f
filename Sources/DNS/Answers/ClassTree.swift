import NetTypes

/// Prefixes to tables, for all sets that have classes; equal lists share a tree.
///
/// A binary tree of one node a bit. A search also tells how many bits it took to be sure, which is the
/// scope of the answer. RFC 7871 §7.2.1.
struct ClassTree: Sendable {
  struct Root: Hashable, Sendable {
    var v4: Int32
    var v6: Int32
  }

  private struct Node: Sendable {
    /// Subtrees for a next bit of 0 and 1; 0: none.
    var zero: Int32 = 0
    var one: Int32 = 0
    /// -1: none.
    var table: Int32 = -1
  }

  private var nodes = [Node()]
  private var known: [[SteeredSet.ClientClass]: Root] = [:]

  mutating func add(_ classes: [SteeredSet.ClientClass]) -> Root {
    if let root = known[classes] { return root }
    let root = Root(v4: Int32(nodes.count), v6: Int32(nodes.count + 1))
    nodes += [Node(), Node()]
    for item in classes {
      var node = Int(item.prefix.isIPv4 ? root.v4 : root.v6)
      for depth in 0..<Int(item.prefix.length) {
        node = child(of: node, item.prefix.address.bit(depth))
      }
      // Of two with the same prefix the first counts.
      if nodes[node].table < 0 { nodes[node].table = Int32(item.table) }
    }
    known[classes] = root
    return root
  }

  private mutating func child(of node: Int, _ bit: Bool) -> Int {
    let known = bit ? nodes[node].one : nodes[node].zero
    if known != 0 { return Int(known) }
    nodes.append(Node())
    let added = nodes.count - 1
    if bit { nodes[node].one = Int32(added) } else { nodes[node].zero = Int32(added) }
    return added
  }

  /// The table of the longest prefix that holds the first `length` bits of `address`; 0 where none does.
  @inline(__always)
  func find(_ root: Root, _ address: IPAddress, length: Int) -> (table: Int, bits: Int) {
    var bits: UInt64
    var low: UInt64 = 0
    var node: Int
    switch address {
    case .v4(let address):
      bits = UInt64(address.rawValue) << 32
      node = Int(root.v4)
    case .v6(let address):
      (bits, low) = (address.high, address.low)
      node = Int(root.v6)
    }
    let nodes = nodes.span
    var table: Int32 = 0
    var depth = 0
    while true {
      let here = nodes[node]
      if here.table >= 0 { table = here.table }
      if here.zero | here.one == 0 || depth == length { break }
      let next = bits >> 63 == 1 ? here.one : here.zero
      bits = bits << 1 | low >> 63
      low <<= 1
      depth &+= 1
      if next == 0 { break }
      node = Int(next)
    }
    return (Int(table), depth)
  }
}
