import Delivery
import Glibc
import HTTP
import Intent
import NetTypes

extension Fuzz {
  /// What clients, members and operators hand to the data plane.
  static let delivery: [Target] = [
    ("http-request", { request(Fuzz.bytes($0, $1)) }),
    ("http-response", { response(Fuzz.bytes($0, $1)) }),
    ("http-chunks", { chunks(Fuzz.bytes($0, $1)) }), ("path", { path(Fuzz.bytes($0, $1)) }),
    (
      "template",
      {
        let text = String(decoding: Fuzz.bytes($0, $1), as: UTF8.self)
        guard let template = try? Template(text) else { return 0 }
        // Text alone is what it says, but for doubled dollar signs.
        if !text.contains("$") { precondition(template == Template(literal: text)) }
        return 0
      }
    ),
    (
      "edge-file",
      {
        let text = String(decoding: Fuzz.bytes($0, $1), as: UTF8.self)
        guard let parsed = try? EdgeFile.parse(text, file: "f") else { return 0 }
        let (usable, _) = parsed.configuration.validated()
        precondition(usable.validated().problems.isEmpty, "what was found sound is not")
        return 0
      }
    ),
    ("proxy-protocol", { proxy(Fuzz.bytes($0, $1)) }),
    ("http2-fields", { http2(Fuzz.bytes($0, $1)) }),
  ]

  private static func parse(
    _ bytes: ArraySlice<UInt8>, _ parser: inout HeadParser, isRequest: Bool
  ) -> HeadParser.Outcome {
    bytes.withUnsafeBytes { isRequest ? parser.parseRequest($0) : parser.parseResponse($0) }
  }

  /// A head is the same whatever follows it, and incomplete without its last byte; its parts lie in it
  /// and hold no line break.
  private static func head(_ bytes: [UInt8], _ parser: inout HeadParser, isRequest: Bool) -> Bool {
    guard parse(bytes[...], &parser, isRequest: isRequest) == .complete else { return false }
    let length = parser.length
    precondition(length <= bytes.count && length >= 4, "longer than what there is")
    precondition(bytes[..<length].suffix(2).elementsEqual([13, 10]), "a head ends in CR LF")
    let fields = parser.fieldCount
    precondition(
      parse(bytes[..<(length - 1)], &parser, isRequest: isRequest) == .incomplete,
      "complete without its end")
    precondition(parse(bytes[..<length], &parser, isRequest: isRequest) == .complete)
    precondition(parser.length == length && parser.fieldCount == fields, "what follows matters")
    bytes[..<length].withUnsafeBytes { buffer in
      for index in 0..<fields {
        let field = parser.field(index)
        for part in [field.name.bytes(of: buffer), field.value.bytes(of: buffer)] {
          precondition(!part.contains { $0 == 0 || $0 == 10 || $0 == 13 }, "a control in a field")
        }
      }
      _ = parser.value(ofCookie: "name", in: buffer)
      _ = parser.value(ofField: "x-name", in: buffer)
    }
    return true
  }

  /// A request that the engine takes is the one that a reader of the RFC's letter finds.
  private static func request(_ bytes: [UInt8]) -> Int32 {
    var parser = HeadParser()
    guard head(bytes, &parser, isRequest: true) else { return 0 }
    let framing = parser.requestFraming
    // Without the content, so that the head alone is judged.
    var content: [UInt8] = []
    switch framing {
    case .chunked: content = Array("0\r\n\r\n".utf8)
    case .length(let count):
      guard count < 1 << 16 else { return 0 }
      content = [UInt8](repeating: 120, count: Int(count))
    case .none, .untilClose: break
    }
    let (requests, error) = ReferenceReader.all(bytes[..<parser.length] + content)
    guard requests.count == 1, error == nil, let request = requests.first else {
      preconditionFailure("the reader finds \(requests), \(error ?? "no error")")
    }
    bytes.withUnsafeBytes { buffer in
      precondition(
        parser.methodName.bytes(of: buffer).elementsEqual(request.method.utf8), "another method")
      guard request.method != "CONNECT" else { return }
      let target = String(decoding: parser.pathAndQuery.bytes(of: buffer), as: UTF8.self)
      precondition(
        target == request.target || "/" + target == request.target, "another target")
    }
    switch framing {
    case .length(let count): precondition(request.body.count == Int(count), "another length")
    default: precondition(request.body.isEmpty, "another length")
    }
    return 0
  }

