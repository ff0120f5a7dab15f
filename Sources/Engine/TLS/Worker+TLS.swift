import COpenSSL
import Delivery
import Glibc
import NetTypes

/// TLS on connections of either side: the handshake, and what `receive` and `send` do then.
///
/// - OpenSSL reads ahead: one recv(2) brings as many records as there are. What it holds back keeps
///   `readable` set, as the descriptor will not say it again.
/// - A record that the socket does not take whole stays with OpenSSL, and its plain text at the
///   begin of `output`: the same bytes are offered again (SSL_write(3)).
/// - A connection that is idle has no buffers in OpenSSL (SSL_MODE_RELEASE_BUFFERS).
extension Worker {
  static let recordSize = 16 << 10

  // MARK: Handshakes

  func startHandshake(_ index: UInt32, _ server: WorkerServer, _ tls: TLSTermination) {
    guard let bio = tlsBIO, let session = tls.makeSession(bio) else {
      return handshakeFailed(index, .other)
    }
    at(index).pointee.tls = session
    at(index).pointee.phase = .handshake
    at(index).pointee.set(.secure)
    setDeadline(index, tls.handshakeTimeout)
    // With TCP_DEFER_ACCEPT or a quick client the hello is here already.
    at(index).pointee.set(.readable)
    driveHandshake(index)
  }

  /// Begins TLS on a connection to a member that is established.
  /// - Returns: false where the pool has none.
  func startUpstreamTLS(_ index: UInt32) -> Bool {
    guard let member = members[Int(at(index).pointee.member)], let tls = member.pool.tls,
      let bio = tlsBIO
    else { return false }
    at(index).pointee.phase = .handshake
    at(index).pointee.tls = tls.makeSession(
      bio, address: member.shared.address.address.description, resuming: member.session)
    return true
  }

  func driveHandshake(_ index: UInt32) {
    guard let tls = at(index).pointee.tls else { return handshakeFailed(index, .other) }
    enterTLS(index)
    let result = SSL_do_handshake(tls)
    leaveTLS(index)
    if result == 1 { return handshakeDone(index, tls) }
    switch SSL_get_error(tls, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return
    case SSL_ERROR_SYSCALL: handshakeFailed(index, .closed)
    default: handshakeFailed(index, TLSCounters.Failure(code: ERR_peek_last_error()))
    }
  }

  private func handshakeDone(_ index: UInt32, _ tls: OpaquePointer) {
    let isClient = at(index).pointee.kind == .httpClient || at(index).pointee.kind == .tcpClient
    // What came with the last flight is in OpenSSL's hands.
    at(index).pointee.set(.readable)
    guard isClient else {
      members[Int(at(index).pointee.member)]?.pool.shared.tls.complete(
        resumed: SSL_session_reused(tls) == 1)
      return upstreamSecured(index)
    }
    guard let server = servers[Int(at(index).pointee.server)] else { return closeClient(index) }
    // Tickets, which acknowledge the client's last flight elsewhere, leave with the first answer here; a
    // client that holds its request back until then (Nagle) would wait for the delayed acknowledgement.
    setOption(at(index).pointee.descriptor, Int32(IPPROTO_TCP), TCP_QUICKACK, 1)
    server.shared.tls.complete(resumed: SSL_session_reused(tls) == 1)
    if server.tls?.forwardsCertificates == true { noteCertificate(index, tls) }
    if SSL_version(tls) == TLS1_3_VERSION { at(index).pointee.set(.ticketDue) }
    guard server.isHTTP else { return startRelay(index, server) }
    if hasAgreed(on: "h2", tls) {
      return becomeHTTP2(index, server, UnsafeRawBufferPointer(start: nil, count: 0))
    }
    at(index).pointee.phase = .head
    if server.isDraining { at(index).pointee.set(.closeAfter) }
    setDeadline(index, server.idleTimeout)
    readHeads(index)
  }

  private func hasAgreed(on name: StaticString, _ tls: OpaquePointer) -> Bool {
    var chosen: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    SSL_get0_alpn_selected(tls, &chosen, &count)
    return Int(count) == name.utf8CodeUnitCount
      && UnsafeBufferPointer(start: chosen, count: Int(count)).elementsEqual(
        UnsafeBufferPointer(start: name.utf8Start, count: Int(count)))
  }

  private func upstreamSecured(_ index: UInt32) {
    if at(index).pointee.kind == .httpUpstream {
      at(index).pointee.phase = .waiting
      sendRequest(index)
    } else if at(index).pointee.kind == .http2Upstream {
      upstreamSessionConnected(index)
    } else {
      at(index).pointee.phase = .relay
      clearDeadline(index)
      if sendEarly(index) { driveRelay(index) }
    }
  }

