import NetTypes

/// `bgp as-path access-list`: patterns over the text of a path.
package typealias ASPathList = PolicyList<PathExpression>

extension PathExpression: PolicyCondition {}

extension PolicyList where Condition == PathExpression {
  package func permits(_ path: ASPath) -> Bool {
    let text = Array(path.description.utf8)
    return permits { $0.matches(text) }
  }
}

extension ASPath {
  /// Without `numbers`; segments that lose all of theirs go.
  func excluding(_ numbers: [ASNumber]) -> ASPath {
    ASPath(
      segments: segments.compactMap { segment in
        let left = segment.numbers.filter { !numbers.contains($0) }
        return left.isEmpty ? nil : Segment(segment.kind, left)
      })
  }

  func prepending(_ numbers: [ASNumber]) -> ASPath {
    numbers.reversed().reduce(self) { $0.prepending($1) }
  }
}
