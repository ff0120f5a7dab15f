import DNS
import Linux
import NetTypes
import Transport

/// One question to one server: over UDP, and over TCP where the answer does not fit.
///
/// Each has a socket of its own, so that a forger must guess its port besides the number
/// (RFC 5452 §9.2); what does not fit the question is no answer to it.
@Loop struct UpstreamQuery {
  enum Failure: Error { case timedOut, unreachable, noAnswer }

  private let query: Message
  private let server: SocketAddress

  init(_ key: AnswerCache.Key, _ server: SocketAddress) {
    var query = Message(
      id: .random(in: 0 ... .max), query: key.question.name, key.question.type,
      recursionDesired: true, edns: EDNS(dnssecOK: key.dnssecOK))
    query.questions = [key.question]
    query.checkingDisabled = key.checkingDisabled
    self.query = query
    self.server = server
  }

  /// - Throws: `Failure`, or what the socket said.
  func run(timeout: Duration) async throws -> Message {
    let answer = try await DatagramQuestion(query, server).ask(timeout: timeout)
    return answer.isTruncated ? try await overStream(timeout) : answer
  }

  private func overStream(_ timeout: Duration) async throws -> Message {
    let stream = try await connectStream(to: .address(server), timeout: timeout)
    let timer = Loop.after(timeout) { stream.fail(Failure.timedOut) }
    defer {
      timer.cancel()
      stream.close()
    }
    var framing = StreamFraming()
    try await stream.write(StreamFraming.framed(query.encoded()))
    while true {
      let bytes = try await stream.read(atMost: 16 << 10)
      guard !bytes.isEmpty else { throw Failure.noAnswer }
      framing.receive(bytes)
      guard let message = framing.next() else { continue }
      guard let answer = query.answer(in: message) else { throw Failure.noAnswer }
      return answer
    }
  }
}
