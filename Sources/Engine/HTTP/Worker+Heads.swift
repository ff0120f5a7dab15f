import Glibc
import HTTP

extension HeadWriter {
  /// The address of a client as text; IPv6 in full groups without compression (RFC 4291 §2.2).
  mutating func append(addressOf client: borrowing Connection) {
    if client.has(.ipv6) {
      withUnsafeBytes(of: client.address) { octets in
        for group in 0..<8 {
          if group > 0 { append(byte: UInt8(ascii: ":")) }
          let value = UInt16(octets[group * 2]) << 8 | UInt16(octets[group * 2 + 1])
          append(group: value)
        }
      }
    } else {
      withUnsafeBytes(of: client.address.0) { octets in
        for index in 0..<4 {
          if index > 0 { append(byte: UInt8(ascii: ".")) }
          append(decimal: Int(octets[index]))
        }
      }
    }
  }
}

extension Worker {
  /// Writes the request as the member gets it, from the head that `requestParser` holds:
  /// - hop-by-hop fields and those that Connection names are left out (RFC 9110 §7.6.1), never
  ///   those that frame or route;
  /// - the client's address joins X-Forwarded-For, X-Forwarded-Proto and -Host are set;
  /// - an absolute target becomes origin form, with Host from its authority (RFC 9112 §3.2.2).
  func writeRequestHead(
    _ writer: inout HeadWriter, _ bytes: UnsafeRawBufferPointer, client: UInt32,
    server: WorkerServer
  ) {
    writer.append(requestParser.methodName.bytes(of: bytes))
    writer.append(" ")
    let path =
      rules.target.count > 0
      ? rules.target.written : requestParser.pathAndQuery.bytes(of: bytes)
    if path.first == UInt8(ascii: "?") || path.isEmpty { writer.append("/") }
    writer.append(path)
    writer.append(" HTTP/1.1\r\n")
    let flags = requestParser.flags
    let absolute = flags.contains(.absoluteTarget)
    let isRenamed = rules.host.count > 0
    let edits = rules.request.view
    if isRenamed || absolute || !flags.contains(.host) {
      writer.append("Host: ")
      if isRenamed {
        writer.append(rules.host.written)
      } else if absolute {
        writer.append(requestParser.host.bytes(of: bytes))
      } else {
        writer.append(server.host)
      }
      writer.append("\r\n")
    }
    let forwardsCertificates = server.tls?.forwardsCertificates == true
    var hasForwardedFor = false
    // Fields that stay lie in runs, which are copied whole.
    var runStart = -1
    var runEnd = 0
    for index in 0..<requestParser.fieldCount {
      let field = requestParser.field(index)
      var stays = true
      switch field.known {
      case .other:
        stays =
          !requestParser.isNominated(field, in: bytes)
          && !(forwardsCertificates && isForwardedCertificate(field.name.bytes(of: bytes)))
      case .host: stays = !absolute && !isRenamed
      case .xForwardedFor:
        hasForwardedFor = true
        stays = false
      case .xForwardedProto, .xForwardedHost: stays = false
      default: stays = !field.known.isHopByHop
      }
      if stays, !edits.names.isEmpty, edits.removes(field.name.bytes(of: bytes)) { stays = false }
      if stays {
        if runStart < 0 { runStart = Int(field.name.start) }
        runEnd = lineEnd(bytes, field.value.end)
      } else if runStart >= 0 {
        writer.append(UnsafeRawBufferPointer(rebasing: bytes[runStart..<runEnd]))
        runStart = -1
      }
    }
    if runStart >= 0 {
      writer.append(UnsafeRawBufferPointer(rebasing: bytes[runStart..<runEnd]))
    }
    if at(client).pointee.has(.upgrade), let upgrade = requestParser.first(.upgrade) {
      writer.append("Connection: Upgrade\r\nUpgrade: ")
      writer.append(upgrade.bytes(of: bytes))
      writer.append("\r\n")
    }
    writer.append("X-Forwarded-For: ")
    if hasForwardedFor {
      for index in 0..<requestParser.fieldCount {
        let field = requestParser.field(index)
        guard field.known == .xForwardedFor, !field.value.isEmpty else { continue }
        writer.append(field.value.bytes(of: bytes))
        writer.append(", ")
      }
    }
    writer.append(addressOf: at(client).pointee)
    writer.append("\r\nX-Forwarded-Proto: ")
    writer.append(scheme(of: client))
    writer.append("\r\n")
    if forwardsCertificates, let certificate = forwardedCertificate(client) {
      writer.append("X-Forwarded-Client-Cert: ")
      writer.append(certificate)
      writer.append("\r\n")
    }
    if !requestParser.host.isEmpty {
      writer.append("X-Forwarded-Host: ")
      writer.append(requestParser.host.bytes(of: bytes))
      writer.append("\r\n")
    }
    writer.append(edits.lines)
    writer.append("\r\n")
  }

