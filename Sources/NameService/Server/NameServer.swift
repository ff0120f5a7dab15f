import DNS
import Glibc
import Linux
import Logging
import NetTypes

/// A name server's sockets: datagrams on a thread for each core, streams on the control loop, both
/// answering from the same zones and steered sets.
///
///     datagram ─▶ NameWorker ─▶ Responder ─┬▶ answer
///     stream ───▶ Loop ───────▶ Responder ─┤
///                                          ├▶ outside: Forwarder, for whom it is allowed
///                                          └▶ transfer: over streams, for whom it is allowed
@Loop package final class NameServer {
  package struct Settings: Sendable {
    package var listen: [SocketAddress]
    /// Threads for the datagrams of an address; nil is one a processor.
    package var workers: Int?
    package var options = Responder.Options()
    /// Who may have questions forwarded.
    package var recursionFor: [IPPrefix] = []

    package init(listen: [SocketAddress]) { self.listen = listen }
  }

  /// Messages of a whole zone for a client; nil: refused.
  typealias TransferSource =
    @Loop (_ zone: DomainName, _ query: Message, _ client: IPAddress) ->
    (@Loop () -> [UInt8]?)?

  private let settings: Settings
  private var workers: [NameWorker] = []
  private var streams: [StreamServer] = []
  private var responder: Responder
  private var published: PublishedNames
  var forwarder: Forwarder?
  var transferSource: TransferSource = { _, _, _ in nil }

  package init(_ settings: Settings) {
    self.settings = settings
    published = PublishedNames(options: settings.options, recursionFor: settings.recursionFor)
    responder = Responder(
      catalogue: published.catalogue, steering: published.steering, options: settings.options,
      seed: .random(in: 0 ... .max))
  }

  /// Where it listens; with port 0 asked for, the port it got.
  package var addresses: [SocketAddress] { streams.compactMap(\.address) }

  /// - Throws: `SystemError` for an address that cannot be bound; nothing listens then.
  package func start() throws {
    do {
      for address in settings.listen {
        streams.append(
          try StreamServer(address) { [weak self] query, peer in
            await self?.answer(query, peer) ?? .nothing
          })
      }
      let count = max(1, settings.workers ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
      // With port 0, the port that TCP got.
      for address in addresses {
        for _ in 0..<count {
          workers.append(
            try NameWorker(address, published) { handed in
              Task { @Loop [weak self] in self?.resolve(handed) }
            })
        }
      }
    } catch {
      stop()
      throw error
    }
    for (index, worker) in workers.enumerated() { worker.start(index) }
    for stream in streams { stream.start() }
  }

  package func stop() {
    for worker in workers { worker.stop() }
    for stream in streams { stream.stop() }
    workers = []
    streams = []
  }

  /// Makes these zones what is served.
  package func publish(_ catalogue: Catalogue) { change { $0.catalogue = catalogue } }
  /// Makes these sets what is served, before the zones.
  package func publish(_ sets: [SteeredSet]) {
    let refusal = sets.map { $0.refused(EDNS.ExtendedErrorCode.notReady) }
    change {
      $0.steering = Steering(sets)
      $0.refusal = Steering(refusal)
    }
  }

  /// Until when the steered sets hold; nil: until others are published.
  func extendSteering(until instant: Instant?) { published.lease.extend(until: instant) }

  func change(_ body: (inout PublishedNames) -> Void) {
    let before = published
    body(&published)
    responder.use(published, insteadOf: before)
    for worker in workers { worker.publish(published) }
  }

  package var counters: ResponderCounters {
    var total = responder.counters
    for worker in workers { total += worker.counters }
    return total
  }

  var catalogue: Catalogue { published.catalogue }

  private func resolve(_ handed: NameWorker.Handed) {
    guard let query = try? Message(decoding: handed.query) else { return handed.finish() }
    resolve(query, from: handed.source) { answer in
      let limit = query.edns.map { Int($0.payloadSize) } ?? Message.plainPayloadSize
      handed.answer(
        answer.encoded(
          limit: min(max(limit, Message.plainPayloadSize), Int(EDNS.defaultPayloadSize))))
      handed.finish()
    }
  }

  /// What no responder answers by itself.
  private func resolve(
    _ query: Message, from source: IPAddress, completion: @escaping @Loop (Message) -> Void
  ) {
    // Every zone here is a primary: nobody's news changes it.
    if let news = query.notification {
      let isOurs = catalogue.origins.contains(news.zone)
      return completion(Message(answering: query, isOurs ? .noError : .notAuthoritative))
    }
    guard query.opcode == .query, let forwarder, published.recurses(for: source) else {
      return completion(Message(answering: query, .refused))
    }
    forwarder.resolve(query, completion: completion)
  }

  private func answer(_ query: [UInt8], _ peer: SocketAddress) async -> StreamServer.Answer {
    var room = [UInt8](repeating: 0, count: Message.maximumLength)
    var span = room.mutableSpan
    let outcome = responder.respond(
      to: query.span, from: peer.address, over: .tcp, at: Loop.now, into: &span)
    switch outcome {
    case .reply(let count): return .message(Array(room[..<count]))
    case .drop: return .nothing
    case .transfer, .outside, .notify: break
    }
    guard let message = try? Message(decoding: query) else { return .nothing }
    if case .transfer(let zone) = outcome {
      let origin = catalogue.origins[zone]
      return transferSource(origin, message, peer.address).map { .messages($0) }
        ?? .message(Message(answering: message, .refused).encoded())
    }
    return await withCheckedContinuation { continuation in
      resolve(message, from: peer.address) { answer in
        continuation.resume(returning: .message(answer.encoded()))
      }
    }
  }
}
