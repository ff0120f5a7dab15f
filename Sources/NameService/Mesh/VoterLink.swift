import Glibc
import Linux
import Logging
import NetTypes
import Transport

/// The connection to another voter, made again whenever it breaks.
@Loop final class VoterLink {
  private let peer: VoterAddress
  private let tls: TLSContext
  private let log: Logger
  /// The newest of each voter that has not gone out.
  private var waiting: [String: [UInt8]] = [:]
  private var wake: Waiter?
  private var task: Task<Void, Never>?
  private(set) var isConnected = false
  /// As it was last told, so that the same is told once.
  private var failure: String?

  /// What is sent and not acknowledged for so long ends the connection: what has been cut works again
  /// as soon as it is mended, and not when TCP next tries.
  private static let unacknowledged: Int32 = 1000
  private static let attempt = Duration.milliseconds(500)
  private static let pause = Duration.milliseconds(200)

  init(_ peer: VoterAddress, tls: TLSContext, log: Logger) {
    self.peer = peer
    self.tls = tls
    self.log = log
  }

  func send(_ view: [UInt8], of voter: String) {
    waiting[voter] = view
    wake?.resume()
  }

  func start() {
    task = Task { @Loop [weak self] in
      while !Task.isCancelled {
        guard let self else { return }
        await connect()
        try? await Loop.sleep(Self.pause)
      }
    }
  }

  func stop() {
    task?.cancel()
    wake?.resume()
  }

  private func connect() async {
    do {
      let descriptor = try await connectSocket(
        to: .address(peer.address), timeout: Self.attempt
      ) { family, type in
        let descriptor = try makeSocket(family: family, type: type)
        try? Sockets.setOption(
          descriptor.rawValue, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, Self.unacknowledged)
        return descriptor
      }
      let stream = try await tls.connect(
        descriptor, serverName: peer.certificateName, timeout: Self.attempt * 2)
      defer {
        stream.close()
        isConnected = false
      }
      isConnected = true
      if failure != nil { log.notice("voter reached", metadata: ["voter": "\(peer.name)"]) }
      failure = nil
      try await deliver(stream)
    } catch is CancellationError {
      return
    } catch {
      let text = "\(error)"
      if text != failure {
        log.warning(
          "voter not reached", metadata: ["voter": "\(peer.name)", "reason": "\(text)"])
      }
      failure = text
    }
  }

  private func deliver(_ stream: TLSStream) async throws {
    stream.onPeerClosed = { [weak self] in self?.wake?.resume() }
    while !Task.isCancelled, !stream.isPeerClosed {
      if waiting.isEmpty {
        let waiter = Waiter()
        wake = waiter
        try await waiter.wait()
        wake = nil
        continue
      }
      let views = waiting
      waiting = [:]
      var bytes: [UInt8] = []
      for (_, view) in views.sorted(by: { $0.key < $1.key }) {
        bytes += (0..<4).reversed().map { UInt8(truncatingIfNeeded: view.count >> ($0 * 8)) } + view
      }
      try await stream.write(bytes)
    }
  }
}
