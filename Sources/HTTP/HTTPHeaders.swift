/// Fields in the order they were sent, looked up without regard to case. For the control side;
/// the data plane reads fields where they lie.
package struct HTTPHeaders: Equatable, Sendable, ExpressibleByDictionaryLiteral {
  package struct Field: Equatable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  package private(set) var fields: [Field] = []

  package init() {}

  package init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { add(name, value) }
  }

  package init(_ elements: [(String, String)]) {
    for (name, value) in elements { add(name, value) }
  }

  /// The first value of that name. Setting replaces all of that name; nil removes them.
  package subscript(name: String) -> String? {
    get { fields.first { HTTPHeaders.sameName($0.name, name) }?.value }
    set {
      fields.removeAll { HTTPHeaders.sameName($0.name, name) }
      if let newValue { add(name, newValue) }
    }
  }

  package func values(_ name: String) -> [String] {
    fields.filter { HTTPHeaders.sameName($0.name, name) }.map(\.value)
  }

  /// The elements of a comma-separated list over all fields of that name, in lower case.
  package func tokens(_ name: String) -> [String] {
    values(name).flatMap { value in
      value.split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
    }
  }

  /// Adds a field. Line breaks and other controls, which would let a value write fields of its
  /// own, become spaces.
  package mutating func add(_ name: String, _ value: String) {
    let safe =
      value.utf8.contains { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }
      ? String(
        decoding: value.utf8.map { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f ? 0x20 : $0 },
        as: UTF8.self) : value
    fields.append(Field(name: name, value: safe))
  }

  package func serialize(into output: inout [UInt8]) {
    for field in fields {
      output += field.name.utf8
      output += [UInt8(ascii: ":"), 0x20]
      output += field.value.utf8
      output += [0x0d, 0x0a]
    }
  }

  private static func sameName(_ a: String, _ b: String) -> Bool {
    a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).allSatisfy { lower($0) == lower($1) }
  }
}
