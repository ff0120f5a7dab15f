import Delivery
import Linux
import NetTypes

/// One probe of one member under a time limit. Calls back once with the failure, or nil.
@Loop package final class Probe {
  private let address: SocketAddress
  private let monitor: Monitor
  private var completion: (@Loop (String?) -> Void)?
  private var timer: Timer?
  private var task: Task<Void, Never>?

  package init(
    _ address: SocketAddress, _ monitor: Monitor, completion: @escaping @Loop (String?) -> Void
  ) {
    self.address = SocketAddress(address.address, port: monitor.port ?? address.port)
    self.monitor = monitor
    self.completion = completion
  }

  package func start() {
    timer = Loop.after(monitor.timeout) { [weak self] in
      guard let self else { return }
      self.finish("no answer within \(self.monitor.timeout)")
    }
    task = Task { @Loop [weak self, address, monitor] in
      var failure: String?
      do {
        try await Probe.run(address, monitor)
      } catch let error as ProbeFailure {
        failure = error.reason
      } catch let error as SystemError {
        failure = "\(error.call): \(error.reason)"
      } catch {
        failure = "\(error)"
      }
      self?.finish(failure)
    }
  }

  /// Ends without a call.
  package func cancel() {
    completion = nil
    timer?.cancel()
    task?.cancel()
  }

  private func finish(_ failure: String?) {
    guard let completion else { return }
    cancel()
    completion(failure)
  }

  /// - Throws: what the member did not do.
  private static func run(_ address: SocketAddress, _ monitor: Monitor) async throws {
    switch monitor.kind {
    case .none: break
    case .tcp: try await StreamProbe.connect(address, monitor)
    case .tcpHalfOpen: try await StreamProbe.knock(address, monitor)
    case .http, .https: try await StreamProbe.request(address, monitor)
    case .grpc: try await StreamProbe.checkHealth(address, monitor)
    case .udp: try await DatagramProbe.exchange(address, monitor)
    case .dns: try await DatagramProbe.query(address, monitor)
    case .icmp: try await EchoProbe.echo(address, monitor)
    case .exec: try await CommandProbe.run(address, monitor)
    }
  }
}

/// What a member did not do.
struct ProbeFailure: Error {
  var reason: String
  init(_ reason: String) { self.reason = reason }
}
