/// Values by prefix, with longest-match lookup, for one family or both.
///
/// A binary trie of one node a bit, in one array: a lookup touches at most as many nodes as the
/// address has bits. Path compression can come behind the same interface.
package struct PrefixTrie<Value> {
  fileprivate struct Node {
    var value: Value?
    /// Indices of the subtrees for a next bit of 0 and 1; 0: none.
    var children: (Int32, Int32) = (0, 0)
  }

  /// The roots of IPv4 and IPv6 are at 0 and 1.
  private var nodes = [Node(), Node()]
  package private(set) var count = 0

  package init() {}

  package subscript(prefix: IPPrefix) -> Value? {
    get {
      var node = prefix.isIPv4 ? 0 : 1
      for depth in 0..<Int(prefix.length) {
        guard let next = child(of: node, prefix.address.bit(depth)) else { return nil }
        node = next
      }
      return nodes[node].value
    }
    set {
      var node = prefix.isIPv4 ? 0 : 1
      for depth in 0..<Int(prefix.length) {
        let bit = prefix.address.bit(depth)
        if let next = child(of: node, bit) {
          node = next
        } else {
          if newValue == nil { return }
          nodes.append(Node())
          let added = nodes.count - 1
          if bit {
            nodes[node].children.1 = Int32(added)
          } else {
            nodes[node].children.0 = Int32(added)
          }
          node = added
        }
      }
      count += (newValue == nil ? 0 : 1) - (nodes[node].value == nil ? 0 : 1)
      nodes[node].value = newValue
    }
  }

  /// The value of the longest prefix that holds `address`.
  package func longestMatch(_ address: IPAddress) -> (prefix: IPPrefix, value: Value)? {
    var node = address.isIPv4 ? 0 : 1
    var best: (length: Int, value: Value)?
    var depth = 0
    while true {
      if let value = nodes[node].value { best = (depth, value) }
      guard depth < address.bitWidth, let next = child(of: node, address.bit(depth)) else { break }
      node = next
      depth += 1
    }
    return best.map { (IPPrefix(address, length: $0.length), $0.value) }
  }

  private func child(of node: Int, _ bit: Bool) -> Int? {
    let index = bit ? nodes[node].children.1 : nodes[node].children.0
    return index == 0 ? nil : Int(index)
  }
}

extension PrefixTrie.Node: Sendable where Value: Sendable {}
extension PrefixTrie: Sendable where Value: Sendable {}

extension IPAddress {
  /// The bit at `index`, the most significant being 0.
  package func bit(_ index: Int) -> Bool {
    switch self {
    case .v4(let address): address.rawValue >> UInt32(31 - index) & 1 == 1
    case .v6(let address):
      index < 64
        ? address.high >> UInt64(63 - index) & 1 == 1 : address.low >> UInt64(127 - index) & 1 == 1
    }
  }
}
