import CLinux
import Glibc
import Linux
import NetTypes

/// One TCP connection to a peer, non-blocking, with what is still to be sent.
@Loop final class PeerConnection {
  enum Event {
    /// Open; our end of it.
    case opened(IPAddress)
    case received([UInt8])
    /// What was sent before `awaitDrain` has left.
    case drained
    /// Failed to open, or ended.
    case closed
  }

  private let descriptor: Descriptor
  private var registration: Registration?
  private var isOpen: Bool
  /// What is still to be sent, in the buffers it came in: the same ones may wait for many peers.
  private var outgoing: [[UInt8]] = []
  /// The first buffer in `outgoing` that is not gone yet, and how much of it is.
  private var first = 0
  private var sent = 0
  private var awaitsDrain = false
  /// Close once everything is sent.
  private var isEnding = false
  /// Much has just come in, and more is let gather before it is looked at.
  private var isGathering = false
  private var handler: (@Loop (Event) -> Void)?

  /// What the peer's end of the connection, or a failure, shows as.
  private static let ends: Readiness = [.peerClosed, .hangUp, .error]
  /// A piece of so many octets is part of a table: by pieces as small as they come, a full table takes
  /// twenty thousand wakeups, and as many flushes.
  private static let muchAtOnce = 1024
  private static let gathering = Duration.milliseconds(2)

  /// Takes over a connection that was accepted.
  init(accepted descriptor: consuming Descriptor) {
    self.descriptor = descriptor
    isOpen = true
  }

  /// Begins to connect.
  init(
    connecting descriptor: consuming Descriptor, to address: SocketAddress, scope: UInt32
  ) throws(SystemError) {
    try Sockets.beginConnect(descriptor.rawValue, to: address, scope: scope)
    self.descriptor = descriptor
    isOpen = false
  }

  /// Starts to report; the first events may come before this returns.
  func start(_ handler: @escaping @Loop (Event) -> Void) throws(SystemError) {
    self.handler = handler
    registration = try Loop.watch(descriptor.rawValue) { [weak self] readiness in
      self?.ready(readiness)
    }
  }

  func send(_ bytes: [UInt8]) {
    outgoing.append(bytes)
    if isOpen, outgoing.count == 1 { flush() }
  }

  /// Reports `drained` once nothing is left to be sent.
  func awaitDrain() {
    if outgoing.isEmpty { handler?(.drained) } else { awaitsDrain = true }
  }

  /// Sends what is left, then closes. No event follows.
  func end() {
    handler = nil
    if !isOpen || outgoing.isEmpty {
      close()
    } else {
      isEnding = true
      // A peer that reads nothing any more is not waited for.
      Loop.after(.seconds(1)) { self.close() }
    }
  }

  /// Closes without a word.
  func close() {
    registration?.cancel()
    registration = nil
    if isOpen {
      isOpen = false
      // The descriptor goes with this object; the peer is told now.
      shutdown(descriptor.rawValue, Int32(SHUT_RDWR))
    }
    handler = nil
  }

  private func ready(_ readiness: Readiness) {
    if !isOpen {
      guard readiness.contains(.writable) || readiness.contains(.error) else { return }
      guard Sockets.takeError(descriptor.rawValue) == 0,
        let local = Sockets.localAddress(descriptor.rawValue)
      else { return fail() }
      isOpen = true
      handler?(.opened(local.address))
    }
    if registration != nil, readiness.contains(.writable) { flush() }
    if !isGathering { receive(untilEnd: readiness.rawValue & Self.ends.rawValue != 0) }
  }

  /// - Parameter untilEnd: The end is to be met, after whatever is there.
  private func receive(untilEnd: Bool) {
    while registration != nil {
      var failed = false
      let bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
        let received = recv(descriptor.rawValue, buffer.baseAddress, buffer.count, 0)
        count = max(0, received)
        failed = received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR)
      }
      if failed { return fail() }
      if bytes.isEmpty { return }
      handler?(.received(bytes))
      // Less than was asked for is all there is; the next edge tells of more. epoll(7).
      if bytes.count >= 65536 || untilEnd { continue }
      if bytes.count >= Self.muchAtOnce { gather() }
      return
    }
  }

  private func gather() {
    isGathering = true
    Loop.after(Self.gathering) { [weak self] in
      self?.isGathering = false
      // Edges that came meanwhile were let pass.
      self?.receive(untilEnd: true)
    }
  }

  private func flush() {
    while first < outgoing.count {
      let total = outgoing[first].count
      let count = outgoing[first].withUnsafeBytes { bytes in
        Glibc.send(
          descriptor.rawValue, bytes.baseAddress?.advanced(by: sent), total - sent,
          Int32(MSG_NOSIGNAL))
      }
      if count < 0 {
        if errno == EINTR { continue }
        // A broken connection shows when it is read.
        if errno != EAGAIN, isEnding { close() }
        return
      }
      sent += count
      if sent == total {
        outgoing[first] = []
        (first, sent) = (first + 1, 0)
      }
    }
    outgoing = []
    first = 0
    if isEnding { return close() }
    if awaitsDrain {
      awaitsDrain = false
      handler?(.drained)
    }
  }

  private func fail() {
    let handler = handler
    close()
    handler?(.closed)
  }
}
