import Glibc
import HTTP

/// From the member's first byte to the last one that the client gets.
extension Worker {
  private static let responseBudget = 1 << 20

  /// Reads the response as long as the client takes it.
  func readResponse(_ index: UInt32) {
    let upstream = at(index)
    let client = upstream.pointee.peer
    var moved = 0
    while upstream.pointee.kind == .httpUpstream, upstream.pointee.has(.readable),
      upstream.pointee.phase == .waiting || upstream.pointee.phase == .body
    {
      guard at(client).pointee.output.isEmpty else { return }
      guard moved < Worker.responseBudget else { return enqueue(index) }
      if upstream.pointee.phase == .waiting, !upstream.pointee.input.isEmpty {
        guard buffers.reserve(2048, in: &upstream.pointee.input),
          let base = upstream.pointee.input.base
        else { return invalidResponse(index, .headTooLarge(limit: settings.headLimit)) }
        let room = UnsafeMutableRawBufferPointer(
          start: base + Int(upstream.pointee.input.end), count: upstream.pointee.input.room)
        switch receive(index, room) {
        case .bytes(let count):
          upstream.pointee.input.end &+= UInt32(count)
          moved &+= count
          readResponseHead(index, client, upstream.pointee.input.bytes, fromInput: true)
        case .wouldBlock: return
        case .end, .failed: return invalidResponse(index, .truncated)
        }
        continue
      }
      switch receive(index, scratch) {
      case .bytes(let count):
        moved &+= count
        let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<count])
        if upstream.pointee.phase == .waiting {
          firstBytes(index)
          readResponseHead(index, client, bytes, fromInput: false)
        } else {
          readBody(index, client, bytes)
        }
      case .wouldBlock: return
      case .end: return responseCut(index, clean: true)
      case .failed: return responseCut(index, clean: false)
      }
    }
  }

  /// The member has taken the request: it is not sent again.
  private func firstBytes(_ index: UInt32) {
    let upstream = at(index)
    guard !upstream.pointee.has(.answered) else { return }
    upstream.pointee.set(.answered)
    endMeasure(index)
    noteFirstByte(upstream.pointee.peer)
    upstream.pointee.clear(.replayable)
    if upstream.pointee.output.isEmpty { buffers.release(&upstream.pointee.output) }
  }

  /// The connection under a stream is gone, with the response begun.
  func responseLost(_ index: UInt32) {
    members[Int(at(index).pointee.member)]?.counters.add(.failures)
    invalidResponse(index, .truncated)
  }

  private func responseCut(_ index: UInt32, clean: Bool) {
    let upstream = at(index)
    if upstream.pointee.phase == .waiting {
      if upstream.pointee.has(.answered) { return invalidResponse(index, .truncated) }
      return upstreamDied(index)
    }
    if clean, upstream.pointee.framing == .untilClose {
      if upstream.pointee.deflater != nil {
        finishCompression(index)
        let rest = UnsafeRawBufferPointer(rebasing: compressed[..<compressedCount])
        if append(upstream.pointee.peer, rest) == .failed {
          return closeClient(upstream.pointee.peer)
        }
      }
      return responseEnded(index, upstream.pointee.peer)
    }
    members[Int(upstream.pointee.member)]?.counters.add(.failures)
    invalidResponse(index, .truncated)
  }

  private func invalidResponse(_ index: UInt32, _ error: HTTPError) {
    guard let member = members[Int(at(index).pointee.member)] else { return }
    failExchange(index, 502, .memberInvalid(member.pool, error))
  }

  /// Interim heads, and then the final one, which settles how the content is framed.
  private func readResponseHead(
    _ index: UInt32, _ client: UInt32, _ received: UnsafeRawBufferPointer, fromInput: Bool
  ) {
    let upstream = at(index)
    guard let server = servers[Int(at(client).pointee.server)] else { return closeClient(client) }
    var bytes = received
    while true {
      switch responseParser.parseResponse(bytes) {
      case .incomplete:
        if fromInput {
          upstream.pointee.input.start &+= UInt32(received.count &- bytes.count)
        } else if !buffers.append(bytes, to: &upstream.pointee.input) {
          invalidResponse(index, .headTooLarge(limit: settings.headLimit))
        }
        return
      case .invalid(let error): return invalidResponse(index, error)
      case .complete: break
      }
      let length = responseParser.length
      let rest = UnsafeRawBufferPointer(rebasing: bytes[length...])
      let status = responseParser.status
      if status == 101 { return upgrade(index, client, server, bytes, rest) }
      if status >= 200 {
        finalHead(index, client, server, bytes, rest)
        // Closed slots have let go of their buffers already.
        if fromInput { buffers.release(&upstream.pointee.input) }
        return
      }
      // HTTP/1.0 has no interim responses (RFC 9110 §15.2).
      if !at(client).pointee.has(.http10) {
        var writer = HeadWriter(headScratch)
        writeResponseHead(&writer, bytes, client: client, dechunked: false)
        guard !writer.overflowed else {
          return invalidResponse(index, .headTooLarge(limit: settings.headLimit))
        }
        server.counters.add(.status1xx)
        if append(client, writer.written) == .failed { return closeClient(client) }
      }
      bytes = rest
      if bytes.isEmpty {
        if fromInput { buffers.release(&upstream.pointee.input) }
        return
      }
    }
  }

  private func finalHead(
    _ index: UInt32, _ client: UInt32, _ server: WorkerServer, _ bytes: UnsafeRawBufferPointer,
    _ rest: UnsafeRawBufferPointer
  ) {
    let upstream = at(index)
    let framing = responseParser.responseFraming(to: at(client).pointee.method)
    upstream.pointee.begin(framing)
    if responseParser.isPersistent, framing != .untilClose { upstream.pointee.set(.keepAlive) }
    let dechunked = framing == .chunked && at(client).pointee.has(.http10)
    if dechunked { upstream.pointee.set(.dechunk) }
    let compressed =
      compresses(client, server, framing, bytes) && startCompression(index, server)
    // Chunks say where a compressed response ends, however the member's does.
    if dechunked || framing == .untilClose && !compressed || server.isDraining {
      at(client).pointee.set(.closeAfter)
    }
    countStatus(server, responseParser.status)
    noteStatus(client, responseParser.status)
    let member = members[Int(upstream.pointee.member)]
    if let member { countStatus(member, responseParser.status) }
    noteAnswer(upstream.pointee.member, isFailure: responseParser.status >= 500)
    var writer = HeadWriter(headScratch)
    writeResponseHead(
      &writer, bytes, client: client, dechunked: dechunked, compressed: compressed)
    guard !writer.overflowed else {
      return invalidResponse(index, .headTooLarge(limit: settings.headLimit))
    }
    at(client).pointee.set(.responseStarted)
    upstream.pointee.phase = .body
    if dechunked || compressed {
      countOut(client, server, member, writer.count)
      // A client that stalls within the head gets the rest from its buffer, in order.
      if append(client, writer.written) == .failed { return closeClient(client) }
      return readBody(index, client, rest)
    }
    let (content, error) = upstream.pointee.follow(rest)
    if let error { return invalidResponse(index, error) }
    if content < rest.count { upstream.pointee.clear(.keepAlive) }
    countOut(client, server, member, writer.count &+ content)
    let body = UnsafeRawBufferPointer(rebasing: rest[..<content])
    // Interim responses may still wait for the client.
    guard at(client).pointee.output.isEmpty else {
      guard append(client, writer.written) != .failed, append(client, body) != .failed else {
        return closeClient(client)
      }
      return sent(.stalled, index, client, server)
    }
    sent(send(client, writer.written, body), index, client, server)
  }

  private func readBody(_ index: UInt32, _ client: UInt32, _ bytes: UnsafeRawBufferPointer) {
    let upstream = at(index)
    guard let server = servers[Int(at(client).pointee.server)] else { return closeClient(client) }
    if upstream.pointee.deflater != nil { return readCompressed(index, client, server, bytes) }
    if upstream.pointee.has(.dechunk) { return readChunks(index, client, server, bytes) }
    let (content, error) = upstream.pointee.follow(bytes)
    if let error { return invalidResponse(index, error) }
    if content < bytes.count { upstream.pointee.clear(.keepAlive) }
    countOut(client, server, members[Int(upstream.pointee.member)], content)
    sent(send(client, UnsafeRawBufferPointer(rebasing: bytes[..<content])), index, client, server)
  }

  private func readCompressed(
    _ index: UInt32, _ client: UInt32, _ server: WorkerServer, _ bytes: UnsafeRawBufferPointer
  ) {
    if case .invalid(let error) = compress(index, bytes) { return invalidResponse(index, error) }
    let member = members[Int(at(index).pointee.member)]
    countOut(client, server, member, compressedCount)
    let piece = UnsafeRawBufferPointer(rebasing: compressed[..<compressedCount])
    if append(client, piece) == .failed { return closeClient(client) }
    sent(at(client).pointee.output.isEmpty ? .done : .stalled, index, client, server)
  }

  /// Hands a client of HTTP/1.0 the content without its chunks.
  private func readChunks(
    _ index: UInt32, _ client: UInt32, _ server: WorkerServer, _ bytes: UnsafeRawBufferPointer
  ) {
    var position = 0
    while true {
      switch at(index).pointee.chunks.next(bytes, at: &position) {
      case .data(let start, let end):
        countOut(client, server, members[Int(at(index).pointee.member)], end &- start)
        let data = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        if append(client, data) == .failed { return closeClient(client) }
      case .needMore:
        return sent(at(client).pointee.output.isEmpty ? .done : .stalled, index, client, server)
      case .end:
        at(index).pointee.set(.messageDone)
        if position < bytes.count { at(index).pointee.clear(.keepAlive) }
        return sent(at(client).pointee.output.isEmpty ? .done : .stalled, index, client, server)
      case .invalid(let error): return invalidResponse(index, error)
      }
    }
  }

  /// Sends behind what may already wait.
  private func append(_ index: UInt32, _ bytes: UnsafeRawBufferPointer) -> SendOutcome {
    if at(index).pointee.output.isEmpty || at(index).pointee.stream != nil {
      return send(index, bytes)
    }
    return buffers.append(bytes, to: &at(index).pointee.output) ? .stalled : .failed
  }

  private func sent(
    _ outcome: SendOutcome, _ index: UInt32, _ client: UInt32, _ server: WorkerServer
  ) {
    if outcome == .failed { return closeClient(client) }
    if at(index).pointee.has(.messageDone) { return responseEnded(index, client) }
    if outcome == .stalled {
      // The client's time runs now, not the member's.
      clearDeadline(index)
      setDeadline(client, server.idleTimeout)
      limitToTotal(client)
    } else {
      setDeadline(index, server.idleTimeout)
    }
  }

  private func responseEnded(_ index: UInt32, _ client: UInt32) {
    let upstream = at(index)
    let reusable =
      upstream.pointee.has(.keepAlive) && upstream.pointee.output.isEmpty
      && at(client).pointee.has(.messageDone) && !upstream.pointee.has(.writeShut)
    recordMember(index, client)
    endCompression(index)
    at(client).pointee.peer = Connection.none
    if reusable { pool(index) } else { closeUpstream(index) }
    exchangeEnded(client)
  }

  private func countStatus(_ member: WorkerMember, _ status: Int) {
    let index: Counters.Index =
      switch status / 100 {
      case 2: .status2xx
      case 3: .status3xx
      case 4: .status4xx
      default: .status5xx
      }
    member.counters.add(index)
    member.pool.counters.add(index)
  }

  /// 101: from here on both sides are a relay.
  private func upgrade(
    _ index: UInt32, _ client: UInt32, _ server: WorkerServer, _ bytes: UnsafeRawBufferPointer,
    _ rest: UnsafeRawBufferPointer
  ) {
    guard at(client).pointee.has(.upgrade), at(client).pointee.has(.messageDone) else {
      return invalidResponse(index, .invalidStatusLine)
    }
    var writer = HeadWriter(headScratch)
    writeResponseHead(&writer, bytes, client: client, dechunked: false)
    guard !writer.overflowed else {
      return invalidResponse(index, .headTooLarge(limit: settings.headLimit))
    }
    server.counters.add(.status1xx)
    noteStatus(client, 101)
    at(client).pointee.set(.responseStarted)
    if append(client, writer.written) == .failed || append(client, rest) == .failed {
      return closeClient(client)
    }
    let early = at(client).pointee.input.bytes
    buffers.release(&at(index).pointee.output)
    if !early.isEmpty, send(index, early) == .failed { return closeClient(client) }
    buffers.release(&at(client).pointee.input)
    buffers.release(&at(index).pointee.input)
    at(client).pointee.phase = .relay
    at(index).pointee.phase = .relay
    at(client).pointee.kind = .tcpClient
    at(index).pointee.kind = .tcpUpstream
    clearDeadline(index)
    setDeadline(client, server.relayTimeout)
    enqueue(client)
  }
}
