import BGP
import Telemetry

extension Router {
  /// What `docs/metrics.md` describes.
  package func addMetrics(to page: inout MetricsPage) {
    let status = status
    for session in status.sessions {
      let labels: KeyValuePairs = ["peer": "\(session.peer)"]
      page.add(
        .gauge, "atoll_bgp_session_up", "Whether a BGP session is established.",
        session.state == .established ? 1 : 0, labels: labels)
      page.add(
        .gauge, "atoll_bgp_prefixes_received", "Prefixes received from a peer.",
        session.prefixesReceived, labels: labels)
      page.add(
        .gauge, "atoll_bgp_prefixes_sent", "Prefixes announced to a peer.", session.prefixesSent,
        labels: labels)
    }
    page.add(
      .gauge, "atoll_bgp_routes_installed", "Learnt prefixes in the kernel's table.",
      status.routes.count { $0.kernel == .installed })
  }
}
