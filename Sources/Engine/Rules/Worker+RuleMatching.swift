import Delivery
import HTTP

/// The conditions of a rule, the cheap ones first.
extension Worker {
  func matches(
    _ rule: CompiledRule, _ index: UInt32, _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    if !rule.methods.isEmpty {
      let method = requestParser.methodName.bytes(of: bytes)
      guard rule.methods.contains(where: { method.elementsEqual($0) }) else { return false }
    }
    if !rule.source.isEmpty {
      let client = at(index)
      guard rule.source.contains(client.pointee.address, isIPv6: client.pointee.has(.ipv6)) else {
        return false
      }
    }
    // An expression's groups are those of the last match: the path comes last.
    for field in rule.headers where !matchesHeader(field, bytes) { return false }
    for field in rule.query where !matchesQuery(field, bytes) { return false }
    return matchesPath(rule.path)
  }

  private func matchesPath(_ path: CompiledRule.Path) -> Bool {
    switch path {
    case .any: return true
    case .exact(let text): return rules.path.elementsEqual(text)
    case .prefix(let text):
      guard rules.path.count >= text.count, rules.path.prefix(text.count).elementsEqual(text)
      else { return false }
      return rules.path.count == text.count || rules.path[text.count] == UInt8(ascii: "/")
    case .regex(let expression): return rules.matcher.matches(expression, rules.path)
    }
  }

  /// Any of the header's fields may hold the value.
  private func matchesHeader(
    _ field: CompiledRule.Field, _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    var found = false
    for index in 0..<requestParser.fieldCount {
      let place = requestParser.field(index)
      guard equalsIgnoringCase(place.name.bytes(of: bytes), field.name) else { continue }
      found = true
      if holds(field.value, place.value.bytes(of: bytes)) { return true }
    }
    if case .absent = field.value { return !found }
    return false
  }

  /// Any of the parameters of that name may hold the value.
  private func matchesQuery(
    _ field: CompiledRule.Field, _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    let target = requestParser.pathAndQuery.bytes(of: bytes)
    var found = false
    var start = (target.firstIndex(of: UInt8(ascii: "?")) ?? target.count) &+ 1
    while start < target.count {
      var end = start
      while end < target.count, target[end] != UInt8(ascii: "&") { end &+= 1 }
      let pair = UnsafeRawBufferPointer(rebasing: target[start..<end])
      let sign = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.count
      let name = decodeParameter(UnsafeRawBufferPointer(rebasing: pair[..<sign]))
      if name.elementsEqual(field.name.utf8) {
        found = true
        let value = decodeParameter(
          UnsafeRawBufferPointer(rebasing: pair[min(sign + 1, pair.count)...]))
        if holds(field.value, value) { return true }
      }
      start = end &+ 1
    }
    if case .absent = field.value { return !found }
    return false
  }

  private func holds(_ value: CompiledRule.Value, _ bytes: UnsafeRawBufferPointer) -> Bool {
    switch value {
    case .exact(let text): bytes.elementsEqual(text)
    case .regex(let expression): rules.matcher.matches(expression, bytes)
    case .present: true
    case .absent: false
    }
  }

  /// As forms write them: escapes, and `+` for a blank. Into the head's scratch.
  private func decodeParameter(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var writer = HeadWriter(headScratch)
    var index = 0
    while index < text.count {
      if text[index] == UInt8(ascii: "%"), index &+ 2 < text.count,
        let high = hexadecimal(text[index &+ 1]), let low = hexadecimal(text[index &+ 2])
      {
        writer.append(byte: high << 4 | low)
        index &+= 3
      } else {
        writer.append(byte: text[index] == UInt8(ascii: "+") ? 0x20 : text[index])
        index &+= 1
      }
    }
    return writer.written
  }
}
