import HTTP

/// What an answer may be made from.
struct Request {
  var head: HTTPRequestHead
  var body: [UInt8]
  var local: String
  var remote: String

  var path: String { String(head.target.prefix { $0 != "?" }) }
  var query: Substring { head.target.drop { $0 != "?" }.dropFirst() }
}

struct Answer {
  var status = 200
  var type = "text/plain; charset=utf-8"
  var body: [UInt8] = []
  /// Chunks to send one by one, instead of `body`.
  var chunks: [[UInt8]]?
}

/// Requests and answers on one connection, in order.
struct HTTPConversation: Sendable {
  static let bodyLimit = 64 << 20

  let answer: @Sendable (Request) -> Answer

  @Sendable func serve(_ connection: Connection) {
    var decoder = HTTPDecoder(role: .server)
    var request: Request?
    let (local, remote) = (connection.localAddress, connection.remoteAddress)
    while let bytes = connection.read(isBetweenRequests: request == nil) {
      decoder.append(bytes)
      do throws(HTTPError) {
        while let event = try decoder.next() {
          switch event {
          case .request(let head):
            request = Request(head: head, body: [], local: local, remote: remote)
            if decoder.expectsContinue {
              guard connection.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) else { return }
            }
          case .body(let bytes):
            request?.body += bytes
            if request?.body.count ?? 0 > Self.bodyLimit {
              _ = send(Answer(status: 413), to: connection, method: "", close: true)
              return
            }
          case .end:
            guard let complete = request else { continue }
            let close = !decoder.isPersistent || connection.isStopping()
            guard
              send(answer(complete), to: connection, method: complete.head.method, close: close),
              !close
            else { return }
            request = nil
          case .response: return
          }
        }
      } catch {
        _ = send(
          Answer(status: 400, body: Array("\(error)\n".utf8)), to: connection, method: "",
          close: true)
        return
      }
    }
  }

  private func send(_ answer: Answer, to connection: Connection, method: String, close: Bool)
    -> Bool
  {
    var head = HTTPResponseHead(status: answer.status)
    head.headers.add("Server", "atoll-sample")
    head.headers.add("Content-Type", answer.type)
    if close { head.headers.add("Connection", "close") }
    guard let chunks = answer.chunks, method != "HEAD" else {
      head.headers.add("Content-Length", "\(answer.body.count)")
      return connection.write(head.serialized() + (method == "HEAD" ? [] : answer.body))
    }
    head.headers.add("Transfer-Encoding", "chunked")
    guard connection.write(head.serialized()) else { return false }
    for chunk in chunks where !chunk.isEmpty {
      let size = String(chunk.count, radix: 16)
      guard connection.write(Array("\(size)\r\n".utf8) + chunk + Array("\r\n".utf8)) else {
        return false
      }
    }
    return connection.write(Array("0\r\n\r\n".utf8))
  }
}
