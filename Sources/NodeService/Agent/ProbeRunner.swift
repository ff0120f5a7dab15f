import Linux
import NetTypes

/// Runs probes that go over the network.
@Loop package protocol ProbeRunner: AnyObject {
  func http(
    _ get: LifecycleHandler.HTTPGet, to target: SocketAddress, limit: Duration
  ) async -> ProbeResult
  func tcp(_ target: SocketAddress, limit: Duration) async -> ProbeResult
  func grpc(_ target: SocketAddress, service: String, limit: Duration) async -> ProbeResult
}
