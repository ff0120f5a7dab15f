import Kubernetes
import Linux
import RouterService
import Telemetry

/// What the edge needs of its BGP router.
@Loop package protocol EdgeRouter: AnyObject {
  func start() async throws
  /// Reads its configuration again; one that cannot be taken changes nothing.
  func reload()
  /// `{"routerID", "as", "sessions": […], "routes": […]}`.
  var status: JSON { get }
  /// Runs a line of the routing shell; `{"output", "prompt"}`.
  func shell(_ line: String, session: String) async -> JSON
  func addMetrics(to page: inout MetricsPage)
  /// Announces its routes with GRACEFUL_SHUTDOWN. RFC 8326.
  func announceShutdown()
  /// Peers keep the routes for the next process.
  func stop() async
  /// Withdraws every route.
  func withdraw() async
}

extension TextRouter: EdgeRouter {
  package func stop() async { await stop(graceful: true) }
  package func withdraw() async { await stop(graceful: false) }
}
