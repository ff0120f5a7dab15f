import Testing

@testable import HTTP

/// A parsed head, copied out for comparison.
struct Parsed: Equatable {
  var outcome: HeadParser.Outcome
  var method = ""
  var target = ""
  var host = ""
  var status = 0
  var fields: [String] = []
  var framing = BodyFraming.none
  var persistent = false
  var length = 0
}

func parseRequest(_ text: String, limit: Int = 32 << 10) -> Parsed {
  var parser = HeadParser(byteLimit: limit)
  let bytes = Array(text.utf8)
  return bytes.withUnsafeBytes { buffer in
    let outcome = parser.parseRequest(buffer)
    guard outcome == .complete else { return Parsed(outcome: outcome) }
    return Parsed(
      outcome: outcome, method: parser.methodName.string(of: buffer),
      target: parser.target.string(of: buffer), host: parser.host.string(of: buffer),
      fields: (0..<parser.fieldCount).map {
        "\(parser.field($0).name.string(of: buffer))=\(parser.field($0).value.string(of: buffer))"
      }, framing: parser.requestFraming, persistent: parser.isPersistent, length: parser.length)
  }
}

func parseResponse(_ text: String, to method: KnownMethod = .get) -> Parsed {
  var parser = HeadParser()
  let bytes = Array(text.utf8)
  return bytes.withUnsafeBytes { buffer in
    let outcome = parser.parseResponse(buffer)
    guard outcome == .complete else { return Parsed(outcome: outcome) }
    return Parsed(
      outcome: outcome, status: parser.status, framing: parser.responseFraming(to: method),
      persistent: parser.isPersistent, length: parser.length)
  }
}

