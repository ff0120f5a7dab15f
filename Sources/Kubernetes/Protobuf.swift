import Wire

/// Reads objects in Kubernetes' protobuf form, as typed clients send them
/// (`application/vnd.kubernetes.protobuf`): four bytes `k8s\0`, an envelope with the kind, and the
/// message. Answers are always JSON, which such clients take as well.
package enum Protobuf {
  package static let contentType = "application/vnd.kubernetes.protobuf"

  package struct Failure: Error, Equatable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
    static let truncated = Failure("the protobuf message ends too early")
  }

  private struct Field {
    let name: String
    let shape: Substring
  }

  private static let types: [Substring: [Int: Field]] = {
    var types: [Substring: [Int: Field]] = [:]
    for line in table.split(separator: "\n") {
      let parts = line.split(separator: " ")
      guard let type = parts.first else { continue }
      for part in parts.dropFirst() {
        let digits = part.prefix { $0.isNumber }
        let halves = part.dropFirst(digits.count).split(separator: ":")
        guard let number = Int(digits), halves.count == 2 else { continue }
        types[type, default: [:]][number] = Field(name: String(halves[1]), shape: halves[0])
      }
    }
    return types
  }()

  /// Members that a client sends as zero where they are not set.
  private static let unsetWhenZero: Set<String> = [
    "generation", "minReadySeconds", "initialDelaySeconds", "timeoutSeconds", "periodSeconds",
    "successThreshold", "failureThreshold", "hostPort", "containerPort", "count", "nodePort",
    "port", "healthCheckNodePort", "number", "hostNetwork", "hostPID", "hostIPC", "stdin",
    "stdinOnce", "tty", "readOnly", "paused", "publishNotReadyAddresses", "unschedulable",
    "allowed", "denied", "incomplete", "maxSkew", "weight",
  ]

  package static func decode(_ bytes: [UInt8]) throws(Failure) -> JSON {
    guard bytes.starts(with: [0x6B, 0x38, 0x73, 0x00]) else {
      throw Failure("the body does not begin as Kubernetes' protobuf does")
    }
    var envelope = Reader(bytes[4...])
    var kind: JSON = [:]
    var raw: ArraySlice<UInt8> = []
    while let (number, value) = try envelope.next() {
      guard case .bytes(let content) = value else { continue }
      if number == 1 {
        var meta = Reader(content)
        while let (number, value) = try meta.next() {
          guard case .bytes(let text) = value else { continue }
          kind[number == 1 ? "apiVersion" : "kind"] = .string(
            String(decoding: text, as: UTF8.self))
        }
      } else if number == 2 {
        raw = content
      }
    }
    let name = kind["kind"].string ?? ""
    guard types[name[...]] != nil else {
      throw Failure("kind \"\(name)\" is not known in protobuf form; send JSON")
    }
    var object = try message(raw, name[...], depth: 0)
    object["apiVersion"] = kind["apiVersion"]
    object["kind"] = kind["kind"]
    return object
  }

  private static func message(
    _ bytes: ArraySlice<UInt8>, _ type: Substring, depth: Int
  ) throws(Failure) -> JSON {
    guard depth < 50 else { throw Failure("nested deeper than 50") }
    guard let fields = types[type] else { throw Failure("\(type) is not known") }
    var members: [String: JSON] = [:]
    var reader = Reader(bytes)
    while let (number, value) = try reader.next() {
      guard let field = fields[number] else {
        if case .bytes(let content) = value, content.isEmpty { continue }
        if case .integer(0) = value { continue }
        throw Failure("field \(number) of \(type) is not known")
      }
      var shape = field.shape
      if shape == "-" { continue }
      if shape.hasPrefix("*") {
        shape.removeFirst()
        let element = try self.value(value, shape, depth)
        members[field.name] = .array((members[field.name]?.elements ?? []) + [element])
      } else if shape.hasPrefix("m") {
        shape.removeFirst()
        guard case .bytes(let entry) = value else { throw .truncated }
        let (key, item) = try mapEntry(entry, shape, depth)
        members[field.name, default: [:]][key] = item
      } else if shape.hasPrefix("!") {
        shape.removeFirst()
        for (key, item) in try self.value(value, shape, depth).members { members[key] = item }
      } else {
        let item = try self.value(value, shape, depth)
        let isUnset =
          item.isNull || item == ""
          || (unsetWhenZero.contains(field.name) && (item == 0 || item == false))
        if !isUnset { members[field.name] = item }
      }
    }
    return .object(members)
  }

  private static func mapEntry(
    _ bytes: ArraySlice<UInt8>, _ shape: Substring, _ depth: Int
  ) throws(Failure) -> (String, JSON) {
    var reader = Reader(bytes)
    var key = ""
    var item: JSON = ""
    while let (number, value) = try reader.next() {
      if number == 1, case .bytes(let text) = value {
        key = String(decoding: text, as: UTF8.self)
      } else if number == 2 {
        item = try self.value(value, shape, depth)
      }
    }
    return (key, item)
  }

  private static func value(
    _ value: Reader.Value, _ shape: Substring, _ depth: Int
  ) throws(Failure) -> JSON {
    switch (shape, value) {
    case ("s", .bytes(let text)): return .string(String(decoding: text, as: UTF8.self))
    case ("y", .bytes(let content)): return .string(Base64.encode(Array(content)))
    case ("i", .integer(let number)): return .integer(Int64(bitPattern: number))
    case ("b", .integer(let number)): return .bool(number != 0)
    case ("t", .bytes(let content)): return try time(content)
    case ("q", .bytes(let content)):
      var reader = Reader(content)
      while let (_, value) = try reader.next() {
        if case .bytes(let text) = value { return .string(String(decoding: text, as: UTF8.self)) }
      }
      return .null
    case ("x", .bytes(let content)): return try intOrString(content)
    case ("a", .bytes(let content)):
      var reader = Reader(content)
      while let (_, value) = try reader.next() {
        if case .bytes(let raw) = value { return (try? JSON(parsing: Array(raw))) ?? .null }
      }
      return .null
    case (_, .bytes(let content)): return try message(content, shape, depth: depth + 1)
    default: throw Failure("a value of the wrong wire type for \(shape)")
    }
  }

  private static func time(_ bytes: ArraySlice<UInt8>) throws(Failure) -> JSON {
    guard !bytes.isEmpty else { return .null }
    var reader = Reader(bytes)
    var time = Timestamp(unixSeconds: 0)
    while let (number, value) = try reader.next() {
      guard case .integer(let count) = value else { continue }
      if number == 1 { time.unixSeconds = Int64(bitPattern: count) }
      if number == 2 { time.microseconds = Int32(clamping: count / 1000) }
    }
    return .string(time.microseconds == 0 ? time.description : time.microText)
  }

  private static func intOrString(_ bytes: ArraySlice<UInt8>) throws(Failure) -> JSON {
    var reader = Reader(bytes)
    var isString = false
    var number: Int64 = 0
    var text = ""
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, .integer(let type)): isString = type == 1
      case (2, .integer(let count)): number = Int64(bitPattern: count)
      case (3, .bytes(let content)): text = String(decoding: content, as: UTF8.self)
      default: break
      }
    }
    return isString ? .string(text) : .integer(number)
  }

  /// The fields of one message.
  private struct Reader {
    enum Value {
      case integer(UInt64)
      case bytes(ArraySlice<UInt8>)
    }
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func next() throws(Failure) -> (Int, Value)? {
      guard !rest.isEmpty else { return nil }
      let tag = try varint()
      guard let number = Int(exactly: tag >> 3) else { throw .truncated }
      switch tag & 7 {
      case 0: return (number, .integer(try varint()))
      case 1: return (number, .bytes(try take(8)))
      case 2: return (number, .bytes(try take(Int(clamping: try varint()))))
      case 5: return (number, .bytes(try take(4)))
      default: throw Failure("wire type \(tag & 7) is not known")
      }
    }

    private mutating func take(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
      guard count <= rest.count else { throw .truncated }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count)
    }

    private mutating func varint() throws(Failure) -> UInt64 {
      var value: UInt64 = 0
      for shift in stride(from: 0, to: 64, by: 7) {
        guard let byte = rest.popFirst() else { throw .truncated }
        value |= UInt64(byte & 0x7F) << UInt64(shift)
        if byte & 0x80 == 0 { return value }
      }
      throw Failure("an integer of more than ten bytes")
    }
  }
}
