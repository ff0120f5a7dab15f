import Delivery
import Glibc
import HTTP

/// Request heads, in order: read, checked, routed and made ready for a member.
extension Worker {
  /// Heads handled in one turn of a client that pipelines.
  private static let requestBudget = 16

  func readHeads(_ index: UInt32) {
    let client = at(index)
    for _ in 0..<Worker.requestBudget {
      guard client.pointee.kind == .httpClient, client.pointee.phase == .head,
        client.pointee.output.isEmpty, !client.pointee.has(.parked)
      else { return }
      if client.pointee.input.isEmpty {
        guard client.pointee.has(.readable) else { return }
        switch receive(index, scratch) {
        case .bytes(let count):
          let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<count])
          let used = parseHead(index, bytes)
          guard client.pointee.kind == .httpClient else { return }
          if used < count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
            guard buffers.append(rest, to: &client.pointee.input) else {
              return closeClient(index)
            }
            if client.pointee.phase != .head || used > 0 { client.pointee.set(.inputFresh) }
          }
        case .wouldBlock: return
        case .end, .failed: return closeClient(index)
        }
      } else {
        if !client.pointee.has(.inputFresh) {
          guard client.pointee.has(.readable) else { return }
          guard extendInput(index) else { return }
        }
        client.pointee.clear(.inputFresh)
        let bytes = client.pointee.input.bytes
        let used = parseHead(index, bytes)
        guard client.pointee.kind == .httpClient, used > 0 else { continue }
        client.pointee.input.start &+= UInt32(used)
        if client.pointee.input.isEmpty {
          buffers.release(&client.pointee.input)
        } else {
          client.pointee.set(.inputFresh)
        }
      }
    }
    enqueue(index)
  }

  /// Receives behind a head that was cut short.
  private func extendInput(_ index: UInt32) -> Bool {
    let client = at(index)
    guard buffers.reserve(2048, in: &client.pointee.input), let base = client.pointee.input.base
    else {
      closeClient(index)
      return false
    }
    let room = UnsafeMutableRawBufferPointer(
      start: base + Int(client.pointee.input.end), count: client.pointee.input.room)
    switch receive(index, room) {
    case .bytes(let count):
      client.pointee.input.end &+= UInt32(count)
      return true
    case .wouldBlock: return false
    case .end, .failed:
      closeClient(index)
      return false
    }
  }

  /// Parses a head and starts its exchange.
  /// - Returns: how many bytes were used: none of a head that is not complete.
  private func parseHead(_ index: UInt32, _ bytes: UnsafeRawBufferPointer) -> Int {
    let client = at(index)
    guard let server = servers[Int(client.pointee.server)] else {
      closeClient(index)
      return 0
    }
    switch requestParser.parseRequest(bytes) {
    case .incomplete:
      // From the first byte on the head has a time limit that further bytes do not extend.
      if !client.pointee.has(.headBegun) {
        client.pointee.set(.headBegun)
        setDeadline(index, server.headerTimeout)
      }
      return 0
    case .invalid(.unsupportedVersion)
    where server.acceptsHTTP2 && client.pointee.stream == nil && client.pointee.tls == nil
      && startsWith(bytes, "pri * http/2.0\r\n"):
      becomeHTTP2(index, server, bytes)
      return bytes.count
    case .invalid(let error):
      server.counters.add(.requests)
      beginRequest(index)
      client.pointee.clear(.messageDone)
      client.pointee.method = .other
      respond(index, error.status, .invalid(error))
      return bytes.count
    case .complete:
      client.pointee.clear(.headBegun)
      return startExchange(index, server, bytes)
    }
  }

  /// Takes the request that `requestParser` holds to a member.
  /// - Returns: how many bytes belong to the request.
  private func startExchange(
    _ index: UInt32, _ server: WorkerServer, _ bytes: UnsafeRawBufferPointer
  ) -> Int {
    let client = at(index)
    let head = requestParser.length
    let isResumed = client.pointee.has(.resumed)
    if isResumed {
      client.pointee.clear(.resumed)
      rules.reset(paid: Int(client.pointee.attempts))
    } else {
      server.counters.add(.requests)
      beginRequest(index)
      rules.reset()
    }
    keepForLog(index, server, bytes)
    clearDeadline(index)
    if isResumed { restoreTotal(index) } else { beginTotal(index, server) }
    client.pointee.phase = .exchange
    client.pointee.method = requestParser.method
    client.pointee.attempts = 0
    client.pointee.peer = Connection.none
    client.pointee.flags.subtract([.http10, .responseStarted, .upgrade, .idempotent])
    if requestParser.method.isIdempotent { client.pointee.set(.idempotent) }
    if requestParser.minorVersion == 0 { client.pointee.set(.http10) }
    if !requestParser.isPersistent || server.isDraining { client.pointee.set(.closeAfter) }
    if requestParser.flags.contains(.upgrade), requestParser.flags.contains(.connectionUpgrade),
      requestParser.minorVersion >= 1, mayUpgrade(bytes)
    {
      client.pointee.set(.upgrade)
    }
    client.pointee.begin(requestParser.requestFraming)
    let (content, error) = client.pointee.follow(UnsafeRawBufferPointer(rebasing: bytes[head...]))
    if let error {
      client.pointee.clear(.messageDone)
      respond(index, error.status, .invalid(error))
      return bytes.count
    }
    let used = head &+ content
    if !isResumed { countIn(index, server, nil, used) }
    if requestParser.method == .connect {
      // What follows may be meant for the tunnel that it did not get.
      client.pointee.set(.closeAfter)
      respond(index, 405, .connect)
      return used
    }
    let pool: WorkerPool
    switch applyRules(index, server, bytes) {
    case .answered: return used
    case .parked:
      park(index, server)
      return 0
    case .pool(let chosen): pool = chosen
    case .undecided:
      guard let found = route(server, bytes) else {
        respond(index, 404, .noRoute)
        return used
      }
      pool = found
    }
    guard UInt64(content) <= client.pointee.bodyLimit else {
      respond(index, 413, .bodyTooLarge(limit: client.pointee.bodyLimit))
      return used
    }
    client.pointee.bodyLimit &-= UInt64(content)
    noteEncodings(index, server, bytes)
    noteHash(index, pool, bytes)
    findPersistent(index, pool, bytes)
    let body = UnsafeRawBufferPointer(rebasing: bytes[head..<used])
    guard
      var request = buffers.take(
        head &+ body.count &+ server.host.count &+ requestParser.host.end
          &+ rules.request.view.lines.count &+ rules.target.count &+ rules.host.count &+ 512)
    else {
      respond(index, 431, .invalid(.headTooLarge(limit: settings.headLimit)))
      return used
    }
    var writer = HeadWriter(
      UnsafeMutableRawBufferPointer(start: request.base, count: request.capacity))
    writeRequestHead(&writer, bytes, client: index, server: server)
    writer.append(body)
    guard !writer.overflowed else {
      buffers.release(&request)
      respond(index, 431, .invalid(.headTooLarge(limit: settings.headLimit)))
      return used
    }
    request.end = UInt32(writer.count)
    if !client.pointee.has(.messageDone) {
      setDeadline(index, server.idleTimeout)
      limitToTotal(index)
    }
    dispatchRequest(index, server, pool, request, excluding: Connection.none)
    return used
  }

  /// Not to HTTP or TLS inside the connection (`h2c`, RFC 2817): requests in there would pass by
  /// routes and checks.
  private func mayUpgrade(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let value = requestParser.first(.upgrade)?.bytes(of: bytes) else { return false }
    var start = 0
    for index in 0...value.count where index == value.count || value[index] == UInt8(ascii: ",") {
      while start < index, value[start] == 0x20 || value[start] == 0x09 { start &+= 1 }
      let element = UnsafeRawBufferPointer(rebasing: value[start..<index])
      if startsWith(element, "h2") || startsWith(element, "http") || startsWith(element, "tls") {
        return false
      }
      start = index &+ 1
    }
    return true
  }

  private func startsWith(_ bytes: UnsafeRawBufferPointer, _ lowercase: StaticString) -> Bool {
    let count = lowercase.utf8CodeUnitCount
    return bytes.count >= count
      && equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: bytes[..<count]), lowercase)
  }

  private func route(_ server: WorkerServer, _ bytes: UnsafeRawBufferPointer) -> WorkerPool? {
    if !server.routePools.isEmpty {
      let host = requestParser.host.bytes(of: bytes).assumingMemoryBound(to: UInt8.self)
      let path = rules.path.assumingMemoryBound(to: UInt8.self)
      if let found = server.routes.match(host: host.span, target: path.span) {
        return server.routePools[found]
      }
    }
    return server.pool
  }
}
