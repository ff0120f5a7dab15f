import COpenSSL
import Glibc

extension Worker {
  enum SendOutcome { case done, stalled, failed }

  /// Heads and content up to so many bytes together are sent as one.
  static let joinedSize = 4096

  /// Sends `head` and then `body`, keeping what the socket does not take.
  /// - Precondition: nothing waits in `output`.
  func send(
    _ index: UInt32, _ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer
  ) -> SendOutcome {
    let connection = at(index)
    let total = head.count &+ body.count
    if total == 0 { return .done }
    if let tls = connection.pointee.tls { return sendTLS(index, tls, head, body) }
    if let stream = connection.pointee.stream { return sendStream(index, stream, head, body) }
    var sent: Int
    repeat {
      if body.count == 0 {
        sent = Glibc.send(
          connection.pointee.descriptor, head.baseAddress, head.count, Int32(MSG_NOSIGNAL))
      } else if head.count == 0 {
        sent = Glibc.send(
          connection.pointee.descriptor, body.baseAddress, body.count, Int32(MSG_NOSIGNAL))
      } else if total <= Worker.joinedSize {
        // A copy costs less than a second vector.
        joined.copyMemory(from: head)
        UnsafeMutableRawBufferPointer(rebasing: joined[head.count...]).copyMemory(from: body)
        sent = Glibc.send(
          connection.pointee.descriptor, joined.baseAddress, total, Int32(MSG_NOSIGNAL))
      } else {
        vectors[0] = iovec(
          iov_base: UnsafeMutableRawPointer(mutating: head.baseAddress), iov_len: head.count)
        vectors[1] = iovec(
          iov_base: UnsafeMutableRawPointer(mutating: body.baseAddress), iov_len: body.count)
        message.pointee.msg_iov = vectors
        message.pointee.msg_iovlen = 2
        sent = sendmsg(connection.pointee.descriptor, message, Int32(MSG_NOSIGNAL))
      }
    } while sent < 0 && errno == EINTR
    if sent == total { return .done }
    if sent < 0 {
      guard errno == EAGAIN else { return .failed }
      sent = 0
    }
    if sent < head.count {
      let rest = UnsafeRawBufferPointer(rebasing: head[sent...])
      guard buffers.append(rest, to: &connection.pointee.output) else { return .failed }
      sent = 0
    } else {
      sent &-= head.count
    }
    let rest = UnsafeRawBufferPointer(rebasing: body[sent...])
    guard buffers.append(rest, to: &connection.pointee.output) else { return .failed }
    return .stalled
  }

  func send(_ index: UInt32, _ bytes: UnsafeRawBufferPointer) -> SendOutcome {
    send(index, bytes, UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// Sends what waits in `output`. The block goes back once all is sent, unless `keep`.
  func flush(_ index: UInt32, keep: Bool = false) -> SendOutcome {
    let connection = at(index)
    if let stream = connection.pointee.stream { return flushStream(index, stream) }
    if let tls = connection.pointee.tls {
      let outcome = flushTLS(index, tls)
      if outcome == .done, !keep { buffers.release(&connection.pointee.output) }
      return outcome
    }
    while !connection.pointee.output.isEmpty {
      let bytes = connection.pointee.output.bytes
      let sent = Glibc.send(
        connection.pointee.descriptor, bytes.baseAddress, bytes.count,
        Int32(MSG_NOSIGNAL))
      if sent < 0 {
        if errno == EINTR { continue }
        return errno == EAGAIN ? .stalled : .failed
      }
      connection.pointee.output.start &+= UInt32(sent)
    }
    if !keep { buffers.release(&connection.pointee.output) }
    return .done
  }

  enum ReceiveOutcome {
    case bytes(Int)
    case wouldBlock
    case end
    case failed
  }

  /// Receives into `target`, and notes whether there may be more.
  func receive(_ index: UInt32, _ target: UnsafeMutableRawBufferPointer) -> ReceiveOutcome {
    let connection = at(index)
    if let tls = connection.pointee.tls { return receiveTLS(index, tls, target) }
    if let stream = connection.pointee.stream { return receiveStream(index, stream, target) }
    while true {
      let count = recv(connection.pointee.descriptor, target.baseAddress, target.count, 0)
      if count > 0 {
        // A short read has emptied the socket (epoll(7)), but for the end of input.
        if count < target.count, !connection.pointee.has(.peerClosed) {
          connection.pointee.clear(.readable)
        }
        return .bytes(count)
      }
      if count == 0 {
        connection.pointee.clear(.readable)
        connection.pointee.set(.endOfInput)
        return .end
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        connection.pointee.clear(.readable)
        return .wouldBlock
      default:
        connection.pointee.clear(.readable)
        return .failed
      }
    }
  }
}