@Suite struct HeadParserTests {
  @Test func `a request head gives its parts and its fields in order`() {
    let text =
      "POST /a/b?c=d HTTP/1.1\r\nHost: example.org:8080\r\nX-Empty:\r\nContent-Length: 12\r\naccept:  */*\t \r\n\r\nbody"
    let head = parseRequest(text)
    #expect(head.outcome == .complete)
    #expect(head.method == "POST")
    #expect(head.target == "/a/b?c=d")
    #expect(head.host == "example.org:8080")
    #expect(
      head.fields == [
        "Host=example.org:8080", "X-Empty=", "Content-Length=12", "accept=*/*",
      ])
    #expect(head.framing == .length(12))
    #expect(head.persistent)
    #expect(head.length == text.utf8.count - 4)
  }

  @Test func `a head that is cut anywhere is incomplete, and complete with its last byte`() {
    let text = "\r\nGET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: y z\r\n\r\n"
    let bytes = Array(text.utf8)
    for count in 0..<bytes.count {
      let part = String(decoding: bytes[..<count], as: UTF8.self)
      #expect(parseRequest(part).outcome == .incomplete, "\(count) bytes")
    }
    #expect(parseRequest(text).outcome == .complete)
    let response = Array("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n".utf8)
    for count in 0..<response.count {
      let part = String(decoding: response[..<count], as: UTF8.self)
      #expect(parseResponse(part).outcome == .incomplete, "\(count) bytes")
    }
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\nHost: a\r\n\r\n", HTTPError.bareLineBreak),
    ("GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineBreak),
    ("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineBreak),
    ("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", .bareLineBreak),
    ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", .foldedField),
    ("GET / HTTP/1.1\r\nHost: a\r\n\tfolded\r\n\r\n", .foldedField),
    ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .foldedField),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .invalidFieldName),
    ("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", .invalidFieldName),
    ("GET / HTTP/1.1\r\n: a\r\n\r\n", .invalidFieldName),
    ("GET / HTTP/1.1\r\nHo st: a\r\n\r\n", .invalidFieldName),
    ("GET / HTTP/1.1\r\nHost\r\n\r\n", .invalidFieldName),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{0}\r\n\r\n", .invalidFieldValue),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{7f}b\r\n\r\n", .invalidFieldValue),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{1}bcdefghij\r\n\r\n", .invalidFieldValue),
    (
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      .conflictingContentLength
    ),
    (
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
      .conflictingContentLength
    ),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", .invalidContentLength),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", .invalidContentLength),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", .invalidContentLength),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x10\r\n\r\n", .invalidContentLength),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .invalidContentLength),
    (
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
      .invalidContentLength
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
      .ambiguousFraming
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
      .ambiguousFraming
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
      .unsupportedTransferEncoding
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
      .unsupportedTransferEncoding
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      .unsupportedTransferEncoding
    ),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\u{b}chunked\r\n\r\n", .invalidFieldValue),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      .unsupportedTransferEncoding
    ),
    (
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n",
      .unsupportedTransferEncoding
    ),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .unsupportedTransferEncoding),
    ("GET /\r\n\r\n", .invalidVersion),
    ("GET / HTTP/0.9\r\n\r\n", .unsupportedVersion),
    ("GET / HTTP/2.0\r\n\r\n", .unsupportedVersion),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
    ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .invalidVersion),
    ("GET / http/1.1\r\nHost: a\r\n\r\n", .invalidVersion),
    ("GET / HTTP/1.\r\nHost: a\r\n\r\n", .invalidVersion),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", .invalidVersion),
    ("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
    (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
    ("G\u{0}T / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
    ("GET /\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    ("GET / HTTP/1.1\r\n\r\n", .missingHost),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .invalidHost),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .invalidHost),
    ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .invalidHost),
    ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .invalidHost),
  ])
  func `a head that two parsers could read differently is refused`(
    _ text: String, _ error: HTTPError
  ) {
    #expect(parseRequest(text).outcome == .invalid(error))
  }

  @Test func `a control byte is found at every offset of a long value`() {
    for offset in 0..<40 {
      var value = [UInt8](repeating: 0x61, count: 40)
      value[offset] = 0x07
      let text = "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(decoding: value, as: UTF8.self))\r\n\r\n"
      #expect(parseRequest(text).outcome == .invalid(.invalidFieldValue), "offset \(offset)")
    }
  }

  @Test func `bytes above ASCII pass in values`() {
    let head = parseRequest("GET / HTTP/1.1\r\nHost: a\r\nX: grüße, naïve café\r\n\r\n")
    #expect(head.fields.last == "X=grüße, naïve café")
  }

  @Test func `an absolute target overrides Host`() {
    let head = parseRequest("GET http://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(head.host == "b.example")
    #expect(head.target == "http://b.example/x")
  }

  @Test func `a head over the limit is refused, even if it is not complete`() {
    let long = "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 1000)
    #expect(parseRequest(long, limit: 512).outcome == .invalid(.headTooLarge(limit: 512)))
    #expect(parseRequest(long, limit: 2048).outcome == .incomplete)
    let many = (0..<200).map { "X\($0): y\r\n" }.joined()
    #expect(
      parseRequest("GET / HTTP/1.1\r\nHost: a\r\n\(many)\r\n").outcome
        == .invalid(.tooManyFields(limit: 128)))
  }

  @Test(arguments: [
    ("HTTP/1.1", "", true), ("HTTP/1.0", "", false), ("HTTP/1.1", "Connection: close\r\n", false),
    ("HTTP/1.0", "Connection: keep-alive\r\n", true),
    ("HTTP/1.1", "Connection: Keep-Alive, CLOSE\r\n", false),
    ("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
  ])
  func `a connection persists as version and Connection say`(
    _ version: String, _ field: String, _ persists: Bool
  ) {
    #expect(parseRequest("GET / \(version)\r\nHost: a\r\n\(field)\r\n").persistent == persists)
  }

  @Test(arguments: [
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", KnownMethod.get, BodyFraming.length(5)),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", .head, .none),
    ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", .get, .none),
    ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", .get, .none),
    ("HTTP/1.1 100 Continue\r\n\r\n", .post, .none),
    ("HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n", .get, .chunked),
    ("HTTP/1.1 200 \r\n\r\n", .get, .untilClose),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .get, .none),
    ("HTTP/1.1 200 OK\r\n\r\n", .connect, .none),
  ])
  func `the framing of a response follows method, status and fields`(
    _ text: String, _ method: KnownMethod, _ framing: BodyFraming
  ) {
    let head = parseResponse(text, to: method)
    #expect(head.outcome == .complete)
    #expect(head.framing == framing)
  }

  @Test(arguments: [
    "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 200OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
    "HTTP/1.1 200 O\u{1}K\r\n\r\n", "http/1.1 200 OK\r\n\r\n",
  ])
  func `a malformed status line is refused`(_ text: String) {
    #expect(parseResponse(text).outcome == .invalid(.invalidStatusLine))
  }

  @Test func `a response with both framings is refused`() {
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    #expect(parseResponse(text).outcome == .invalid(.ambiguousFraming))
  }

  @Test func `fields that Connection names are hop-by-hop`() {
    let text =
      "GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nX-Two: 2\r\nConnection: close, x-one\r\n\r\n"
    var parser = HeadParser()
    let bytes = Array(text.utf8)
    bytes.withUnsafeBytes { buffer in
      let outcome = parser.parseRequest(buffer)
      let nominated = [1, 2].map { parser.isNominated(parser.field($0), in: buffer) }
      #expect(outcome == .complete)
      #expect(nominated == [true, false])
    }
  }
}