  /// Writes the response as the client gets it, from the head that `responseParser` holds.
  func writeResponseHead(
    _ writer: inout HeadWriter, _ bytes: UnsafeRawBufferPointer, client: UInt32, dechunked: Bool,
    compressed: Bool = false
  ) {
    writer.append("HTTP/1.1 ")
    writer.append(decimal: responseParser.status)
    writer.append(" ")
    writer.append(responseParser.reason.bytes(of: bytes))
    writer.append("\r\n")
    // Interim responses pass as they are.
    let edits = FieldEditView(
      responseParser.status >= 200 || responseParser.status == 101
        ? at(client).pointee.edits : Buffer())
    var runStart = -1
    var runEnd = 0
    for index in 0..<responseParser.fieldCount {
      let field = responseParser.field(index)
      var stays =
        switch field.known {
        case .other:
          !responseParser.isNominated(field, in: bytes)
            && !(compressed && changesWithCompression(field.name.bytes(of: bytes)))
        case .transferEncoding: !dechunked && !compressed
        // RFC 9110 §8.6: neither has a length.
        case .contentLength where compressed: false
        case .contentLength: responseParser.status >= 200 && responseParser.status != 204
        default: !field.known.isHopByHop
        }
      if stays, !edits.names.isEmpty, edits.removes(field.name.bytes(of: bytes)) { stays = false }
      if stays {
        if runStart < 0 { runStart = Int(field.name.start) }
        runEnd = lineEnd(bytes, field.value.end)
      } else if runStart >= 0 {
        writer.append(UnsafeRawBufferPointer(rebasing: bytes[runStart..<runEnd]))
        runStart = -1
      }
    }
    if runStart >= 0 {
      writer.append(UnsafeRawBufferPointer(rebasing: bytes[runStart..<runEnd]))
    }
    if compressed {
      writer.append("Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n")
      writer.append("Transfer-Encoding: chunked\r\n")
      writeWeakTag(&writer, bytes)
    }
    writer.append(edits.lines)
    if responseParser.status >= 200 || responseParser.status == 101 {
      writePersistenceCookie(&writer, client)
    }
    if responseParser.status == 101 {
      writer.append("Connection: Upgrade\r\n")
      if let upgrade = responseParser.first(.upgrade) {
        writer.append("Upgrade: ")
        writer.append(upgrade.bytes(of: bytes))
        writer.append("\r\n")
      }
    } else if responseParser.status >= 200 {
      if at(client).pointee.has(.closeAfter) {
        writer.append("Connection: close\r\n")
      } else if at(client).pointee.has(.http10) {
        writer.append("Connection: keep-alive\r\n")
      }
    }
    writer.append("\r\n")
  }

  /// Fields that say something about bytes that are not sent.
  private func changesWithCompression(_ name: UnsafeRawBufferPointer) -> Bool {
    equalsIgnoringCase(name, "etag") || equalsIgnoringCase(name, "accept-ranges")
      || equalsIgnoringCase(name, "content-md5") || equalsIgnoringCase(name, "digest")
  }

  /// The same in meaning, no longer the same bytes: RFC 9110 §8.8.1.
  private func writeWeakTag(_ writer: inout HeadWriter, _ bytes: UnsafeRawBufferPointer) {
    guard let tag = responseParser.value(ofField: "ETag", in: bytes) else { return }
    writer.append("ETag: ")
    if tag.first == UInt8(ascii: "\"") { writer.append("W/") }
    writer.append(tag)
    writer.append("\r\n")
  }

  /// Behind the CR LF of the line whose value ends at `end`: blanks may lie between.
  private func lineEnd(_ bytes: UnsafeRawBufferPointer, _ end: Int) -> Int {
    var cursor = end
    while cursor < bytes.count, bytes[cursor] != 0x0a { cursor &+= 1 }
    return min(cursor &+ 1, bytes.count)
  }
}
