import Testing

@testable import HTTP

@Suite struct HTTPDecoderTests {
  static let requests = Array(
    """
    POST /a?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\
    GET /b HTTP/1.1\r\nHost: h\r\n\r\n\
    PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n
    """.utf8)

  func summary(_ decoder: inout HTTPDecoder) throws -> [String] {
    var found: [String] = []
    while let event = try decoder.next() {
      switch event {
      case .request(let head): found.append("\(head.method) \(head.target)")
      case .response(let head): found.append("\(head.status)")
      case .body(let data):
        if found.last?.hasPrefix("=") == true {
          found[found.count - 1] += String(decoding: data, as: UTF8.self)
        } else {
          found.append("=" + String(decoding: data, as: UTF8.self))
        }
      case .end: found.append(".")
      }
    }
    return found
  }

  @Test func `pipelined requests come out whole wherever they are cut`() throws {
    let expected = ["POST /a?x=1", "=hello", ".", "GET /b", ".", "PUT /c", "=abcde", "."]
    for cut in 0...Self.requests.count {
      var decoder = HTTPDecoder(role: .server)
      decoder.append(Self.requests[..<cut])
      var found = try summary(&decoder)
      decoder.append(Self.requests[cut...])
      for item in try summary(&decoder) {
        if item.hasPrefix("="), found.last?.hasPrefix("=") == true {
          found[found.count - 1] += item.dropFirst()
        } else {
          found.append(item)
        }
      }
      #expect(found == expected, "cut at \(cut)")
      let idle = decoder.isIdle
      #expect(idle)
    }
  }

  @Test func `a response without a length ends with the connection`() throws {
    var decoder = HTTPDecoder(role: .client)
    decoder.expectResponse(to: "GET")
    decoder.append(Array("HTTP/1.1 200 OK\r\n\r\nabc".utf8))
    let events = try summary(&decoder)
    #expect(events == ["200", "=abc"])
    let persistent = decoder.isPersistent
    #expect(!persistent)
    decoder.finish()
    #expect(try summary(&decoder) == ["."])
  }

  @Test func `interim responses, HEAD and 204 have no body`() throws {
    var decoder = HTTPDecoder(role: .client)
    decoder.expectResponse(to: "HEAD")
    decoder.expectResponse(to: "PUT")
    decoder.append(
      Array(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
          .utf8))
    #expect(try summary(&decoder) == ["100", "200", ".", "204", "."])
  }

  @Test func `a close inside a body is an error`() throws {
    var decoder = HTTPDecoder(role: .client)
    decoder.append(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab".utf8))
    _ = try summary(&decoder)
    decoder.finish()
    var error: HTTPError?
    do throws(HTTPError) { _ = try decoder.next() } catch let thrown { error = thrown }
    #expect(error == .truncated)
  }

  @Test func `an upgrade hands over what follows it`() throws {
    var decoder = HTTPDecoder(role: .client)
    decoder.append(
      Array("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nrest".utf8))
    #expect(try summary(&decoder) == ["101"])
    let tunnel = decoder.isTunnel
    let rest = decoder.takeRest()
    #expect(tunnel)
    #expect(rest == Array("rest".utf8))
  }

  @Test func `a head survives being written and read`() throws {
    let head = HTTPRequestHead(
      method: "GET", target: "/x", headers: ["Host": "h", "Accept": "a,b", "Empty": ""])
    var decoder = HTTPDecoder(role: .server)
    decoder.append(head.serialized())
    let decoded = try decoder.next()
    #expect(decoded == .request(head))
    let response = HTTPResponseHead(status: 404, headers: ["Content-Length": "0"])
    var client = HTTPDecoder(role: .client)
    client.append(response.serialized())
    let answer = try client.next()
    #expect(answer == .response(response))
    #expect(response.reason == "Not Found")
  }
}

@Suite struct HTTPValueTests {
  @Test func `fields are found without regard to case and cannot smuggle lines`() {
    var headers: HTTPHeaders = ["Content-Type": "a", "X": "1"]
    headers.add("x", "2\r\nEvil: 1")
    #expect(headers["content-type"] == "a")
    #expect(headers.values("X") == ["1", "2  Evil: 1"])
    headers["x"] = nil
    #expect(headers.fields.count == 1)
    #expect(
      HTTPHeaders([("Connection", "Upgrade , close")]).tokens("connection") == ["upgrade", "close"])
  }

  @Test func `targets and queries are decoded`() {
    let target = RequestTarget("/api/v1/a%2Fb/?labelSelector=app%3Dx&watch=true&q=a+b&bad=%zz&flag")
    #expect(target.path == "/api/v1/a%2Fb/")
    #expect(target.segments == ["api", "v1", "a/b"])
    #expect(target.queryValue("labelSelector") == "app=x")
    #expect(target.queryValue("q") == "a b")
    #expect(target.queryValue("bad") == nil)
    #expect(target.queryValue("flag") == "")
    #expect(RequestTarget("http://h?x=1").path == "/")
    #expect(percentDecoded("%ff") == nil)
    #expect(percentEncoded("a/b c") == "a%2Fb%20c")
  }

  @Test(arguments: [
    ("https://172.19.0.2:6443/api", "172.19.0.2", 6443, "/api", "172.19.0.2:6443"),
    ("http://h", "h", 80, "/", "h"), ("http://[::1]:81?x#y", "::1", 81, "/?x", "[::1]:81"),
  ])
  func `a URL is taken apart`(
    _ text: String, _ host: String, _ port: UInt16, _ target: String, _ authority: String
  ) {
    let url = HTTPURL(text)
    #expect(url?.host == host)
    #expect(url?.port == port)
    #expect(url?.target == target)
    #expect(url?.authority == authority)
  }

  @Test(arguments: ["ftp://h", "http://", "http://h:0/", "http://h:x", "http://[::1", "/x"])
  func `what is not an http URL is nil`(_ text: String) {
    #expect(HTTPURL(text) == nil)
  }
}