  /// Counts why, and ends the connection; a member's is tried elsewhere.
  func handshakeFailed(_ index: UInt32, _ reason: TLSCounters.Failure) {
    let text = reason == .timedOut ? "timed out" : tlsReason(index)
    switch at(index).pointee.kind {
    case .httpUpstream, .tcpUpstream, .http2Upstream:
      if let pool = members[Int(at(index).pointee.member)]?.pool {
        pool.shared.tls.fail(reason)
        pool.tlsReason = text
      }
      let code = reason == .timedOut ? ETIMEDOUT : EPROTO
      if at(index).pointee.kind == .httpUpstream {
        connectFailed(index, code)
      } else if at(index).pointee.kind == .http2Upstream {
        upstreamSessionFailed(index, code)
      } else {
        relayConnectFailed(index, code)
      }
    default:
      if let server = servers[Int(at(index).pointee.server)] {
        server.shared.tls.fail(reason)
        server.counters.add(.failures)
      }
      if at(index).pointee.kind == .httpClient { closeClient(index) } else { closeRelay(index) }
    }
  }

  /// Why the last call failed, in OpenSSL's words or the system's.
  private func tlsReason(_ index: UInt32) -> String {
    if let tls = at(index).pointee.tls, case let verdict = SSL_get_verify_result(tls),
      verdict != X509_V_OK, let text = X509_verify_cert_error_string(Int(verdict))
    {
      ERR_clear_error()
      return "certificate is not accepted: \(String(cString: text))"
    }
    if ERR_peek_last_error() != 0 { return opensslReason() }
    return tlsIO.pointee.failure != 0
      ? String(cString: strerror(tlsIO.pointee.failure)) : "connection closed in the handshake"
  }

