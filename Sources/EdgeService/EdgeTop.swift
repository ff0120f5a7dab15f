import Engine

/// What happens on an edge between two reports of it: rates and times of that while, not since ever.
package struct EdgeTop {
  package let earlier: EdgeReport
  package let later: EdgeReport
  package let interval: Duration

  package init(from earlier: EdgeReport, to later: EdgeReport, in interval: Duration) {
    self.earlier = earlier
    self.later = later
    self.interval = interval
  }

  private static let headings = [
    ">REQ/S", ">2XX", ">3XX", ">4XX", ">5XX", ">FAIL", ">P50", ">P99", ">IN/S", ">OUT/S", ">ACTIVE",
  ]

  package var text: String {
    var servers = EdgeTable(["VIRTUAL SERVER"] + Self.headings)
    for server in later.servers {
      let former = earlier.servers.first { $0.name == server.name }
      servers.add(
        [server.name]
          + cells(
            server.counts, former?.counts, server.times, former?.times,
            isHTTP: server.protocol.hasPrefix("http")))
    }
    var pools = EdgeTable(["POOL", "MEMBER", "STATE"] + Self.headings)
    for pool in later.pools {
      let former = earlier.pools.first { $0.name == pool.name }
      pools.add(
        [pool.name, "", "\(pool.members.count { $0.isUp })/\(pool.members.count) up"]
          + cells(pool.counts, former?.counts, pool.times, former?.times, isHTTP: nil))
      for member in pool.members {
        let own = former?.members.first { $0.address == member.address }
        let state = member.state == "enabled" ? (member.isUp ? "up" : "down") : member.state
        pools.add(
          ["", member.address, state + (member.isChanged ? "*" : "")]
            + cells(member.counts, own?.counts, member.times, own?.times, isHTTP: nil))
      }
    }
    return servers.text + "\n\n" + pools.text
  }

  /// - Parameter isHTTP: Whether requests or connections are counted; nil: whatever there is of.
  private func cells(
    _ counts: EdgeReport.Counts, _ former: EdgeReport.Counts?, _ times: EdgeReport.Times,
    _ formerTimes: EdgeReport.Times?, isHTTP: Bool?
  ) -> [String] {
    let former = former ?? EdgeReport.Counts()
    let seconds = max(interval / .seconds(1), 0.001)
    func rate(_ value: (EdgeReport.Counts) -> UInt64) -> String {
      let (now, then) = (value(counts), value(former))
      // Less than before: another process counts now.
      return EdgeReport.text(perSecond: Double(now >= then ? now - then : now) / seconds)
    }
    let total = times.total.since(formerTimes?.total ?? LatencyDistribution())
    let countsRequests = isHTTP ?? (counts.requests > 0)
    return [
      rate { countsRequests ? $0.requests : $0.connections }, rate { $0.statuses[1] },
      rate { $0.statuses[2] }, rate { $0.statuses[3] }, rate { $0.statuses[4] },
      rate { $0.failures }, EdgeReport.text(total.quantile(0.5)),
      EdgeReport.text(total.quantile(0.99)), rate { $0.bytesIn }, rate { $0.bytesOut },
      "\(counts.activeConnections)",
    ]
  }
}
