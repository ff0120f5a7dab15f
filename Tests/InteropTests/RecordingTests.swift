import BGP
import Glibc
import Linux
import NetTypes
import Testing

/// Where `RECORD_SESSIONS=1` writes; the tests of the core replay it.
private let recordings = "Tests/BGPTests/RecordedSessions.swift"

/// Records what each implementation sends when a session comes up. It runs only when asked to.
@Suite(
  .serialized, .enabled(if: isRoot, "needs root: network namespaces"),
  .enabled(if: getenv("RECORD_SESSIONS") != nil, "rewrites recordings, with RECORD_SESSIONS=1"))
struct RecordingTests {
  /// A speaker on one connection that was opened to the peer, and all that it received.
  @Loop private final class Recorder {
    private(set) var received: [UInt8] = []
    private(set) var speaker: Speaker
    private let id: ConnectionID
    private let descriptor: Int32
    private var registration: Registration?

    init(_ cable: Cable) async throws {
      let own = IPv4Address(Cable.ourAddress)!
      let peer = address(Cable.theirAddress)
      var configuration = RouterConfiguration(localAS: ASNumber(64512), routerID: own)
      var neighbor = Neighbor(address: peer, remoteAS: ASNumber(64512))
      neighbor.settings.passive = true
      neighbor.settings.activations = [.ipv4: true, .ipv6: true]
      configuration.neighbors = [neighbor]
      speaker = Speaker(configuration: configuration, seed: 1)
      descriptor = try NetworkNamespace.open(path: cable.path(cable.ours)).with {
        let socket = try Sockets.stream(for: peer)
        try Sockets.beginConnect(socket.rawValue, to: SocketAddress(peer, port: 179))
        return socket.release()
      }
      _ = speaker.handle(.start, at: Loop.now)
      id = speaker.makeConnectionID()
      try await Loop.sleep(.milliseconds(100))
      handle(.accepted(id, peer: peer, local: .v4(own)))
      registration = try Loop.watch(descriptor) { [weak self] _ in self?.read() }
    }

    private func handle(_ event: SpeakerEvent) {
      for case .send(_, let bytes) in speaker.handle(event, at: Loop.now) {
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
      }
    }

    private func read() {
      var buffer = [UInt8](repeating: 0, count: 65536)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { return registration?.cancel() ?? () }
      received += buffer[..<count]
      handle(.received(id, Array(buffer[..<count])))
    }

    func close() {
      registration?.cancel()
      Glibc.close(descriptor)
    }
  }

  @Loop @Test func `sessions are recorded`() async throws {
    var text = """
      // Written by `RECORD_SESSIONS=1 swift test --filter RecordingTests`: what each implementation sent
      // when a session came up, with its own routes.

      struct RecordedSession: Sendable {
        var peer: String
        var octets: String

        static let all: [RecordedSession] = [

      """
    for implementation in Implementation.installed {
      var exchange = Exchange()
      exchange.isTagged = true
      if implementation != .bird1 {
        exchange.families = [.ipv4, .ipv6]
        exchange.theirRoutes.append(Exchange.ipv6Route)
      }
      let cable = try Cable()
      let peer = try PeerProcess(implementation.dialect, exchange, cable)
      try await peer.start()
      try await Loop.sleep(.seconds(2))
      let recorder = try await Recorder(cable)
      for _ in 0..<600 where recorder.speaker.routes.count < exchange.theirRoutes.count {
        try await Loop.sleep(.milliseconds(20))
      }
      try await Loop.sleep(.seconds(1))
      recorder.close()
      await peer.remove()
      guard recorder.speaker.routes.count == exchange.theirRoutes.count else {
        print(
          "interop: \(implementation.rawValue) was not recorded: \(recorder.received.count) octets")
        continue
      }
      let digits = recorder.received.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      let lines = stride(from: 0, to: digits.count, by: 40).map {
        "        " + digits[$0..<min($0 + 40, digits.count)].joined()
      }
      text += """
            RecordedSession(
              peer: "\(implementation.rawValue), \(await implementation.version())",
              octets: \"""
        \(lines.joined(separator: "\n"))
                \"""),

        """
    }
    text += "  ]\n}\n"
    try FileSystem.write(Array(text.utf8), to: recordings)
  }
}
