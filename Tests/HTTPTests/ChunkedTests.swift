import Testing

@testable import HTTP

/// Decodes `parts` one after the other.
func dechunk(_ parts: [[UInt8]]) -> (data: [UInt8], event: ChunkedDecoder.Event, rest: Int) {
  var decoder = ChunkedDecoder()
  var data: [UInt8] = []
  var last = ChunkedDecoder.Event.needMore
  for part in parts {
    var position = 0
    loop: while true {
      last = part.withUnsafeBytes { decoder.next($0, at: &position) }
      switch last {
      case .data(let start, let end): data += part[start..<end]
      case .needMore: break loop
      case .end, .invalid: return (data, last, part.count - position)
      }
    }
  }
  return (data, last, 0)
}

@Suite struct ChunkedTests {
  static let message = Array(
    "4\r\nWiki\r\n6;a=b\r\npedia \r\nB \r\nin \r\n\r\nchun\r\n0\r\nX-Sum: 1\r\n\r\n".utf8)

  @Test func `content comes out the same wherever the bytes are cut`() {
    for cut in 0...Self.message.count {
      let result = dechunk([Array(Self.message[..<cut]), Array(Self.message[cut...])])
      #expect(String(decoding: result.data, as: UTF8.self) == "Wikipedia in \r\n\r\nchun")
      #expect(result.event == .end, "cut at \(cut)")
    }
    #expect(dechunk(Self.message.map { [$0] }).event == .end)
  }

  @Test func `the bytes behind the body are left alone`() {
    let result = dechunk([Array("1\r\na\r\n0\r\n\r\nGET /".utf8)])
    #expect(result.event == .end)
    #expect(result.rest == 5)
  }

  @Test(arguments: [
    ("\r\n", HTTPError.invalidChunk), ("g\r\n", .invalidChunk), ("-1\r\n", .invalidChunk),
    ("0x1\r\na\r\n", .invalidChunk), ("1\na\r\n", .bareLineBreak), ("1\r\nab\r\n", .invalidChunk),
    ("1\r\na\n", .invalidChunk), ("1\ra", .bareLineBreak), (" 1\r\n", .invalidChunk),
    ("1;a\n\r\n", .bareLineBreak), ("1;\u{0}\r\n", .invalidChunk), ("1 x\r\n", .invalidChunk),
    ("1234567890abcdef\r\n", .invalidChunk), ("0\r\nContent-Length: 1\r\n\r\n", .forbiddenTrailer),
    ("0\r\ntransfer-encoding: chunked\r\n\r\n", .forbiddenTrailer),
    ("0\r\nX: y\n\r\n", .bareLineBreak), ("0\r\nX : y\r\n", .invalidFieldName),
    ("0\r\n\n", .bareLineBreak), ("0\r\n X: y\r\n", .foldedField),
    ("0\r\n: y\r\n", .invalidFieldName),
    ("0\r\n\rX", .bareLineBreak),
  ])
  func `a malformed body is refused`(_ text: String, _ error: HTTPError) {
    #expect(dechunk([Array(text.utf8)]).event == .invalid(error))
  }

  @Test func `lines and trailers have limits`() {
    let line = "1;" + String(repeating: "x", count: 2000)
    #expect(dechunk([Array(line.utf8)]).event == .invalid(.chunkLineTooLong(limit: 1024)))
    let trailer = "0\r\nX: " + String(repeating: "x", count: 9000)
    #expect(dechunk([Array(trailer.utf8)]).event == .invalid(.trailersTooLarge(limit: 8192)))
  }

  @Test func `what the encoder writes the decoder reads`() {
    var wire: [UInt8] = []
    var expected: [UInt8] = []
    for count in [1, 15, 16, 255, 4096, 0, 70000] {
      let data = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
      expected += data
      ChunkedEncoder.append(data, to: &wire)
    }
    ChunkedEncoder.appendEnd(trailers: ["X-Sum": "7"], to: &wire)
    let result = dechunk([wire])
    #expect(result.event == .end)
    #expect(result.data == expected)
  }
}
