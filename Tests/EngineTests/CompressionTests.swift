import CZlib
import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Testing

@Suite struct CompressionTests {
  private static let text = String(repeating: "All work and no play. ", count: 500)

  /// What a client gets from a member that answers with `head` and `body`.
  private func answer(
    _ head: String, _ body: String, asking fields: String = "Accept-Encoding: br, gzip\r\n",
    _ change: (inout Compression) -> Void = { _ in }
  ) async throws -> (response: TestResponse, body: [UInt8]) {
    let backend = try TestServer { client in
      while try client.request() != nil {
        try client.send("HTTP/1.1 200 OK\r\n\(head)\r\n")
        try client.send(body)
        if !head.contains("Content-Length"), !head.contains("chunked") { return }
      }
    }
    let port = freePort()
    var compression = Compression()
    change(&compression)
    let configuration = single(port, .http, [backend.port]) { $0.compression = compression }
    nonisolated(unsafe) var result = (response: TestResponse(head: ""), body: [UInt8]())
    try await withEngine(configuration) { _ in
      result = try await blocking {
        let client = try TestClient(port)
        var last = (response: TestResponse(head: ""), body: [UInt8]())
        // Twice, so that the compressor is used again and the connection has stayed in step.
        for _ in 0..<2 {
          try client.send("GET / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n")
          var response = TestResponse(head: try client.receive(until: "\r\n\r\n"))
          if response["transfer-encoding"] == "chunked" {
            response.body = try client.chunks()
          } else if let length = response["content-length"].flatMap({ Int($0) }) {
            response.body = try client.receive(exactly: length)
          } else {
            response.body = try client.receiveAll()
          }
          last = (response, response.body)
          if response["connection"] == "close" { break }
        }
        return last
      }
    }
    return result
  }

  private func unzip(_ bytes: [UInt8]) -> String? {
    var stream = z_stream()
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { inflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: 1 << 22)
    let size = output.count
    let count = input.withUnsafeMutableBufferPointer { source in
      output.withUnsafeMutableBufferPointer { target in
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(size)
        return inflate(&stream, Z_FINISH) == Z_STREAM_END ? size - Int(stream.avail_out) : -1
      }
    }
    return count < 0 ? nil : String(decoding: output[..<count], as: UTF8.self)
  }

  private static func chunked(_ text: String) -> String {
    stride(from: 0, to: text.utf8.count, by: 1000).map { start in
      let part = text.dropFirst(start).prefix(1000)
      return "\(String(part.utf8.count, radix: 16))\r\n\(part)\r\n"
    }.joined() + "0\r\n\r\n"
  }

  @Test func `a response leaves in gzip, however the member frames it`() async throws {
    let type = "Content-Type: text/html; charset=utf-8\r\n"
    for (head, body) in [
      ("\(type)Content-Length: \(Self.text.utf8.count)\r\nETag: \"a\"\r\n", Self.text),
      ("\(type)Transfer-Encoding: chunked\r\n", Self.chunked(Self.text)), (type, Self.text),
    ] {
      let (response, body) = try await answer(head, body)
      #expect(response["content-encoding"] == "gzip" && response["content-length"] == nil)
      #expect(response["vary"] == "Accept-Encoding")
      #expect(unzip(body) == Self.text)
      #expect(body.count < Self.text.utf8.count / 5)
      if head.contains("ETag") { #expect(response["etag"] == "W/\"a\"") }
    }
  }

  @Test func `bytes that do not get smaller arrive unharmed`() async throws {
    let noise = pattern(300_000).map { String(UnicodeScalar($0 & 0x3f + 0x20)) }.joined()
    let (_, body) = try await answer(
      "Content-Type: text/plain\r\nContent-Length: \(noise.utf8.count)\r\n", noise)
    #expect(unzip(body) == noise)
  }

  struct Case: Sendable {
    var head: String
    var fields = "Accept-Encoding: gzip\r\n"
  }

  static let plain: [Case] = [
    Case(head: "Content-Type: text/html\r\n", fields: ""),
    Case(head: "Content-Type: text/html\r\n", fields: "Accept-Encoding: gzip;q=0, br\r\n"),
    Case(head: "Content-Type: image/png\r\n"), Case(head: ""),
    Case(head: "Content-Type: text/html\r\nContent-Encoding: br\r\n"),
    Case(head: "Content-Type: text/html\r\nCache-Control: no-transform\r\n"),
  ]

  @Test(arguments: plain)
  func `a response passes as it is where it is not to be changed`(_ item: Case) async throws {
    let (response, body) = try await answer(
      "\(item.head)Content-Length: \(Self.text.utf8.count)\r\n", Self.text, asking: item.fields)
    #expect(response["content-encoding"] != "gzip")
    #expect(body == Array(Self.text.utf8))
  }

  @Test func `a small response is not worth it`() async throws {
    let (response, body) = try await answer(
      "Content-Type: text/html\r\nContent-Length: 5\r\n", "small")
    #expect(response["content-encoding"] == nil && body == Array("small".utf8))
  }
}
