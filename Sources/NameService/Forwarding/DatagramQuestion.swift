import DNS
import Linux
import NetTypes

/// One message to one server over UDP, from a socket of its own, and its answer.
@Loop struct DatagramQuestion {
  private let question: Message
  private let server: SocketAddress

  init(_ question: Message, _ server: SocketAddress) {
    self.question = question
    self.server = server
  }

  /// - Throws: `UpstreamQuery.Failure`, or what the socket said.
  func ask(timeout: Duration) async throws -> Message {
    let socket = try Datagrams.socket(isIPv4: server.address.isIPv4)
    defer { withExtendedLifetime(socket) {} }
    let descriptor = socket.rawValue
    // The kernel drops what others send to it.
    try Sockets.beginConnect(descriptor, to: server)
    let arrived = Waiter()
    var answer: Message?
    let registration = try Loop.watch(descriptor) { ready in
      var buffer = [UInt8](repeating: 0, count: 4096)
      if ready.contains(.error), Sockets.takeError(descriptor) != 0 {
        return arrived.resume(throwing: UpstreamQuery.Failure.unreachable)
      }
      while let (count, _) = Datagrams.receive(descriptor, into: &buffer) {
        if let message = question.answer(in: Array(buffer[..<count])) {
          answer = message
          return arrived.resume()
        }
      }
    }
    let timer = Loop.after(timeout) { arrived.resume(throwing: UpstreamQuery.Failure.timedOut) }
    defer {
      timer.cancel()
      registration.cancel()
    }
    Datagrams.send(descriptor, question.encoded(), to: server)
    try await arrived.wait()
    guard let answer else { throw UpstreamQuery.Failure.noAnswer }
    return answer
  }
}

extension Message {
  /// What answers this message; nil of anything else.
  func answer(in bytes: [UInt8]) -> Message? {
    guard let message = try? Message(decoding: bytes), message.isResponse, message.id == id,
      message.opcode == opcode, message.questions == questions
    else { return nil }
    return message
  }
}
