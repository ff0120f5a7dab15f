import BFD
import BGP
import Linux
import NetTypes
import Telemetry

/// What `docs/metrics.md` describes. Nothing here goes through routes one by one.
extension Router {
  package func addMetrics(to page: inout MetricsPage) {
    guard let speaker else { return }
    for session in speaker.sessions {
      addSession(session, to: &page)
      addMessages(session, to: &page)
    }
    for family in AddressFamily.allCases {
      let size = speaker.size(family)
      let labels: KeyValuePairs = ["family": "\(family)"]
      page.add(
        .gauge, "atoll_bgp_rib_prefixes", "Prefixes in the tables.", size.prefixes, labels: labels)
      page.add(.gauge, "atoll_bgp_rib_paths", "Paths to them.", size.paths, labels: labels)
    }
    page.add(
      .gauge, "atoll_bgp_attribute_sets", "Distinct sets of path attributes held.",
      speaker.attributeCount)
    addKernel(to: &page)
    page.add(
      .counter, "atoll_bgp_speaker_seconds_total",
      "Time spent on messages, decisions and announcements.", seconds: speakerTime)
    for status in bfd.sessions { addPath(status, to: &page) }
  }

  private func addSession(_ session: SessionStatus, to page: inout MetricsPage) {
    let peer = "\(session.peer)"
    let labels: KeyValuePairs = ["peer": peer]
    let isUp = session.state == .established
    page.add(
      .gauge, "atoll_bgp_session_up", "Whether a BGP session is established.", isUp ? 1 : 0,
      labels: labels)
    page.add(
      .gauge, "atoll_bgp_session_state", "The state of a BGP session, 1 beside its name.", 1,
      labels: ["peer": peer, "state": session.state.rawValue])
    page.add(
      .gauge, "atoll_bgp_session_uptime_seconds", "How long a session is up; 0 while it is not.",
      seconds: isUp ? session.since.duration(to: Loop.now) : .zero, labels: labels)
    page.add(
      .counter, "atoll_bgp_session_established_total", "Times that a session came up.",
      session.counters.established, labels: labels)
    page.add(
      .counter, "atoll_bgp_session_flaps_total", "Times that an established session was lost.",
      session.counters.established - min(session.counters.established, isUp ? 1 : 0),
      labels: labels)
    if let error = session.lastError {
      page.add(
        .gauge, "atoll_bgp_session_last_error", "Why a session is down, 1 beside the reason.",
        isUp ? 0 : 1, labels: ["peer": peer, "code": error.code, "reason": "\(error)"])
    }
    page.add(
      .gauge, "atoll_bgp_prefixes_received", "Paths of a peer that policy let in.",
      session.prefixesReceived, labels: labels)
    page.add(
      .gauge, "atoll_bgp_prefixes_sent", "Paths announced to a peer.", session.prefixesSent,
      labels: labels)
  }

  private func addMessages(_ session: SessionStatus, to page: inout MetricsPage) {
    let counters = session.counters
    for (name, help, others, updates) in [
      (
        "atoll_bgp_messages_received_total", "Messages from a peer.", counters.received,
        counters.updatesReceived
      ),
      ("atoll_bgp_messages_sent_total", "Messages to a peer.", counters.sent, counters.updatesSent),
    ] {
      for (type, count) in [
        ("open", others.opens), ("update", updates), ("notification", others.notifications),
        ("keepalive", others.keepalives), ("route-refresh", others.refreshes),
      ] {
        page.add(.counter, name, help, count, labels: ["peer": "\(session.peer)", "type": type])
      }
    }
    let labels: KeyValuePairs = ["peer": "\(session.peer)"]
    page.add(
      .counter, "atoll_bgp_received_bytes_total", "Bytes from a peer.", counters.bytesReceived,
      labels: labels)
    page.add(
      .counter, "atoll_bgp_sent_bytes_total", "Bytes to a peer.", counters.bytesSent,
      labels: labels)
  }

  private func addKernel(to page: inout MetricsPage) {
    guard let summary = kernel?.summary else { return }
    page.add(
      .gauge, "atoll_bgp_routes_installed", "Learnt prefixes in the kernel's table.",
      summary.installed)
    for (reason, count) in summary.failed.sorted(by: { $0.key < $1.key }) {
      page.add(
        .gauge, "atoll_bgp_routes_failed", "Learnt prefixes that the kernel's table lacks.", count,
        labels: ["reason": reason])
    }
    page.add(
      .counter, "atoll_bgp_kernel_seconds_total", "Time spent on the kernel's table.",
      seconds: kernelTime)
  }

  private func addPath(_ status: BFDStatus, to page: inout MetricsPage) {
    let labels: KeyValuePairs = ["peer": "\(status.path.remote)"]
    page.add(
      .gauge, "atoll_bfd_session_up", "Whether a BFD session is up.", status.state == .up ? 1 : 0,
      labels: labels)
    page.add(
      .counter, "atoll_bfd_session_downs_total", "Times that a BFD session went down.",
      status.counters.downs, labels: labels)
  }
}

extension DownReason {
  /// Code and subcode of the NOTIFICATION, as `6/2`; empty where there was none.
  fileprivate var code: String {
    switch self {
    case .sent(let notification), .received(let notification):
      "\(notification.code)/\(notification.subcode)"
    default: ""
    }
  }
}
