extension FieldSet {
  /// The fields that `new` has with another value than `old`, and those that it no longer has.
  static func changes(
    from old: JSON?, to new: JSON?, _ shape: Shape
  ) -> (changed: FieldSet, gone: FieldSet) {
    var changed = FieldSet()
    var gone = FieldSet()
    switch (old, new) {
    case (nil, nil): break
    case (nil, let new?):
      if !new.isEmptyObject { changed = FieldSet(new, shape) }
    case (let old?, nil): gone = FieldSet(old, shape)
    case (.object(let before)?, .object(let after)?) where !shape.isAtomic:
      if after.isEmpty, !before.isEmpty { changed.isMember = true }
      for (key, value) in after {
        let part = changes(from: before[key], to: value, shape.member(key))
        changed.take(part.changed, "f:\(key)")
        gone.take(part.gone, "f:\(key)")
      }
      for (key, value) in before where after[key] == nil {
        gone.take(FieldSet(value, shape.member(key)), "f:\(key)")
      }
    case (.array(let before)?, .array(let after)?) where shape.keys != nil || shape.isSet:
      elementChanges(before, after, shape, &changed, &gone)
    case (let old?, let new?):
      guard old != new else { break }
      changed = FieldSet(new, shape)
      gone = FieldSet(old, shape).subtracting(changed)
    }
    return (changed, gone)
  }

  private static func elementChanges(
    _ before: [JSON], _ after: [JSON], _ shape: Shape, _ changed: inout FieldSet,
    _ gone: inout FieldSet
  ) {
    func steps(_ elements: [JSON]) -> [(String, JSON)] {
      guard let keys = shape.keys else { return elements.map { ("v:" + $0.text, $0) } }
      return elements.map { ("k:" + JSON.object(Shape.key(of: $0, keys)).text, $0) }
    }
    let old = Dictionary(steps(before), uniquingKeysWith: { first, _ in first })
    let new = Dictionary(steps(after), uniquingKeysWith: { first, _ in first })
    for (step, value) in new {
      if let previous = old[step] {
        guard shape.keys != nil else { continue }
        let part = changes(from: previous, to: value, shape.element)
        changed.take(part.changed, step)
        gone.take(part.gone, step)
      } else {
        changed.take(item(value, shape), step)
      }
    }
    for (step, value) in old where new[step] == nil { gone.take(item(value, shape), step) }
  }

  /// An element with all that is in it.
  private static func item(_ value: JSON, _ shape: Shape) -> FieldSet {
    guard shape.keys != nil else { return leaf }
    var set = FieldSet(value, shape.element)
    set.isMember = true
    return set
  }

  private mutating func take(_ child: FieldSet, _ step: String) {
    if !child.isEmpty { children[step] = child }
  }
}

extension JSON {
  fileprivate var isEmptyObject: Bool {
    if case .object(let members) = self { members.isEmpty } else { false }
  }
}
