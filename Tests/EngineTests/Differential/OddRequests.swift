import NetTypes

/// Requests that somebody who means harm, or cannot do better, might send: sound ones, changed in one
/// or two places. The same seed makes the same requests.
struct OddRequests {
  struct Request {
    /// The first change's class.
    var kind: Kind
    var bytes: [UInt8]
  }

  enum Kind: String, CaseIterable {
    case unchanged = "unchanged"
    case method = "method"
    case target = "target"
    case version = "version"
    case gap = "blanks in the request line"
    case fieldName = "field name"
    case colon = "blanks at the colon"
    case fieldValue = "field value"
    case folding = "obs-fold"
    case lineEnd = "bare CR, bare LF"
    case contentLength = "Content-Length"
    case twoLengths = "two Content-Lengths"
    case coding = "Transfer-Encoding"
    case twoCodings = "two Transfer-Encodings"
    case both = "Content-Length and Transfer-Encoding"
    case oldCoding = "Transfer-Encoding in HTTP/1.0"
    case chunkSize = "chunk size"
    case chunkExtension = "chunk extension"
    case chunkEnd = "chunk end"
    case trailer = "trailer"
    case host = "Host"
    case size = "huge head"
    case connection = "Connection, Upgrade, Expect"
    case pipeline = "pipelining"
    case bytes = "random bytes"
  }

  private var random: SeededRandom

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  /// The `number`th: classes come in turn.
  mutating func next(_ number: Int) -> Request {
    let kind = Kind.allCases[number % Kind.allCases.count]
    var draft = Draft.sound(Int.random(in: 0..<5, using: &random))
    change(&draft, kind)
    if kind != .unchanged, Int.random(in: 0..<4, using: &random) == 0 {
      change(&draft, pick(Kind.allCases.dropFirst().filter { $0 != .size && $0 != .bytes }))
    }
    var bytes = draft.bytes
    if kind == .bytes { flip(&bytes) }
    // What follows shows where a proxy took the end to be.
    if Bool.random(using: &random) { bytes += Array(smuggled.utf8) }
    return Request(kind: kind, bytes: bytes)
  }

  private mutating func pick<Element>(_ list: [Element]) -> Element {
    list[Int.random(in: 0..<list.count, using: &random)]
  }

