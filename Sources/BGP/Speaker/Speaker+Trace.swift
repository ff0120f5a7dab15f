import NetTypes

// Only reached while an operator debugs: every caller asks `debugging.topics` first.

extension Speaker {
  private mutating func trace(
    _ topic: SpeakerDebugging.Topic, _ peer: IPAddress, _ text: String, prefix: IPPrefix? = nil,
    reason: String? = nil
  ) {
    guard debugging.shows(topic, peer, prefix) else { return }
    actions.append(
      .trace(SpeakerTrace(topic, peer: peer, prefix: prefix, text, reason: reason)))
  }

  mutating func traceState(_ address: IPAddress, _ change: SessionChange) {
    trace(
      .neighborEvents, address, "went from \(change.from.rawValue) to \(change.to.rawValue)",
      reason: change.to == .established ? nil : change.reason.map { "\($0)" })
  }

  mutating func traceConnect(_ address: IPAddress) {
    trace(.neighborEvents, address, "[Event] Connect start to \(address)")
  }

  mutating func traceReceived(_ message: Message, _ address: IPAddress) {
    switch message {
    case .keepalive: trace(.keepalives, address, "KEEPALIVE rcvd")
    case .open(let open):
      trace(
        .neighborEvents, address,
        "rcvd OPEN, version 4, remote-as (in open) \(open.asNumber), "
          + "holdtime \(open.holdTime), id \(open.identifier)")
    case .notification(let notification):
      trace(.neighborEvents, address, "NOTIFICATION: received", reason: "\(notification)")
    case .routeRefresh(let refresh):
      trace(.neighborEvents, address, "rcvd \(refresh.words)")
    case .update: break
    }
  }

  mutating func traceSent(_ message: Message, _ address: IPAddress) {
    switch message {
    case .keepalive: trace(.keepalives, address, "sending KEEPALIVE")
    case .open(let open):
      trace(
        .neighborEvents, address,
        "sending OPEN, version 4, my as \(open.asNumber), holdtime \(open.holdTime), "
          + "id \(open.identifier)")
    case .notification(let notification):
      trace(.neighborEvents, address, "NOTIFICATION: sent", reason: "\(notification)")
    case .routeRefresh(let refresh):
      trace(.neighborEvents, address, "sending \(refresh.words)")
    case .update(let update): traceSent(update, address)
    }
  }

  /// - Parameter reason: Why the routes are not taken whatever their prefixes are.
  mutating func traceReceived(_ update: UpdateMessage, _ address: IPAddress, reason: String?) {
    if let family = update.endOfRIB {
      return trace(.updatesIn, address, "rcvd End-of-RIB for \(family.words)")
    }
    if let attributes = update.attributes, !update.announced.isEmpty {
      trace(.updatesIn, address, "rcvd UPDATE w/ attr: \(attributes.words)")
    }
    for prefix in update.withdrawn {
      let text = "rcvd UPDATE about \(prefix) \(AddressFamily(of: prefix).words) -- withdrawn"
      trace(.updatesIn, address, text, prefix: prefix)
    }
    if let reason { for prefix in update.announced { traceDenied(prefix, address, reason) } }
  }

  mutating func traceTaken(_ prefix: IPPrefix, _ address: IPAddress) {
    let family = AddressFamily(of: prefix).words
    trace(.updatesIn, address, "rcvd \(prefix) \(family)", prefix: prefix)
  }

  mutating func traceDenied(_ prefix: IPPrefix, _ address: IPAddress, _ reason: String) {
    let family = AddressFamily(of: prefix).words
    trace(
      .updatesIn, address, "rcvd UPDATE about \(prefix) \(family) -- DENIED due to: \(reason);",
      prefix: prefix, reason: reason)
  }

  /// Octets as they go to one peer, read once more.
  mutating func traceSent(_ bytes: [UInt8], _ address: IPAddress, _ options: CodecOptions) {
    var options = options
    options.addPathReceive = options.addPathSend
    var framer = MessageFramer()
    framer.maximumLength = Message.extendedMaximumLength
    framer.append(bytes)
    while let frame = try? framer.next() {
      if case .update(let update)? = try? Message(decoding: frame, options: options) {
        traceSent(update, address)
      }
    }
  }

  private mutating func traceSent(_ update: UpdateMessage, _ address: IPAddress) {
    if let family = update.endOfRIB {
      return trace(.updatesOut, address, "send End-of-RIB for \(family.words)")
    }
    if let attributes = update.attributes, !update.announced.isEmpty {
      trace(.updatesOut, address, "send UPDATE w/ attr: \(attributes.words)")
    }
    for prefix in update.announced {
      let family = AddressFamily(of: prefix).words
      trace(.updatesOut, address, "send UPDATE \(prefix) \(family)", prefix: prefix)
    }
    for prefix in update.withdrawn {
      let family = AddressFamily(of: prefix).words
      let text = "send UPDATE \(prefix) \(family) -- unreachable"
      trace(.updatesOut, address, text, prefix: prefix)
    }
  }
}

extension AddressFamily {
  fileprivate var words: String { self == .ipv4 ? "IPv4 unicast" : "IPv6 unicast" }
}

extension RouteRefreshMessage {
  fileprivate var words: String {
    let name = subtype == .begin ? "BoRR" : subtype == .end ? "EoRR" : "REFRESH_REQ"
    return "\(name) for afi/safi: \(family == .ipv6 ? "IPv6" : "IPv4")/unicast"
  }
}

extension PathAttributes {
  /// As FRR's log has them: what is there, the path last.
  fileprivate var words: String {
    var parts: [String] = []
    if let nextHop { parts.append("nexthop \(nextHop)") }
    let origins: [Origin: String] = [.igp: "i", .egp: "e", .incomplete: "?"]
    parts.append("origin \(origins[origin] ?? "?")")
    if let localPreference { parts.append("localpref \(localPreference)") }
    if let multiExitDiscriminator { parts.append("metric \(multiExitDiscriminator)") }
    if !communities.isEmpty {
      parts.append("community \(communities.map(\.description).joined(separator: " "))")
    }
    parts.append("path \(asPath)")
    return parts.joined(separator: ", ")
  }
}
