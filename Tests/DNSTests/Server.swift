import DNS
import NetTypes
import Testing

/// A responder that is asked and answers in messages.
final class Server {
  var responder: Responder
  var client = address("192.0.2.53")
  var now = Instant.zero

  init(
    _ zones: [Zone], steering: [SteeredSet] = [],
    _ change: (inout Responder.Options) -> Void = { _ in }
  ) {
    for zone in zones { #expect(zone.validate().isEmpty) }
    var options = Responder.Options()
    change(&options)
    responder = Responder(
      catalogue: Catalogue(zones: zones), steering: Steering(steering), options: options, seed: 1)
  }

  func outcome(
    _ query: [UInt8], over transport: Responder.Transport = .udp
  ) -> (outcome: Responder.Outcome, bytes: [UInt8]) {
    var output = [UInt8](repeating: 0xa5, count: 65535)
    var span = output.mutableSpan
    let outcome = responder.respond(
      to: query.span, from: client, over: transport, at: now, into: &span)
    guard case .reply(let count) = outcome else { return (outcome, []) }
    return (outcome, Array(output[..<count]))
  }

  func ask(
    _ query: Message, over transport: Responder.Transport = .udp
  ) throws -> Message {
    let (outcome, bytes) = outcome(query.encoded(), over: transport)
    guard case .reply = outcome else { throw NoAnswer(outcome: outcome) }
    let answer = try Message(decoding: bytes)
    #expect(answer.isResponse && answer.id == query.id)
    #expect(answer.opcode == query.opcode && answer.recursionDesired == query.recursionDesired)
    return answer
  }

  /// Over UDP without EDNS.
  func ask(_ name: String, _ type: RecordType) throws -> Message {
    let question = Message(id: 0x1234, query: DNSTests.name(name), type, edns: nil)
    let answer = try ask(question)
    #expect(answer.questions == question.questions)
    return answer
  }

  /// With EDNS and these options.
  func ask(
    _ name: String, _ type: RecordType, options: [EDNS.Option], payloadSize: UInt16 = 1232
  ) throws -> Message {
    try ask(
      Message(
        id: 7, query: DNSTests.name(name), type,
        edns: EDNS(payloadSize: payloadSize, options: options)))
  }
}

struct NoAnswer: Error {
  var outcome: Responder.Outcome
}

func zone(_ origin: String, _ lines: String) -> Zone {
  Zone(
    origin: name(origin),
    records: lines.split(separator: "\n").map {
      record(String($0.split(separator: " ").joined(separator: " ")))
    })
}

extension [ResourceRecord] {
  /// As lines, in order.
  var lines: [String] {
    map { "\($0.name) \($0.ttl) \($0.type) \($0.data.description(as: $0.type))" }
  }
}
