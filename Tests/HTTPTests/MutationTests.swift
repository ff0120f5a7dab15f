import NetTypes
import Testing

@testable import HTTP

/// Valid messages with random bytes changed, dropped, doubled and cut: nothing may trap, and the
/// verdict may not depend on where the bytes were cut. The seed is the test's argument.
@Suite struct MutationTests {
  static let heads = [
    "GET /a?b HTTP/1.1\r\nHost: example.org\r\nConnection: keep-alive, x-y\r\nX-Y: 1\r\n\r\n",
    "POST http://h:1/ HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nUpgrade: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
  ]
  static let body = "4;x=\"y\"\r\nWiki\r\nA\r\n0123456789\r\n0\r\nX-Trailer: v\r\n\r\n"

  static func mutated(_ text: String, _ random: inout SeededRandom) -> [UInt8] {
    var bytes = Array(text.utf8)
    let odd: [UInt8] = [0, 9, 10, 13, 32, 44, 58, 59, 0x7f, 0x80, 0xff, 48, 70]
    for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
      let index = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes[index] = odd.randomElement(using: &random) ?? 0
      case 1: bytes.remove(at: index)
      case 2: bytes.insert(odd.randomElement(using: &random) ?? 0, at: index)
      default: bytes.insert(bytes[index], at: index)
      }
    }
    return bytes
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `a mutated head is judged the same with each byte that is added`(_ seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for round in 0..<1500 {
      let text = Self.heads[round % Self.heads.count]
      let bytes = Self.mutated(text, &random)
      var parser = HeadParser()
      func verdict(_ count: Int) -> HeadParser.Outcome {
        bytes.withUnsafeBytes { buffer in
          let part = UnsafeRawBufferPointer(rebasing: buffer[..<count])
          return text.hasPrefix("HTTP") ? parser.parseResponse(part) : parser.parseRequest(part)
        }
      }
      let whole = verdict(bytes.count)
      // A verdict once reached stays.
      var reached: HeadParser.Outcome?
      for count in 0..<bytes.count where reached == nil {
        let outcome = verdict(count)
        if outcome != .incomplete { reached = outcome }
      }
      #expect(reached == nil || reached == whole, "seed \(seed) round \(round)")
      // What is accepted has its fields inside the head.
      if verdict(bytes.count) == .complete {
        let inside = (0..<parser.fieldCount).allSatisfy {
          parser.field($0).value.end <= parser.length
        }
        #expect(inside && parser.length <= bytes.count)
      }
    }
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `a mutated chunked body is judged the same however it is cut`(_ seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for round in 0..<3000 {
      let bytes = Self.mutated(Self.body, &random)
      let cut = Int.random(in: 0...bytes.count, using: &random)
      let whole = dechunk([bytes])
      let parts = dechunk([Array(bytes[..<cut]), Array(bytes[cut...])])
      #expect(whole.event == parts.event, "seed \(seed) round \(round)")
      #expect(whole.data == parts.data)
    }
  }
}
