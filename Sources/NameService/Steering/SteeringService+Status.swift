import DNS
import Delivery
import GSLB
import Kubernetes
import Linux
import NetTypes
import Telemetry

extension SteeringService {
  /// `{"name", "quorum": {"live", "voters", "isolated"}, "wideIPs": […], "problems": […]}`.
  var status: JSON {
    let now = Loop.now
    let members = Dictionary(
      voter.status(at: now).map { ($0.member, $0) }, uniquingKeysWith: { first, _ in first })
    let configuration = voter.configuration
    return [
      "name": .string(voter.name),
      "quorum": [
        "live": JSON(voter.livingVoters), "voters": JSON(voter.voters),
        "isolated": JSON(voter.isIsolated),
      ],
      "wideIPs": .array(configuration.wideIPs.map { json($0, configuration, members, now) }),
      "problems": JSON(problems.map { "\($0)" }),
    ]
  }

  private func json(
    _ wideIP: WideIP, _ configuration: GSLBConfiguration,
    _ members: [VirtualServerName: MemberStatus], _ now: Instant
  ) -> JSON {
    let pools = wideIP.pools.compactMap { reference in
      configuration.pools.first { $0.name == reference.pool }
    }
    let set = sets.first { $0.owner == wideIP.name && $0.type == wideIP.type.recordType }
    let failOver = failOvers[wideIP.name]
    return [
      "name": .string("\(wideIP.name)"), "type": .string(wideIP.type.rawValue),
      "ttl": JSON(set.map { Int($0.ttl) }), "enabled": JSON(wideIP.isEnabled),
      "answer": JSON(set.map(Self.answer) ?? []),
      "members": .array(
        pools.flatMap { pool in
          pool.members.map { json($0, pool, configuration, members, now) }
        }),
      "failOver": failOver.map { failOver -> JSON in
        [
          "from": .string("\(failOver.member)"),
          "seconds": .number(Double(failOver.time.inNanoseconds) / 1e9),
        ]
      } ?? .null,
    ]
  }

  private func json(
    _ member: PoolMember, _ pool: GSLB.Pool, _ configuration: GSLBConfiguration,
    _ members: [VirtualServerName: MemberStatus], _ now: Instant
  ) -> JSON {
    var json: JSON = ["pool": .string(pool.name), "ratio": JSON(member.ratio)]
    if let target = member.target { json["target"] = .string("\(target)") }
    guard let name = member.virtualServer else { return json }
    json["member"] = .string("\(name)")
    json["unit"] = .string(name.server)
    if let found = configuration[name] {
      json["address"] = .string("\(found.address)")
      json["port"] = JSON(Int(found.port))
    }
    guard let status = members[name] else { return json }
    json["up"] = JSON([.up, .draining].contains(status.standing))
    json["standing"] = .string("\(status.standing)")
    json["share"] = JSON(status.share)
    json["draining"] = JSON(status.administration == .draining)
    json["enabled"] = JSON(status.administration != .disabled && member.isEnabled)
    json["why"] = .string(status.why)
    json["sinceSeconds"] = JSON(Int(status.since.duration(to: now).components.seconds))
    for (field, fact) in [
      ("probe", status.probe), ("route", status.route), ("endpoints", status.endpoints),
    ] {
      json[field] = ["state": .string(fact.state.rawValue), "why": .string(fact.why)]
    }
    json["votes"] = .object(
      Dictionary(
        status.votes.map { ($0.voter, JSON.string($0.probe.text)) },
        uniquingKeysWith: { first, _ in first }))
    return json
  }

  /// What everyone in no class of clients is answered, in turn.
  static func answer(_ set: SteeredSet) -> [String] {
    var seen: Set<UInt16> = []
    let indices = (set.tables.first?.rows ?? []).joined().filter { seen.insert($0).inserted }
    return indices.sorted().compactMap { index in
      set.records.indices.contains(Int(index))
        ? set.records[Int(index)].description(as: set.type) : nil
    }
  }

  func addMetrics(to page: inout MetricsPage) {
    page.add(
      .gauge, "atoll_gslb_isolated", "1 while half of the voters or fewer are heard.",
      voter.isIsolated ? 1 : 0)
    page.add(
      .gauge, "atoll_gslb_voters_live", "Voters whose views count, this one included.",
      voter.livingVoters.count)
    for (name, help, value) in [
      ("views_received", "Views taken.", counts.viewsReceived),
      ("views_refused", "Views that could not be read.", counts.viewsRefused),
      ("probes", "Probes sent.", counts.probes),
      ("probes_failed", "Probes that failed.", counts.probesFailed),
      ("member_changes", "Members that went up or down.", counts.changes),
      ("fail_overs", "Answers that left a member that went down.", counts.failOvers),
    ] {
      page.add(.counter, "atoll_gslb_\(name)_total", help, value)
    }
    for status in voter.status(at: Loop.now) {
      for (fact, state) in [
        ("probe", status.probe.state), ("route", status.route.state),
        ("endpoints", status.endpoints.state),
      ] {
        page.add(
          .gauge, "atoll_gslb_member_fact", "1: up, 0: down, -1: unknown.",
          state == .up ? 1 : state == .down ? 0 : -1,
          labels: ["member": "\(status.member)", "fact": fact])
      }
      page.add(
        .gauge, "atoll_gslb_member_share", "Thousandths of its share; 0 while it is not answered.",
        status.standing == .up ? status.share : 0, labels: ["member": "\(status.member)"])
    }
    for (name, failOver) in failOvers.sorted(by: { $0.key < $1.key }) {
      page.add(
        .gauge, "atoll_gslb_fail_over_seconds",
        "From the last good sign of a member to answers without it, as it last happened.",
        seconds: failOver.time, labels: ["name": "\(name)", "from": "\(failOver.member)"])
    }
  }
}

extension View.Probe {
  fileprivate var text: String {
    switch self {
    case .unknown: "unknown"
    case .up(let roundTrip): "up, \(roundTrip.inNanoseconds / 1000) µs"
    case .down(let reason): "down: \(reason)"
    }
  }
}
