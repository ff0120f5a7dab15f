import Linux
import NetTypes
import Transport

/// A listener on the host's loopback whose connections leave from inside a unit.
///
/// The upstream socket is made while the thread is in the namespace, so the host's network needs no
/// interface, route or rule for it.
@Loop final class PublishedPortRelay {
  static let connectionLimit = 512
  static let connectTimeout = Duration.seconds(3)

  private let listener: Listener
  private let namespace: String
  private let target: SocketAddress
  private var count = 0
  private var accepting: Task<Void, Never>?

  init(hostPort: UInt16, namespace: String, target: SocketAddress) throws {
    listener = try Listener(SocketAddress(.v4(.loopback), port: hostPort))
    self.namespace = namespace
    self.target = target
    accepting = Task { @Loop [weak self, listener] in
      while let (descriptor, _) = try? await listener.accept() {
        guard let stream = try? SocketStream(Descriptor(descriptor)) else { continue }
        self?.accepted(stream)
      }
    }
  }

  func stop() {
    accepting?.cancel()
    listener.close()
  }

  private func accepted(_ downstream: SocketStream) {
    guard count < Self.connectionLimit else { return downstream.close() }
    count += 1
    Task { @Loop in
      defer { count -= 1 }
      do {
        let upstream = try await connectStream(
          to: .address(target), timeout: Self.connectTimeout,
          socket: socketFactory(in: namespace))
        await relay(downstream, upstream)
      } catch {
        downstream.close()
      }
    }
  }

  /// Copies both ways until both have ended; one that ends half leaves the other open.
  private func relay(_ a: SocketStream, _ b: SocketStream) async {
    let back = Task { @Loop in await copy(from: b, to: a) }
    await copy(from: a, to: b)
    await back.value
    a.close()
    b.close()
  }

  private func copy(from source: SocketStream, to sink: SocketStream) async {
    do {
      while true {
        let bytes = try await source.read(atMost: 64 << 10)
        if bytes.isEmpty { break }
        try await sink.write(bytes)
      }
      await sink.finishWriting()
    } catch {
      source.close()
      sink.close()
    }
  }
}
