import Linux
import NetTypes

/// A listener on the host's loopback whose connections leave from inside a unit.
///
/// The upstream socket is made while the thread is in the namespace, so the host's network needs no
/// interface, route or rule for it.
@Loop final class PublishedPortRelay {
  static let connectionLimit = 512
  static let connectTimeout = Duration.seconds(3)

  private let listener: TCPListener
  private let namespace: String
  private let target: SocketAddress
  private var connections: Set<ObjectIdentifier> = []

  init(hostPort: UInt16, namespace: String, target: SocketAddress) throws {
    listener = try TCPListener(SocketAddress(.v4(.loopback), port: hostPort))
    self.namespace = namespace
    self.target = target
    try listener.start { [weak self] in self?.accepted($0) }
  }

  func stop() { listener.stop() }

  private func accepted(_ downstream: consuming Descriptor) {
    guard connections.count < Self.connectionLimit else { return }
    let downstream = TCPConnection(downstream)
    Task { @Loop in
      do {
        let upstream = try await TCPConnection.connect(
          to: target, in: namespace, timeout: Self.connectTimeout)
        let pair = RelayedPair(downstream, upstream)
        connections.insert(ObjectIdentifier(pair))
        await pair.run()
        connections.remove(ObjectIdentifier(pair))
      } catch {
        downstream.reset()
      }
    }
  }
}