  private mutating func change(_ draft: inout Draft, _ kind: Kind) {
    let size = draft.content.utf8.count
    switch kind {
    case .unchanged: break
    case .method: draft.method = pick(Odd.methods)
    case .target: draft.target = pick(Odd.targets)
    case .version: draft.version = pick(Odd.versions)
    case .gap:
      if Bool.random(using: &random) {
        draft.firstGap = pick(Odd.gaps)
      } else {
        draft.secondGap = pick(Odd.gaps)
      }
    case .fieldName: draft.fields.append(Draft.Field(name: pick(Odd.names), value: "v"))
    case .colon: draft.fields[position(draft)].colon = pick(Odd.colons)
    case .fieldValue: draft.fields.append(Draft.Field(name: "X-Odd", value: pick(Odd.values)))
    case .folding:
      let index = position(draft)
      let fold = pick(["\r\n ", "\r\n\t", "\n ", "\r ", "\r\n \r\n "])
      draft.fields[index].value =
        Bool.random(using: &random)
        ? fold + draft.fields[index].value
        : draft.fields[index].value + fold + pick(["x", "", "chunked", "5", "Host: other"])
    case .lineEnd:
      let end = pick(Odd.lineEnds)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: draft.lineEnd = end
      case 1: draft.headEnd = end
      default: draft.fields[position(draft)].end = end
      }
    case .contentLength: draft.frame(["Content-Length": pick(Odd.lengths(size))])
    case .twoLengths:
      draft.frame([
        "Content-Length": "\(size)",
        pick(["Content-Length", "content-length"]): pick(Odd.lengths(size) + ["0", "\(size)"]),
      ])
    case .coding:
      draft.chunk()
      draft.frame(["Transfer-Encoding": pick(Odd.codings)])
    case .twoCodings:
      draft.chunk()
      draft.frame([
        "Transfer-Encoding": pick(["chunked", "identity", "gzip"]),
        pick(["Transfer-Encoding", "transfer-encoding"]): pick(Odd.codings),
      ])
    case .both:
      draft.chunk()
      let coding = ("Transfer-Encoding", pick(["chunked"] + Odd.codings))
      let length = ("Content-Length", pick(["\(draft.body.utf8.count)", "0", "4"]))
      draft.frame(
        Bool.random(using: &random)
          ? [coding.0: coding.1, length.0: length.1] : [length.0: length.1, coding.0: coding.1])
    case .oldCoding:
      draft.chunk()
      draft.version = "HTTP/1.0"
      draft.frame(["Transfer-Encoding": pick(Odd.codings)])
    case .chunkSize:
      draft.chunk(size: pick(Odd.sizes(String(size, radix: 16))))
    case .chunkExtension: draft.chunk(extension: pick(Odd.extensions))
    case .chunkEnd: draft.chunk(end: pick(Odd.chunkEnds))
    case .trailer: draft.chunk(trailer: pick(Odd.trailers))
    case .host:
      draft.fields.removeAll { $0.name == "Host" }
      draft.fields += pick(Odd.hosts).map { Draft.Field(name: $0.0, value: $0.1) }
    case .size: makeHuge(&draft)
    case .connection:
      let (name, value) = pick(Odd.connections)
      draft.fields.append(Draft.Field(name: name, value: value))
    case .pipeline: draft.tail = pick(Odd.tails)
    case .bytes: break
    }
  }

  private mutating func position(_ draft: Draft) -> Int {
    Int.random(in: 0..<draft.fields.count, using: &random)
  }

  private mutating func makeHuge(_ draft: inout Draft) {
    let count = pick([4000, 9000, 20_000, 40_000, 70_000])
    let text = String(repeating: "x", count: count)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: draft.target = "/" + text
    case 1: draft.fields.append(Draft.Field(name: "X-" + text, value: "v"))
    case 2: draft.fields.append(Draft.Field(name: "X-Huge", value: text))
    default:
      draft.fields += (0..<pick([90, 100, 120, 126, 140, 500])).map {
        Draft.Field(name: "X-\($0)", value: "v")
      }
    }
  }

  private mutating func flip(_ bytes: inout [UInt8]) {
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let at = Int.random(in: 0..<bytes.count, using: &random)
      let byte = pick([0, 9, 10, 13, 32, 58, 59, 44, 127, 128, 255] + Array("05azAZ/%.".utf8))
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes[at] = byte
      case 1: bytes.insert(byte, at: at)
      case 2: bytes.remove(at: at)
      default: bytes.insert(bytes[at], at: at)
      }
    }
  }
}

/// What must never come to a backend from inside another request's content.
let smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"

/// A request in parts.
struct Draft {
  struct Field {
    var name: String
    var colon = ": "
    var value: String
    var end = "\r\n"
  }

  var method = "GET"
  var firstGap = " "
  var target = "/path?q=1"
  var secondGap = " "
  var version = "HTTP/1.1"
  var lineEnd = "\r\n"
  var fields = [Field(name: "Host", value: "h"), Field(name: "X-Plain", value: "some text")]
  var headEnd = "\r\n"
  /// What the body says, before it is framed.
  var content = ""
  var body = ""
  var tail = ""

  static func sound(_ number: Int) -> Draft {
    var draft = Draft()
    switch number {
    case 0: draft.method = "GET"
    case 1: draft.method = "HEAD"
    case 2, 3:
      draft.method = "POST"
      draft.content = number == 2 ? "hello" : smuggled
      draft.body = draft.content
      draft.frame(["Content-Length": "\(draft.content.utf8.count)"])
    default:
      draft.method = "PUT"
      draft.content = "hello"
      draft.chunk()
    }
    return draft
  }

  /// These framing fields, in this order, instead of those that are there.
  mutating func frame(_ framing: KeyValuePairs<String, String>) {
    fields.removeAll { $0.name == "Content-Length" || $0.name == "Transfer-Encoding" }
    fields += framing.map { Field(name: $0.key, value: $0.value) }
  }

  mutating func chunk(
    size: String? = nil, extension text: String = "", end: String = "\r\n", trailer: String = ""
  ) {
    if content.isEmpty { content = "hello" }
    if method == "GET" || method == "HEAD" { method = "POST" }
    let count = size ?? String(content.utf8.count, radix: 16)
    body = "\(count)\(text)\r\n\(content)\(end)0\r\n\(trailer)\r\n"
    frame(["Transfer-Encoding": "chunked"])
  }

  var bytes: [UInt8] {
    let head = fields.map { $0.name + $0.colon + $0.value + $0.end }.joined()
    return Array(
      "\(method)\(firstGap)\(target)\(secondGap)\(version)\(lineEnd)\(head)\(headEnd)\(body)\(tail)"
        .utf8)
  }
}
