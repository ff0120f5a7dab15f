import Glibc
import HTTP

/// Why the engine itself answers a request.
enum OwnResponse {
  case invalid(HTTPError)
  case connect
  case noRoute
  /// No member of the pool takes traffic.
  case noMember(WorkerPool)
  /// Connections to the members failed; the last with this errno.
  case connectFailed(WorkerPool, Int32)
  /// All members have as many connections as they may, and the queue is full.
  case atLimit(WorkerPool)
  /// It waited in the queue for as long as it may.
  case waitedTooLong(WorkerPool)
  /// The whole exchange took longer than it may.
  case overTime
  case memberClosed(WorkerPool)
  case memberInvalid(WorkerPool, HTTPError)
  case memberSlow(WorkerPool)
  /// The path has no normal form, or a rule made a target of it that none can have.
  case unsafePath
  case denied
  case overRate(seconds: Int64)
  case unauthenticated
  /// More passwords wait to be checked than may.
  case tooManyPasswords
  case bodyTooLarge(limit: UInt64)
  /// Found out while it came.
  case contentTooLarge
  /// What rules add to a head does not fit.
  case editsTooLarge
  case slowHead
  case slowContent
}

extension Worker {
  /// Answers with a status and one line that names the virtual server and the reason.
  func respond(_ index: UInt32, _ status: Int, _ reason: OwnResponse) {
    let client = at(index)
    guard let server = servers[Int(client.pointee.server)] else { return closeClient(index) }
    // The rest of an unfinished request cannot be told from a next one.
    if !client.pointee.has(.messageDone) { client.pointee.set(.closeAfter) }
    var body = HeadWriter(
      UnsafeMutableRawBufferPointer(rebasing: headScratch[(headScratch.count - 2048)...]))
    body.append("virtual server ")
    body.append(server.label)
    body.append(": ")
    describe(reason, &body)
    body.append("\n")
    var writer = HeadWriter(
      UnsafeMutableRawBufferPointer(rebasing: headScratch[..<(headScratch.count - 2048)]))
    writer.append("HTTP/1.1 ")
    writer.append(decimal: status)
    writer.append(" ")
    let phrase = reasonPhrase(status)
    writer.append(phrase)
    writer.append("\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ")
    writer.append(decimal: body.count)
    if status == 503 { writer.append("\r\nRetry-After: 1") }
    if case .overRate(let seconds) = reason {
      writer.append("\r\nRetry-After: ")
      writer.append(decimal: Int(seconds))
    }
    writer.append("\r\n")
    finish(&writer, index)
    if client.pointee.method != .head { writer.append(body.written) }
    countStatus(server, status)
    server.counters.add(.failures)
    countOut(index, server, nil, writer.count)
    noteStatus(index, status)
    noteReason(index, AnswerReason(reason))
    noteFirstByte(index)
    client.pointee.set(.responseStarted)
    if send(index, writer.written) == .failed { return closeClient(index) }
    exchangeEnded(index)
  }

  func countStatus(_ server: WorkerServer, _ status: Int) {
    switch status / 100 {
    case 1: server.counters.add(.status1xx)
    case 2: server.counters.add(.status2xx)
    case 3: server.counters.add(.status3xx)
    case 4: server.counters.add(.status4xx)
    default: server.counters.add(.status5xx)
    }
  }

  private func describe(_ reason: OwnResponse, _ writer: inout HeadWriter) {
    switch reason {
    case .invalid(let error):
      // Off the usual path, so that a String may be made.
      writer.append("bad request: ")
      writer.append(Array(error.description.utf8))
    case .connect: writer.append("method CONNECT is not served")
    case .noRoute: writer.append("no route for this host and path")
    case .noMember(let pool):
      describe(pool, &writer)
      writer.append(pool.members.isEmpty ? " has no member" : " has no available member")
    case .connectFailed(let pool, let code):
      describe(pool, &writer)
      writer.append(": no member could be reached: ")
      if code == EPROTO, !pool.tlsReason.isEmpty {
        writer.append("TLS: ")
        writer.append(Array(pool.tlsReason.utf8))
      } else {
        writer.append(Array(String(cString: strerror(code)).utf8))
      }
    case .atLimit(let pool):
      describe(pool, &writer)
      writer.append(": its members have as many connections as they may")
    case .waitedTooLong(let pool):
      describe(pool, &writer)
      writer.append(": no member had room in time")
    case .overTime: writer.append("the exchange took longer than it may")
    case .memberClosed(let pool):
      describe(pool, &writer)
      writer.append(": the member closed the connection before it answered")
    case .memberInvalid(let pool, let error):
      describe(pool, &writer)
      writer.append(": invalid response: ")
      writer.append(Array(error.description.utf8))
    case .memberSlow(let pool):
      describe(pool, &writer)
      writer.append(": the member did not answer in time")
    case .unsafePath: writer.append("bad request: the path is not one that can be served")
    case .denied: writer.append("this client is not allowed here")
    case .overRate: writer.append("too many requests")
    case .unauthenticated: writer.append("a user and password are needed")
    case .tooManyPasswords: writer.append("too many passwords wait to be checked")
    case .bodyTooLarge(let limit):
      writer.append("the request content is larger than ")
      writer.append(decimal: Int(clamping: limit))
      writer.append(" bytes")
    case .contentTooLarge: writer.append("the request content is too large")
    case .editsTooLarge: writer.append("what rules add to the head does not fit")
    case .slowHead: writer.append("the request head did not arrive in time")
    case .slowContent: writer.append("the request content did not arrive in time")
    }
  }

  private func describe(_ pool: WorkerPool, _ writer: inout HeadWriter) {
    writer.append("pool ")
    writer.append(pool.label)
  }
}
