import DNS
import Kubernetes
import NetTypes
import Telemetry

extension NameServer {
  /// `{"addresses", "zones": [{"name", "serial"}], "queries": {…}, "forward": {…}}`.
  var status: JSON {
    let counters = counters
    var status: JSON = [
      "addresses": JSON(addresses.map(\.description)),
      "zones": .array(
        zip(catalogue.origins, catalogue.serials).map { origin, serial in
          ["name": .string("\(origin)"), "serial": .integer(Int64(serial.rawValue))]
        }),
      "queries": [
        "udp": count(counters.queriesOverUDP), "tcp": count(counters.queriesOverTCP),
        "steered": count(counters.steered), "limited": count(counters.limited),
        "dropped": count(counters.dropped), "truncated": count(counters.truncated),
      ],
    ]
    if let forwarder {
      status["forward"] = [
        "servers": JSON(forwarder.settings.servers.map(\.description)),
        "cached": JSON(forwarder.cachedAnswers), "hits": JSON(forwarder.counts.hits),
        "misses": JSON(forwarder.counts.misses), "failures": JSON(forwarder.counts.failures),
      ]
    }
    return status
  }

  private func count(_ value: UInt64) -> JSON { .integer(Int64(clamping: value)) }

  func addMetrics(to page: inout MetricsPage) {
    let counters = counters
    for (transport, value) in [("udp", counters.queriesOverUDP), ("tcp", counters.queriesOverTCP)] {
      page.add(
        .counter, "atoll_dns_queries_total", "Queries by transport.", value,
        labels: ["transport": transport])
    }
    for type in Self.countedTypes where counters.queries(type) > 0 {
      page.add(
        .counter, "atoll_dns_queries_by_type_total", "Queries by type.", counters.queries(type),
        labels: ["type": "\(type)"])
    }
    for code in UInt16(0)..<24 {
      let code = ResponseCode(rawValue: code)
      guard counters.answers(code) > 0 else { continue }
      page.add(
        .counter, "atoll_dns_responses_total", "Answers by response code.", counters.answers(code),
        labels: ["code": "\(code)"])
    }
    for (name, help, value) in [
      ("edns", "Queries with EDNS.", counters.queriesWithEDNS),
      (
        "client_subnet", "Queries that tell the client's network.", counters.queriesWithClientSubnet
      ),
      ("good_cookies", "Queries with a cookie of ours.", counters.goodCookies),
      ("truncated", "Answers that did not fit.", counters.truncated),
      ("steered", "Answers from steered sets.", counters.steered),
      ("rate_limited", "Answers that a network's rate has withheld.", counters.limited),
      ("rate_slipped", "Answers cut to have a client ask by TCP.", counters.slipped),
      ("dropped", "Queries without an answer.", counters.dropped),
    ] {
      page.add(.counter, "atoll_dns_\(name)_total", help, value)
    }
    for (origin, serial) in zip(catalogue.origins, catalogue.serials) {
      page.add(
        .gauge, "atoll_dns_zone_serial", "The zone's version.", serial.rawValue,
        labels: ["zone": "\(origin)"])
    }
    guard let forwarder else { return }
    let counts = forwarder.counts
    for (outcome, value) in [
      ("hit", counts.hits), ("miss", counts.misses), ("stale", counts.stale),
      ("failure", counts.failures), ("refused", counts.refused),
    ] {
      page.add(
        .counter, "atoll_dns_forwarded_total",
        "Questions for other servers, by what became of them.",
        value, labels: ["outcome": outcome])
    }
    page.add(.gauge, "atoll_dns_cache_entries", "Answers remembered.", forwarder.cachedAnswers)
  }

  private static let countedTypes: [RecordType] = [
    .a, .ns, .cname, .soa, .ptr, .mx, .txt, .aaaa, .srv, .naptr, .ds, .dnskey, .svcb, .https, .caa,
    .any, .axfr, .ixfr,
  ]
}
