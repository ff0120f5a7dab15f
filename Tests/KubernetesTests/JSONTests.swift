import Kubernetes
import NetTypes
import Testing
import Wire

struct JSONTests {
  @Test(
    arguments: [
      ("null", JSON.null), ("true", true), ("-0", 0), ("42", 42), ("-7", -7),
      ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
      ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("1.5", 1.5), ("1e3", 1000.0),
      ("\"a\\u00e9\\n\\ud83d\\ude00\"", "aé\n😀"), ("\"\\ud800x\"", "\u{FFFD}x"),
      (" [1 , {\"a\":[]}] ", [1, ["a": []]]), ("{\"a\":1,\"a\":2}", ["a": 2]),
    ] as [(String, JSON)])
  func `a text parses to its value`(text: String, value: JSON) throws {
    #expect(try JSON(parsing: text) == value)
  }

  @Test(arguments: [
    ("", 0), ("nul", 3), ("01", 2), ("1.", 2), ("[1,]", 3), ("{\"a\" 1}", 5), ("\"\u{1}\"", 1),
    ("\"\\x\"", 3), ("1 2", 2), ("{1:2}", 1), ("1e999", 5), ("+1", 0), ("\"a", 2), ("[", 1),
  ])
  func `a text that is not JSON fails at its byte`(text: String, offset: Int) {
    let error = #expect(throws: JSONError.self) { try JSON(parsing: text) }
    #expect(error?.offset == offset)
  }

  @Test func `nesting and length are limited`() {
    let deep = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
    let error = #expect(throws: JSONError.self) { try JSON(parsing: deep) }
    #expect(error?.reason == .tooDeep(limit: 200))
    #expect(throws: JSONError.self) {
      try JSON(parsing: Array("[1,2,3]".utf8), byteLimit: 3)
    }
  }

  @Test func `bytes that are not UTF-8 are refused`() {
    let error = #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0xC3, 0x28, 0x22]) }
    #expect(error?.reason == .notUTF8)
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `random documents come back as they were`(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    for _ in 0..<200 {
      let value = Self.value(&random, depth: 0)
      #expect(try JSON(parsing: value.bytes) == value, "seed \(seed)")
      #expect(try JSON(parsing: value.prettyText) == value, "seed \(seed)")
    }
  }

  @Test(arguments: [11, 12, 13] as [UInt64])
  func `damaged documents fail without a trap`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<300 {
      var bytes = Self.value(&random, depth: 0).bytes
      for _ in 0..<3 where !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
          in: 0...255, using: &random)
      }
      guard let value = try? JSON(parsing: bytes) else { continue }
      #expect((try? JSON(parsing: value.bytes)) == value, "seed \(seed)")
    }
  }

  private static func value(_ random: inout SeededRandom, depth: Int) -> JSON {
    switch Int.random(in: 0..<(depth > 4 ? 5 : 7), using: &random) {
    case 0: return .null
    case 1: return .bool(.random(using: &random))
    case 2: return .integer(.random(in: .min ... .max, using: &random))
    case 3: return .number(.random(in: -1e12...1e12, using: &random) + 0.1)
    case 4: return .string(text(&random))
    case 5:
      return .array(
        (0..<Int.random(in: 0..<5, using: &random)).map { _ in
          value(&random, depth: depth + 1)
        })
    default:
      var members: [String: JSON] = [:]
      for _ in 0..<Int.random(in: 0..<5, using: &random) {
        members[text(&random)] = .some(value(&random, depth: depth + 1))
      }
      return .object(members)
    }
  }

  private static func text(_ random: inout SeededRandom) -> String {
    let alphabet = Array("ab/\\\"\n\t\u{1}é😀 {}[]:,")
    return String(
      (0..<Int.random(in: 0..<8, using: &random)).map { _ in
        alphabet.randomElement(using: &random) ?? "a"
      })
  }

  @Test func `members are read and written along a path`() {
    var json: JSON = ["spec": ["replicas": 1]]
    json["spec"]["replicas"] = 3
    json["status"]["ready"] = true
    #expect(json == ["spec": ["replicas": 3], "status": ["ready": true]])
    json["status"]["ready"] = .null
    #expect(json["status"] == [:])
    json["none"]["deeper"] = .null
    #expect(json["none"].isNull && json.members["none"] == nil)
    #expect(json["spec"]["replicas"].int == 3 && json["x"]["y"][4].isNull)
  }

  @Test func `keys are written in order`() {
    #expect(
      (["b": 1, "a": [.null, 1.5, "x\"y"]] as JSON).text == "{\"a\":[null,1.5,\"x\\\"y\"],\"b\":1}")
  }

  @Test(arguments: [
    ("", [UInt8]()), ("Zg==", Array("f".utf8)), ("Zm8=", Array("fo".utf8)),
    ("Zm9v", Array("foo".utf8)), ("Zm9vYmE=", Array("fooba".utf8)),
  ])
  func `base 64 is that of RFC 4648 section 10`(text: String, bytes: [UInt8]) {
    #expect(Base64.encode(bytes) == text)
    #expect(Base64.decode(text) == bytes)
  }

  @Test(arguments: ["Z", "Zg=", "Zg", "Z===", "Zg==Zg==", "Z g=", "*A=="])
  func `what is not base 64 decodes to nothing`(text: String) {
    #expect(Base64.decode(text) == nil)
  }
}
