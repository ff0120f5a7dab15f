import Linux
import Logging
import NetTypes
import Transport

/// Voters' views between name services, over mutual TLS: a connection to each, and one from each.
///
/// A view is four octets of length and that many of view. A connection gives what comes to whoever
/// the voter's certificate names; of views that wait, only a voter's newest is kept.
@Loop final class ViewExchange {
  /// - Parameter peer: The voter that said it, as its certificate proves.
  typealias Receiver = @Loop (_ view: [UInt8], _ peer: String) -> Void

  /// Octets of the longest view that is taken.
  private let longest: Int
  private let listener: Listener
  private let serverTLS: TLSContext
  private var links: [String: VoterLink] = [:]
  private var names: [String: String] = [:]
  private var incoming: [ObjectIdentifier: TLSStream] = [:]
  private var task: Task<Void, Never>?
  private let receive: Receiver
  private let log: Logger

  /// How long a peer may be silent; a voter speaks some times a second.
  private static let silence = Duration.seconds(5)
  private static let connectionLimit = 64

  init(
    listen: SocketAddress, peers: [VoterAddress], trust: VoterTrust, longest: Int, log: Logger,
    receive: @escaping Receiver
  ) throws {
    self.longest = longest
    self.log = log
    self.receive = receive
    listener = try Listener(listen)
    serverTLS = try .server(trust.certificate, clientCA: trust.authority)
    let clientTLS = try TLSContext.client(
      trusted: trust.authority, certificate: trust.certificate)
    for peer in peers {
      names[peer.certificateName] = peer.name
      links[peer.name] = VoterLink(peer, tls: clientTLS, log: log)
    }
  }

  var address: SocketAddress? { listener.address }
  /// The voters that a connection leads to at the moment.
  var connected: [String] { links.filter(\.value.isConnected).keys.sorted() }

  func start() {
    for link in links.values { link.start() }
    task = Task { @Loop [weak self] in
      while let listener = self?.listener, let (descriptor, peer) = try? await listener.accept() {
        self?.open(descriptor, peer)
      }
    }
  }

  func stop() {
    task?.cancel()
    listener.close()
    for link in links.values { link.stop() }
    for stream in incoming.values { stream.close() }
  }

  /// - Parameter voter: Whose view it is; it takes the place of one that still waits.
  func send(_ view: [UInt8], of voter: String, to peers: [String]) {
    for peer in peers { links[peer]?.send(view, of: voter) }
  }

  private func open(_ descriptor: Int32, _ peer: SocketAddress?) {
    let descriptor = Descriptor(descriptor)
    guard incoming.count < Self.connectionLimit else { return }
    let owned = descriptor.release()
    Task { @Loop in
      guard
        let stream = try? await serverTLS.accept(Descriptor(owned), timeout: .seconds(2))
      else { return }
      defer { stream.close() }
      guard let name = stream.identity.flatMap({ names[$0.commonName] }) else {
        log.warning(
          "a stranger wants to vote",
          metadata: [
            "address": "\(peer.map(\.description) ?? "")",
            "certificate": "\(stream.identity?.commonName ?? "none")",
          ])
        return
      }
      incoming[ObjectIdentifier(stream)] = stream
      try? await follow(stream, name)
      incoming[ObjectIdentifier(stream)] = nil
    }
  }

  private func follow(_ stream: TLSStream, _ peer: String) async throws {
    var buffer: [UInt8] = []
    while true {
      let timer = Loop.after(Self.silence) { stream.close() }
      defer { timer.cancel() }
      let bytes = try await stream.read(atMost: 64 << 10)
      guard !bytes.isEmpty else { return }
      buffer += bytes
      while buffer.count >= 4 {
        let length = buffer[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= longest else {
          log.warning(
            "a view too long",
            metadata: ["voter": "\(peer)", "found": "\(length)", "limit": "\(longest)"])
          return
        }
        guard buffer.count >= 4 + length else { break }
        receive(Array(buffer[4..<(4 + length)]), peer)
        buffer.removeSubrange(..<(4 + length))
      }
    }
  }
}