  /// What the client asked for; nil without TLS or a name.
  func tlsServerName(_ index: UInt32) -> [UInt8]? {
    guard let tls = at(index).pointee.tls,
      let name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name)
    else { return nil }
    return Array(String(cString: name).lowercased().utf8)
  }

  // MARK: Bytes

  @inline(__always) private func enterTLS(_ index: UInt32) {
    tlsIO.pointee.descriptor = at(index).pointee.descriptor
    tlsIO.pointee.readable = at(index).pointee.has(.readable) ? 1 : 0
    tlsIO.pointee.peer_closed = at(index).pointee.has(.peerClosed) ? 1 : 0
    tlsIO.pointee.ended = 0
    tlsIO.pointee.more = 0
    tlsIO.pointee.failure = 0
  }

  private func leaveTLS(_ index: UInt32) {
    if tlsIO.pointee.readable == 0 { at(index).pointee.clear(.readable) }
    if let session = tlsIO.pointee.session {
      tlsIO.pointee.session = nil
      if let member = members[Int(at(index).pointee.member)] {
        member.forgetSession()
        member.session = session
      } else {
        SSL_SESSION_free(session)
      }
    }
  }

  /// `receive`, through TLS: as much as `target` holds.
  func receiveTLS(
    _ index: UInt32, _ tls: OpaquePointer, _ target: UnsafeMutableRawBufferPointer
  ) -> ReceiveOutcome {
    guard let base = target.baseAddress else { return .failed }
    enterTLS(index)
    defer { if tlsIO.pointee.session != nil { leaveTLS(index) } }
    var filled = 0
    while filled < target.count {
      let count = SSL_read(tls, base + filled, Int32(clamping: target.count &- filled))
      if count > 0 {
        filled &+= Int(count)
        if tlsIO.pointee.readable == 0, SSL_has_pending(tls) == 0 {
          at(index).pointee.clear(.readable)
          return .bytes(filled)
        }
        continue
      }
      let error = SSL_get_error(tls, count)
      if error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE {
        at(index).pointee.clear(.readable)
        return filled > 0 ? .bytes(filled) : .wouldBlock
      }
      ERR_clear_error()
      // The end is told again when it is its turn.
      if filled > 0 { return .bytes(filled) }
      at(index).pointee.clear(.readable)
      at(index).pointee.set(.endOfInput)
      if error == SSL_ERROR_ZERO_RETURN { return .end }
      // Cut without close_notify: a client's messages say where they end, a member's may not.
      let isClient =
        at(index).pointee.kind == .httpClient || at(index).pointee.kind == .http2Client
      return tlsIO.pointee.ended != 0 && isClient ? .end : .failed
    }
    return .bytes(filled)
  }

  /// `send`, through TLS.
  func sendTLS(
    _ index: UInt32, _ tls: OpaquePointer, _ head: UnsafeRawBufferPointer,
    _ body: UnsafeRawBufferPointer
  ) -> SendOutcome {
    enterTLS(index)
    if at(index).pointee.has(.ticketDue) {
      at(index).pointee.clear(.ticketDue)
      tlsIO.pointee.more = SSL_new_session_ticket(tls)
    }
    var head = head
    var body = body
    while !head.isEmpty || !body.isEmpty {
      let count = SSL_write(tls, nextRecord(head, body), recordLength(head, body))
      guard count > 0 else {
        let error = SSL_get_error(tls, count)
        guard error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ,
          buffers.append(head, to: &at(index).pointee.output),
          buffers.append(body, to: &at(index).pointee.output)
        else {
          ERR_clear_error()
          return .failed
        }
        return .stalled
      }
      let fromHead = min(head.count, Int(count))
      head = UnsafeRawBufferPointer(rebasing: head[fromHead...])
      body = UnsafeRawBufferPointer(rebasing: body[(Int(count) &- fromHead)...])
    }
    return .done
  }

  private func recordLength(
    _ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer
  ) -> Int32 {
    Int32(truncatingIfNeeded: min(Worker.recordSize, head.count &+ body.count))
  }

  /// The next record's bytes, joined where head and body meet in it.
  private func nextRecord(
    _ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer
  ) -> UnsafeRawPointer? {
    if head.isEmpty { return body.baseAddress }
    if body.isEmpty || head.count >= Worker.recordSize { return head.baseAddress }
    guard let base = record.baseAddress, let first = head.baseAddress, let next = body.baseAddress
    else { return nil }
    memcpy(base, first, head.count)
    memcpy(base + head.count, next, min(body.count, Worker.recordSize &- head.count))
    return UnsafeRawPointer(base)
  }

  /// `flush`, through TLS.
  func flushTLS(_ index: UInt32, _ tls: OpaquePointer) -> SendOutcome {
    enterTLS(index)
    while !at(index).pointee.output.isEmpty {
      let bytes = at(index).pointee.output.bytes
      let count = SSL_write(
        tls, bytes.baseAddress, Int32(truncatingIfNeeded: min(Worker.recordSize, bytes.count)))
      guard count > 0 else {
        let error = SSL_get_error(tls, count)
        if error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ { return .stalled }
        ERR_clear_error()
        return .failed
      }
      at(index).pointee.output.start &+= UInt32(count)
    }
    return .done
  }

  /// Whether a pooled connection goes on: what came was OpenSSL's own, as tickets are.
  func staysIdle(_ index: UInt32) -> Bool {
    at(index).pointee.set(.readable)
    guard case .wouldBlock = receive(index, record) else { return false }
    return true
  }

  // MARK: The end

  /// Says that nothing more will be sent: close_notify first, where there is TLS.
  func shutdownWrite(_ index: UInt32) {
    sayGoodbye(index)
    shutdown(at(index).pointee.descriptor, Int32(SHUT_WR))
  }

  func sayGoodbye(_ index: UInt32) {
    guard let tls = at(index).pointee.tls, SSL_is_init_finished(tls) == 1 else { return }
    enterTLS(index)
    if SSL_shutdown(tls) < 0 { ERR_clear_error() }
  }

  func endTLS(_ index: UInt32) {
    guard let tls = at(index).pointee.tls else { return }
    at(index).pointee.tls = nil
    // Without a farewell OpenSSL would spoil the session, which TCP's end does not make a bad one.
    SSL_set_shutdown(tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
    SSL_free(tls)
    ERR_clear_error()
    if at(index).pointee.has(.certified) { clientCertificates[index] = nil }
  }

  // MARK: The client's certificate

  /// Keeps what members are told of the client's certificate, in Envoy's form.
  private func noteCertificate(_ index: UInt32, _ tls: OpaquePointer) {
    guard SSL_get_verify_result(tls) == X509_V_OK,
      let certificate = SSL_get1_peer_certificate(tls)
    else { return }
    defer { X509_free(certificate) }
    var digest = [UInt8](repeating: 0, count: 32)
    guard let subject = atoll_certificate_subject(certificate, &digest) else { return }
    defer { atoll_free(subject) }
    var value = Array("Hash=".utf8)
    for octet in digest {
      value.append(hexadecimal(octet >> 4))
      value.append(hexadecimal(octet & 15))
    }
    value += Array(";Subject=\"".utf8)
    for byte in String(cString: subject).utf8 {
      // A quote would end the value; RFC 2253 has escaped all other than printable ASCII.
      if byte == UInt8(ascii: "\"") { value.append(UInt8(ascii: "\\")) }
      value.append(byte < 0x20 || byte == 0x7f ? UInt8(ascii: "?") : byte)
    }
    value.append(UInt8(ascii: "\""))
    clientCertificates[index] = value
    at(index).pointee.set(.certified)
  }

  private func hexadecimal(_ digit: UInt8) -> UInt8 { digit < 10 ? digit + 0x30 : digit + 0x57 }

  func forwardedCertificate(_ client: UInt32) -> [UInt8]? {
    guard at(client).pointee.has(.certified) else { return nil }
    return clientCertificates[
      at(client).pointee.stream?.pointee.session.pointee.connection ?? client]
  }

  func isForwardedCertificate(_ name: UnsafeRawBufferPointer) -> Bool {
    name.count == 23 && name.elementsEqualIgnoringCase("x-forwarded-client-cert")
  }
}
