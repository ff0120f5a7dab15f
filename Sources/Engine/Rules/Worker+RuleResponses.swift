import Delivery
import HTTP

/// Answers that rules give without a member.
extension Worker {
  func redirect(
    _ index: UInt32, _ server: WorkerServer, _ redirect: HTTPRedirect, _ rule: CompiledRule,
    _ bytes: UnsafeRawBufferPointer
  ) {
    var location = HeadWriter(
      UnsafeMutableRawBufferPointer(rebasing: headScratch[(headScratch.count / 2)...]))
    if let scheme = redirect.scheme {
      location.append(text: scheme)
    } else {
      location.append(scheme(of: index))
    }
    location.append("://")
    if let host = redirect.host {
      write(host, index, bytes, &location)
    } else {
      location.append(HostIndex.name(of: requestParser.host.bytes(of: bytes)))
    }
    writePort(index, redirect, bytes, &location)
    switch redirect.path {
    case .whole(let template): write(template, index, bytes, &location)
    case .prefix(let replacement):
      writePath(replacement, in: rule, &location)
      location.append(queryOfRequest(bytes))
    case nil:
      location.append(rules.path)
      location.append(queryOfRequest(bytes))
    }
    guard !location.overflowed, location.written.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
      return respond(index, 400, .unsafePath)
    }
    respond(index, status: redirect.status, contentType: nil, body: .init(start: nil, count: 0)) {
      $0.append("Location: ")
      $0.append(location.written)
      $0.append("\r\n")
    }
  }

  /// The port that was given; that of the request where scheme and host stay; else the scheme's.
  private func writePort(
    _ index: UInt32, _ redirect: HTTPRedirect, _ bytes: UnsafeRawBufferPointer,
    _ location: inout HeadWriter
  ) {
    if let port = redirect.port {
      let standard = (redirect.scheme ?? "http") == "https" ? 443 : 80
      guard port != standard else { return }
      location.append(":")
      location.append(decimal: Int(port))
    } else if redirect.scheme == nil, redirect.host == nil {
      let host = requestParser.host.bytes(of: bytes)
      let name = HostIndex.name(of: host)
      location.append(UnsafeRawBufferPointer(rebasing: host[min(name.count, host.count)...]))
    }
  }

  private func queryOfRequest(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let target = requestParser.pathAndQuery.bytes(of: bytes)
    let start = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
    return UnsafeRawBufferPointer(rebasing: target[start...])
  }

  func respond(
    _ index: UInt32, _ response: HTTPDirectResponse, _ bytes: UnsafeRawBufferPointer
  ) {
    var body = HeadWriter(
      UnsafeMutableRawBufferPointer(rebasing: headScratch[(headScratch.count / 2)...]))
    write(response.body, index, bytes, &body)
    guard !body.overflowed else { return respond(index, 500, .editsTooLarge) }
    respond(
      index, status: response.status, contentType: response.contentType, body: body.written
    ) { _ in }
  }

  /// - Precondition: head and body together fit the head's scratch; `body` lies in its second half.
  func respond(
    _ index: UInt32, status: Int, contentType: String?, body: UnsafeRawBufferPointer,
    fields: (inout HeadWriter) -> Void
  ) {
    let client = at(index)
    guard let server = servers[Int(client.pointee.server)] else { return closeClient(index) }
    // The rest of an unfinished request cannot be told from a next one.
    if !client.pointee.has(.messageDone) { client.pointee.set(.closeAfter) }
    var writer = HeadWriter(
      UnsafeMutableRawBufferPointer(rebasing: headScratch[..<(headScratch.count / 2)]))
    writer.append("HTTP/1.1 ")
    writer.append(decimal: status)
    writer.append(" ")
    writer.append(reasonPhrase(status))
    writer.append("\r\n")
    if status != 204, status != 304 {
      if let contentType {
        writer.append("Content-Type: ")
        writer.append(text: contentType)
        writer.append("\r\n")
      }
      writer.append("Content-Length: ")
      writer.append(decimal: body.count)
      writer.append("\r\n")
    }
    fields(&writer)
    finish(&writer, index)
    guard !writer.overflowed else { return respond(index, 500, .editsTooLarge) }
    countStatus(server, status)
    let hasBody = client.pointee.method != .head && status != 204 && status != 304
    let content = hasBody ? body : UnsafeRawBufferPointer(start: nil, count: 0)
    countOut(index, server, nil, writer.count + content.count)
    noteStatus(index, status)
    noteReason(index, .byRule)
    noteFirstByte(index)
    client.pointee.set(.responseStarted)
    if send(index, writer.written, content) == .failed { return closeClient(index) }
    exchangeEnded(index)
  }

  /// The lines that rules add, and those that the connection needs; ends the head.
  func finish(_ writer: inout HeadWriter, _ index: UInt32) {
    let client = at(index)
    if !client.pointee.edits.isEmpty { writer.append(FieldEditView(client.pointee.edits).lines) }
    if client.pointee.has(.closeAfter) {
      writer.append("Connection: close\r\n")
    } else if client.pointee.has(.http10) {
      writer.append("Connection: keep-alive\r\n")
    }
    writer.append("\r\n")
  }

  // MARK: Cross-origin

  /// Adds what the browser asks to be told; answers a preflight.
  /// - Returns: whether it has answered.
  func applyCrossOrigin(
    _ cors: CompiledCrossOrigin, _ index: UInt32, _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    guard let origin = requestParser.value(ofField: "Origin", in: bytes) else { return false }
    let requested = requestParser.value(ofField: "Access-Control-Request-Method", in: bytes)
    let isPreflight = requestParser.method == .options && requested != nil
    let isAllowed = cors.allows(origin)
    if isAllowed {
      rules.response.remove("Access-Control-Allow-Origin")
      if cors.allowsAll, !cors.settings.credentials {
        rules.response.add("Access-Control-Allow-Origin") { $0.append("*") }
      } else {
        rules.response.add("Access-Control-Allow-Origin", origin)
        rules.response.add("Vary") { $0.append("Origin") }
      }
      if cors.settings.credentials {
        rules.response.remove("Access-Control-Allow-Credentials")
        rules.response.add("Access-Control-Allow-Credentials") { $0.append("true") }
      }
      if !isPreflight, !cors.exposed.isEmpty {
        rules.response.add("Access-Control-Expose-Headers") { $0.append(cors.exposed) }
      }
    }
    guard isPreflight else { return false }
    if isAllowed {
      rules.response.add("Access-Control-Allow-Methods") { $0.append(cors.methods) }
      if !cors.headers.isEmpty {
        rules.response.add("Access-Control-Allow-Headers") { $0.append(cors.headers) }
      } else if let asked = requestParser.value(
        ofField: "Access-Control-Request-Headers", in: bytes)
      {
        rules.response.add("Access-Control-Allow-Headers", asked)
      }
      if let age = cors.settings.maxAge {
        rules.response.add("Access-Control-Max-Age") {
          $0.append(decimal: Int(age.milliseconds / 1000))
        }
      }
    }
    guard keepResponseEdits(index) else { return true }
    respond(index, status: 204, contentType: nil, body: .init(start: nil, count: 0)) { _ in }
    return true
  }
}
