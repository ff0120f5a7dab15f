import Delivery
import Engine
import Telemetry

/// What `docs/metrics.md` describes under delivery.
extension EngineSnapshot {
  package func addMetrics(to page: inout MetricsPage) {
    for server in servers { add(server, to: &page) }
    for pool in pools { add(pool, to: &page) }
    for egress in egress {
      page.add(
        .counter, "atoll_egress_connections_total", "Connections that left as an egress says.",
        egress.connections, labels: ["egress": egress.name])
    }
    for log in accessLogs {
      page.add(
        counters: [
          ("atoll_access_log_lines_total", "Lines of the access log.", log.lines),
          ("atoll_access_log_dropped_total", "Lines that found no room.", log.dropped),
          ("atoll_access_log_errors_total", "Failed writes of the access log.", log.errors),
        ], labels: ["path": log.destination])
    }
  }

  private func add(_ server: Server, to page: inout MetricsPage) {
    let labels: KeyValuePairs = ["server": server.name]
    let counts = server.counts
    page.add(
      .gauge, "atoll_connections_active", "Connections now.", counts.activeConnections,
      labels: labels)
    page.add(
      counters: [
        ("atoll_connections_total", "Connections accepted.", counts.connections),
        ("atoll_requests_total", "Requests received.", counts.requests),
        ("atoll_received_bytes_total", "Bytes from clients.", counts.bytesIn),
        ("atoll_sent_bytes_total", "Bytes to clients.", counts.bytesOut),
        ("atoll_retries_total", "Further attempts on members.", counts.retries),
        (
          "atoll_failures_total", "Connections that found no member, and answers cut short.",
          counts.failures
        ),
        (
          "atoll_requests_aborted_total",
          "Requests whose client left, or whose answer could not end.", counts.aborted
        ),
        (
          "atoll_connections_reaped_total",
          "Clients that rested and were let go for want of room.", counts.reaped
        ),
      ], labels: labels)
    for (index, count) in counts.statuses.enumerated() {
      page.add(
        .counter, "atoll_responses_total", "Responses by class of status.", count,
        labels: ["server": server.name, "status": "\(index + 1)xx"])
    }
    if counts.packetsIn > 0 {
      page.add(
        counters: [
          (
            "atoll_received_packets_total", "Packets from clients, of mode kernel.",
            counts.packetsIn
          ),
          ("atoll_sent_packets_total", "Packets to clients, of mode kernel.", counts.packetsOut),
        ], labels: labels)
    }
    add(server.tls, [("server", server.name)], "atoll_tls", "with clients", to: &page)
    add(server.times, "atoll", [("server", server.name)], to: &page)
  }

  private func add(_ pool: PoolCounts, to page: inout MetricsPage) {
    add(pool.counts, "atoll_pool", "a pool", ["pool": pool.name], to: &page)
    for (index, count) in pool.counts.statuses.enumerated() where index > 0 {
      page.add(
        .counter, "atoll_pool_responses_total", "Responses of a pool by class of status.", count,
        labels: ["pool": pool.name, "status": "\(index + 1)xx"])
    }
    add(pool.tls, [("pool", pool.name)], "atoll_pool_tls", "with members", to: &page)
    add(pool.times, "atoll_pool", [("pool", pool.name)], to: &page)
    for member in pool.members {
      let address = "\(member.address)"
      let labels: KeyValuePairs = ["pool": pool.name, "member": address]
      page.add(
        .gauge, "atoll_member_up", "Whether a pool member is healthy.", member.isUp ? 1 : 0,
        labels: labels)
      add(member.counts, "atoll_member", "a pool member", labels, to: &page)
      for (index, count) in member.counts.statuses.enumerated() where index > 0 {
        page.add(
          .counter, "atoll_member_responses_total",
          "Responses of a pool member by class of status.", count,
          labels: ["pool": pool.name, "member": address, "status": "\(index + 1)xx"])
      }
      add(member.times, "atoll_member", [("pool", pool.name), ("member", address)], to: &page)
    }
  }

  private func add(
    _ counts: Counts, _ prefix: String, _ what: String, _ labels: KeyValuePairs<String, String>,
    to page: inout MetricsPage
  ) {
    page.add(
      .gauge, "\(prefix)_active", "Requests or connections of \(what) in flight.",
      counts.activeConnections, labels: labels)
    page.add(
      counters: [
        ("\(prefix)_connections_total", "Connections to \(what).", counts.connections),
        ("\(prefix)_requests_total", "Requests to \(what).", counts.requests),
        ("\(prefix)_sent_bytes_total", "Bytes of clients to \(what).", counts.bytesIn),
        ("\(prefix)_received_bytes_total", "Bytes of \(what) to clients.", counts.bytesOut),
        ("\(prefix)_failures_total", "Failed attempts on \(what).", counts.failures),
      ], labels: labels)
    guard counts.packetsIn > 0 else { return }
    page.add(
      counters: [
        (
          "\(prefix)_sent_packets_total", "Packets of clients to \(what), of mode kernel.",
          counts.packetsIn
        ),
        (
          "\(prefix)_received_packets_total", "Packets of \(what) to clients, of mode kernel.",
          counts.packetsOut
        ),
      ], labels: labels)
  }

  /// Only where there was one: most virtual servers have no TLS.
  private func add(
    _ tls: TLSCounts, _ owner: [(key: String, value: String)], _ prefix: String, _ whom: String,
    to page: inout MetricsPage
  ) {
    guard tls != TLSCounts(), let (key, value) = owner.first else { return }
    page.add(
      .counter, "\(prefix)_handshakes_total", "TLS handshakes \(whom).", tls.handshakes,
      labels: [key: value])
    page.add(
      .counter, "\(prefix)_resumptions_total", "TLS handshakes \(whom) that resumed a session.",
      tls.resumed, labels: [key: value])
    for (reason, count) in tls.failures.sorted(by: { $0.key < $1.key }) {
      page.add(
        .counter, "\(prefix)_handshake_failures_total", "TLS handshakes \(whom) that failed.",
        count, labels: [key: value, "reason": reason])
    }
  }

  private func add(
    _ times: Times, _ prefix: String, _ labels: [(key: String, value: String)],
    to page: inout MetricsPage
  ) {
    add(
      times.total, "\(prefix)_request_duration_seconds", "Time of requests to their last byte.",
      labels, to: &page)
    add(
      times.firstByte, "\(prefix)_first_byte_seconds", "Time of requests to the first byte.",
      labels, to: &page)
  }

  /// Powers of two from 64 µs to 67 s: these are bounds of the engine's own buckets, so that nothing
  /// is estimated.
  private func add(
    _ times: LatencyDistribution, _ name: String, _ help: String,
    _ labels: [(key: String, value: String)], to page: inout MetricsPage
  ) {
    page.add(
      histogram: name, help,
      buckets: (6...26).map { (1 << UInt64($0), times.count(below: $0)) },
      count: times.count, sum: times.sum, labels: labels)
  }
}

extension MetricsPage {
  fileprivate mutating func add(
    counters: [(name: String, help: String, value: UInt64)],
    labels: KeyValuePairs<String, String>
  ) {
    for (name, help, value) in counters { add(.counter, name, help, value, labels: labels) }
  }
}
