import DNS
import Linux
import NetTypes
import Transport

@testable import NameService

/// A server to forward to, that answers as it is told.
@Loop final class Upstream {
  enum Behaviour {
    case silent
    case answer(@Sendable (Message) -> Message)
  }

  let address: SocketAddress
  var behaviour: Behaviour
  private(set) var datagrams = 0
  private(set) var streams = 0
  private let descriptor: Int32
  private var registration: Registration?
  private var server: StreamServer?

  init(_ behaviour: Behaviour) throws {
    self.behaviour = behaviour
    address = try LoopbackPort.free()
    let socket = try DatagramBatch.socket(bound: address)
    descriptor = socket.release()
    registration = try Loop.watch(descriptor) { [weak self] _ in self?.receive() }
    server = try StreamServer(address) { [weak self] query, _ in
      guard let self, let query = try? Message(decoding: query),
        case .answer(let make) = self.behaviour
      else { return .nothing }
      self.streams += 1
      var answer = make(query)
      answer.isTruncated = false
      return .message(answer.encoded())
    }
    server?.start()
  }

  func stop() {
    registration?.cancel()
    server?.stop()
    _ = Descriptor(descriptor)
  }

  private func receive() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while let (count, arrival) = Datagrams.receive(descriptor, into: &buffer) {
      datagrams += 1
      guard case .answer(let make) = behaviour,
        let query = try? Message(decoding: Array(buffer[..<count]))
      else { continue }
      Datagrams.send(descriptor, make(query).encoded(), to: arrival.source)
    }
  }

  /// An address for every name, with a TTL.
  nonisolated static func address(ttl: UInt32 = 60, truncated: Bool = false) -> Behaviour {
    .answer { query in
      var answer = query
      answer.isResponse = true
      answer.isTruncated = truncated
      answer.edns = nil
      answer.answers =
        truncated
        ? []
        : [
          ResourceRecord(
            query.questions[0].name, .a, ttl: ttl, .a(IPv4Address(192, 0, 2, 7)))
        ]
      return answer
    }
  }

  nonisolated static func code(_ code: ResponseCode) -> Behaviour {
    .answer { query in
      var answer = query
      answer.isResponse = true
      answer.responseCode = code
      answer.edns = nil
      return answer
    }
  }
}
