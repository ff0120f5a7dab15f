import BGP
import Glibc
import Linux
import NetTypes

/// A peer whose every octet is the test's: a connection to our router from the peer's namespace.
@Loop final class ScriptedPeer {
  let local: String
  private let descriptor: Int32
  private var registration: Registration?
  private var framer = MessageFramer()
  /// Kinds of the messages that came, in order.
  private(set) var received: [Message.Kind] = []
  private(set) var notification: NotificationMessage?
  private(set) var isClosed = false

  /// Connects from `local`, one of `Cable.scripted`.
  init(_ cable: Cable, from local: String = Cable.scripted[0]) async throws {
    self.local = local
    descriptor = try NetworkNamespace.open(path: cable.path(cable.theirs)).with {
      let socket = try Sockets.stream(for: address(local))
      try Sockets.bind(socket.rawValue, to: SocketAddress(address(local), port: 0))
      let router = SocketAddress(address(Cable.ourAddress), port: 179)
      try Sockets.beginConnect(socket.rawValue, to: router)
      return socket.release()
    }
    registration = try Loop.watch(descriptor) { [weak self] _ in self?.read() }
  }

  isolated deinit { close() }

  /// Established with our router, as AS `number`.
  func establish(as number: UInt32, hold: UInt16 = 90) async throws {
    var capabilities = Capabilities()
    capabilities.families = [.ipv4]
    capabilities.fourOctetAS = ASNumber(number)
    capabilities.routeRefresh = true
    let open = OpenMessage(
      asNumber: ASNumber(number), holdTime: hold, identifier: IPv4Address(local)!,
      capabilities: capabilities)
    try await sent(Message.open(open).encoded(options: CodecOptions()))
    try await seen("OPEN") { $0.received.contains(.open) }
    try await sent(Message.keepalive.encoded(options: CodecOptions()))
    try await seen("KEEPALIVE") { $0.received.contains(.keepalive) }
  }

  /// As many of `bytes` as TCP takes before the router has closed.
  func sent(_ bytes: [UInt8]) async throws {
    var rest = bytes[...]
    var tries = 0
    while !rest.isEmpty, !isClosed, tries < 1000 {
      let count = rest.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else {
        if count < 0, errno != EAGAIN, errno != ENOTCONN { return }
        tries += 1
        try await Loop.sleep(.milliseconds(10))
      }
    }
  }

  func send(_ update: UpdateMessage, external: Bool = true) async throws {
    try await sent(
      Message.update(update).encoded(options: CodecOptions(isInternal: !external)))
  }

  func seen(_ what: String, _ condition: (ScriptedPeer) -> Bool) async throws {
    for _ in 0..<1500 {
      if condition(self) { return }
      try await Loop.sleep(.milliseconds(10))
    }
    throw NotSeen(what: what, log: "received \(received), \(notification.map { "\($0)" } ?? "")")
  }

  private func read() {
    var buffer = [UInt8](repeating: 0, count: 65536)
    while !isClosed {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0, errno == EAGAIN { return }
      if count <= 0 { return close() }
      framer.append(Array(buffer[..<count]))
      while let frame = try? framer.next() {
        if let kind = Message.Kind(rawValue: frame[frame.startIndex + 18]) { received.append(kind) }
        if case .notification(let message)? = try? Message(
          decoding: frame, options: CodecOptions())
        {
          notification = message
        }
      }
    }
  }

  /// Without a NOTIFICATION.
  func close() {
    guard !isClosed else { return }
    isClosed = true
    registration?.cancel()
    Glibc.close(descriptor)
  }
}