  /// Fields of HTTP/2, a line each as `name=value`, are one head of HTTP/1.1 or none: the strict parser
  /// takes all of it, or refuses it.
  private static func http2(_ bytes: [UInt8]) -> Int32 {
    var headers = HTTP2Headers(limit: 4096)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 16384, alignment: 16)
    defer {
      headers.deallocate()
      memory.deallocate()
    }
    headers.begin()
    for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
      let end = line.dropFirst().firstIndex(of: UInt8(ascii: "=")) ?? line.endIndex
      let isTaken = line[..<end].withUnsafeBytes { name in
        line[end...].dropFirst().withUnsafeBytes { headers.add(name, $0) }
      }
      guard isTaken else { return 0 }
    }
    var parser = HeadParser()
    for ends in [true, false] {
      for isRequest in [true, false] {
        var writer = HeadWriter(memory)
        let content =
          isRequest
          ? headers.writeRequest(&writer, ends: ends)
          : headers.writeResponse(&writer, isHead: false, ends: ends)
        guard content != nil, !writer.overflowed else { continue }
        let head = Array(writer.written)
        let outcome = parse(head[...], &parser, isRequest: isRequest)
        precondition(outcome != .incomplete, "a head without its end")
        if outcome == .complete { precondition(parser.length == head.count, "two heads of one") }
      }
    }
    return 0
  }

  private static func response(_ bytes: [UInt8]) -> Int32 {
    var parser = HeadParser()
    guard head(bytes, &parser, isRequest: false) else { return 0 }
    precondition((0..<1000).contains(parser.status), "a status of more than three digits")
    for method in [KnownMethod.get, .head, .connect] { _ = parser.responseFraming(to: method) }
    return 0
  }

  /// How a body is cut by TCP does not change it, and a reader of the RFC's letter reads the same.
  private static func chunks(_ bytes: [UInt8]) -> Int32 {
    let whole = decode(bytes, by: bytes.count)
    for size in [1, 2, 7] {
      precondition(decode(bytes, by: size) == whole, "cut, the body is another")
    }
    guard whole.isDone else { return 0 }
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    let (requests, _) = ReferenceReader.all(Array(head.utf8) + bytes[..<whole.used])
    precondition(requests.first?.body == whole.content, "the reader finds another body")
    return 0
  }

  private struct Decoded: Equatable {
    var content: [UInt8] = []
    var used = 0
    var isDone = false
    var error: HTTPError?
  }

  private static func decode(_ bytes: [UInt8], by size: Int) -> Decoded {
    var decoder = ChunkedDecoder()
    var decoded = Decoded()
    while decoded.used < bytes.count, !decoded.isDone, decoded.error == nil {
      let part = bytes[decoded.used..<min(bytes.count, decoded.used + max(1, size))]
      part.withUnsafeBytes { buffer in
        var position = 0
        loop: while true {
          switch decoder.next(buffer, at: &position) {
          case .data(let start, let end): decoded.content += buffer[start..<end]
          case .needMore: break loop
          case .end:
            decoded.isDone = true
            break loop
          case .invalid(let error):
            decoded.error = error
            break loop
          }
        }
        decoded.used += position
      }
    }
    return decoded
  }

  /// A normal form is its own, starts at the root and does not climb.
  private static func path(_ bytes: [UInt8]) -> Int32 {
    guard let once = normal(bytes) else { return 0 }
    precondition(once.first == UInt8(ascii: "/") && once.count <= bytes.count)
    precondition(normal(once) == once, "another normal form")
    let text = String(decoding: once, as: UTF8.self)
    precondition(!text.contains("/../") && !text.contains("/./") && !text.contains("//"))
    precondition(!text.hasSuffix("/..") && !text.hasSuffix("/."))
    if !bytes.withUnsafeBytes({ PathNormalizer.needsWork($0) }) {
      precondition(once == bytes, "changed, though there was nothing to change")
    }
    return 0
  }

  private static func normal(_ bytes: [UInt8]) -> [UInt8]? {
    var target = [UInt8](repeating: 0, count: bytes.count)
    let count = bytes.withUnsafeBytes { source in
      target.withUnsafeMutableBytes { PathNormalizer.normalize(source, into: $0) }
    }
    return count.map { Array(target[..<$0]) }
  }

  /// A header is complete with its last byte and no sooner, and written again it reads the same.
  private static func proxy(_ bytes: [UInt8]) -> Int32 {
    guard case .complete(let header) = ProxyProtocol.read(bytes.span) else { return 0 }
    precondition((1...bytes.count).contains(header.length), "a length beyond what is there")
    for cut in 0..<header.length {
      precondition(ProxyProtocol.read(Array(bytes[..<cut]).span) == .incomplete, "decided twice")
    }
    guard let source = header.source, let destination = header.destination else { return 0 }
    for version in ProxyProtocol.Version.allCases {
      let written = ProxyProtocol.header(version, source: source, destination: destination)
      guard case .complete(let again) = ProxyProtocol.read(written.span) else {
        preconditionFailure("what was written is not read")
      }
      precondition(
        again.source == source && again.destination == destination && again.length == written.count,
        "what was written reads as another")
    }
    return 0
  }
}
