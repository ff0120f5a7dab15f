import Delivery
import Kubernetes
import NetTypes

/// Reads the fields of one object of Calico's, and keeps what is wrong with them.
///
/// A field that is missing or null is nil and no problem; one that does not hold what it has to is
/// nil and a problem.
struct CalicoReader {
  let json: JSON
  /// As `BGPPeer edge`.
  let object: String
  private(set) var problems: [Problem] = []

  init(_ kind: CalicoKind, _ json: JSON) {
    self.json = json
    object = "\(kind.rawValue) \(json["metadata"]["name"].string ?? "")"
  }

  /// The reader of one element of a list, `spec.importV4[2]`, whose problems `take` brings back.
  init(_ element: JSON, of reader: CalicoReader) {
    json = element
    object = reader.object
  }

  mutating func report(_ field: String, _ found: JSON, _ expected: String) {
    report(field, found: found.isNull ? "nothing" : found.text, expected)
  }

  mutating func report(_ field: String, found: String, _ expected: String) {
    problems.append(Problem(object: object, field: field, found: found, expected: expected))
  }

  /// Takes over the problems of an element, its fields behind `path`.
  mutating func take(_ element: CalicoReader, _ path: String) {
    for var problem in element.problems {
      problem.field = "\(path).\(problem.field)"
      problems.append(problem)
    }
  }

  private mutating func value<Value>(
    _ field: String, _ expected: String, _ convert: (JSON) -> Value?
  ) -> Value? {
    let found = json.at(field)
    if found.isNull { return nil }
    if let value = convert(found) { return value }
    report(field, found, expected)
    return nil
  }

  /// Text; nil if it is empty.
  mutating func text(_ field: String) -> String? {
    value(field, "text") { $0.string }.flatMap { $0.isEmpty ? nil : $0 }
  }

  mutating func flag(_ field: String) -> Bool? { value(field, "true or false") { $0.bool } }

  mutating func integer(_ field: String, _ range: ClosedRange<Int>) -> Int? {
    value(field, "\(range.lowerBound) to \(range.upperBound)") {
      $0.int.flatMap { range.contains($0) ? $0 : nil }
    }
  }

  /// A number, or text, dotted perhaps.
  mutating func asNumber(_ field: String) -> ASNumber? {
    value(field, "1 to 4294967295") { json in
      let number =
        json.int.flatMap { UInt32(exactly: $0) }.map { ASNumber($0) }
        ?? json.string.flatMap { ASNumber(text: $0) }
      return number?.rawValue == 0 ? nil : number
    }
  }

  mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ field: String, _ type: Choice.Type
  ) -> Choice? {
    let known = Choice.allCases.map(\.rawValue).joined(separator: " or ")
    return value(field, known) { $0.string.flatMap(Choice.init(rawValue:)) }
  }

  /// How long peers keep routes: `120s`, `2m`; whole seconds of 12 bits. RFC 4724 §3.
  mutating func restartTime(_ field: String) -> Duration? {
    value(field, "a duration to 4095 s, as 120s or 2m") { json in
      json.string.flatMap { Duration(go: $0) }
        .flatMap { (.zero ... .seconds(4095)).contains($0) ? $0 : nil }
    }
  }

  mutating func selector(_ field: String) -> CalicoSelector? {
    guard let text = text(field) else { return nil }
    do throws(CalicoSelector.Mistake) {
      return try CalicoSelector(text)
    } catch {
      report(field, found: error.found, error.expected)
      return nil
    }
  }

  mutating func prefix(_ field: String) -> IPPrefix? {
    value(field, "a prefix without host bits, as 10.0.0.0/8") {
      $0.string.flatMap { IPPrefix($0) }
    }
  }

  /// The prefixes of a list of `cidr: …`; one that is none is left out.
  mutating func prefixes(_ field: String) -> [IPPrefix] {
    json.at(field).elements.enumerated().compactMap { index, element in
      var reader = CalicoReader(element, of: self)
      let prefix = reader.prefix("cidr")
      take(reader, "\(field)[\(index)]")
      return prefix
    }
  }

  /// `password.secretKeyRef`.
  mutating func secretKey(_ field: String) -> CalicoSecretKey? {
    if json.at(field).isNull { return nil }
    guard let name = text("\(field).secretKeyRef.name"), let key = text("\(field).secretKeyRef.key")
    else {
      report(field, found: "no secretKeyRef with name and key", "one")
      return nil
    }
    return CalicoSecretKey(name: name, key: key)
  }
}

/// Where a password is kept: a Secret of the system's namespace, and a key of it.
package struct CalicoSecretKey: Hashable, Sendable, CustomStringConvertible {
  package var name: String
  package var key: String

  package init(name: String, key: String) {
    self.name = name
    self.key = key
  }

  package var description: String { "key \(key) of Secret \(name)" }
}

extension Duration {
  /// Go's notation: `1h30m`, `120s`, `500ms`.
  init?(go text: String) {
    let units: [(String, Duration)] = [
      ("ms", .milliseconds(1)), ("h", .seconds(3600)), ("m", .seconds(60)), ("s", .seconds(1)),
    ]
    var rest = text[...]
    var total = Duration.zero
    repeat {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let count = Int32(digits) else { return nil }
      rest = rest.dropFirst(digits.count)
      guard let unit = units.first(where: { rest.hasPrefix($0.0) }) else { return nil }
      rest = rest.dropFirst(unit.0.count)
      total += unit.1 * Int(count)
    } while !rest.isEmpty
    self = total
  }
}
