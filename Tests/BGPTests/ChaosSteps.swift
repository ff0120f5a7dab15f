import BGP
import NetTypes

extension ChaosBench {
  /// What a step must not have broken, in words; nil: all is well.
  typealias Complaint = String

  /// One random thing by one random peer.
  mutating func step() -> Complaint? {
    let peer = Int.random(in: peers.indices, using: &random)
    var complaint: Complaint?
    guard let link = peers[peer].link else {
      note(peer, "connects")
      accept(peer)
      return nil
    }
    if !link.saidOpen {
      complaint = beforeOpen(peer)
    } else if !link.saidKeepalive {
      complaint = beforeKeepalive(peer)
    } else {
      complaint = whileEstablished(peer)
    }
    return complaint
  }

  private mutating func note(_ peer: Int, _ what: String) {
    trace.append("\(now) \(peers[peer].address) \(what)")
    if trace.count > 12 { trace.removeFirst() }
  }

  private mutating func beforeOpen(_ peer: Int) -> Complaint? {
    switch Int.random(in: 0..<10, using: &random) {
    case 0...5:
      note(peer, "says OPEN")
      peers[peer].link?.saidOpen = true
      say(peer, open(peer))
      return nil
    case 6:
      // Slowly, and no more: the hold timer of OpenSent ends it.
      note(peer, "says half an OPEN")
      peers[peer].link?.saidOpen = true
      peers[peer].link?.isMute = true
      say(peer, Array(open(peer).prefix(20)))
      return nil
    case 7:
      note(peer, "says KEEPALIVE first")
      return ends(peer, Message.keepalive.encoded(options: CodecOptions()))
    default: return misbehave(peer)
    }
  }

  private mutating func beforeKeepalive(_ peer: Int) -> Complaint? {
    switch Int.random(in: 0..<10, using: &random) {
    case 0...6:
      if peers[peer].link?.isMute ?? false {
        run(for: .seconds(1))
        return nil
      }
      note(peer, "says KEEPALIVE")
      peers[peer].link?.saidKeepalive = true
      say(peer, Message.keepalive.encoded(options: CodecOptions()))
      return nil
    case 7 where !(peers[peer].link?.isMute ?? false):
      note(peer, "says OPEN twice")
      return ends(peer, open(peer))
    default: return misbehave(peer)
    }
  }

  private mutating func whileEstablished(_ peer: Int) -> Complaint? {
    if peers[peer].link?.isMute ?? false {
      run(for: .seconds(1))
      return nil
    }
    switch Int.random(in: 0..<20, using: &random) {
    case 0...7: return announce(peer)
    case 8...10: return withdraw(peer)
    case 11...14: return malformed(peer)
    case 15:
      note(peer, "asks for a refresh")
      say(peer, frame(5, [0, 1, 0, 1]))
      return stays(peer)
    case 16:
      note(peer, "falls silent")
      peers[peer].link?.isMute = true
      return nil
    case 17:
      // RFC 4271 §6.8: a second connection beside an established one loses.
      note(peer, "connects again")
      let id = speaker.makeConnectionID()
      handle(.accepted(id, peer: peers[peer].address, local: .v4(Self.own)))
      handle(.received(id, open(peer)))
      handle(.closed(id))
      return stays(peer)
    default: return misbehave(peer)
    }
  }

  private mutating func announce(_ peer: Int) -> Complaint? {
    let count = Int.random(in: 1...4, using: &random)
    let routes = Array(Set(Self.pool.shuffled(using: &random).prefix(count)))
    let hops = Int.random(in: 0...3, using: &random)
    let path = (0..<hops).map { _ in ASNumber(UInt32.random(in: 65001...65004, using: &random)) }
    let attributes = PathAttributes(
      origin: [.igp, .egp, .incomplete].randomElement(using: &random)!,
      asPath: path.isEmpty ? .empty : ASPath(sequence: path), nextHop: peers[peer].address,
      localPreference: UInt32.random(in: 98...101, using: &random))
    note(peer, "announces \(routes)")
    let update = UpdateMessage(attributes: attributes, announced: routes)
    say(peer, Message.update(update).encoded(options: CodecOptions()))
    for route in routes { peers[peer].routes[route] = attributes }
    return stays(peer)
  }

  private mutating func withdraw(_ peer: Int) -> Complaint? {
    let route = Self.pool.randomElement(using: &random)!
    note(peer, "withdraws \(route)")
    say(peer, Message.update(UpdateMessage(withdrawn: [route])).encoded(options: CodecOptions()))
    peers[peer].routes[route] = nil
    return stays(peer)
  }

  /// RFC 7606, each case of its table, on a route that may be there already.
  private mutating func malformed(_ peer: Int) -> Complaint? {
    let cases = UpdateErrorTests.cases.filter(\.isInternal)
    let test = cases.randomElement(using: &random)!
    let index = Int.random(in: Self.pool.indices, using: &random)
    let route = Self.pool[index]
    note(peer, "announces \(route) with \(test.name)")
    let message = update(
      attributes: test.attributes, routes: "1a 0a35" + Self.hex(UInt8(index)) + "00")
    switch test.expected {
    case .discard:
      say(peer, message)
      // What is left of the attributes: those that every case of this kind begins with.
      peers[peer].routes[route] = PathAttributes(
        nextHop: address("172.19.0.2"), localPreference: 100)
      return stays(peer)
    case .withdraw:
      say(peer, message)
      peers[peer].routes[route] = nil
      return stays(peer)
    case .reset: return ends(peer, message)
    }
  }

  private static func hex(_ octet: UInt8) -> String {
    let text = String(octet, radix: 16)
    return text.count < 2 ? "0" + text : text
  }

  /// What no state allows.
  private mutating func misbehave(_ peer: Int) -> Complaint? {
    switch Int.random(in: 0..<7, using: &random) {
    case 0:
      note(peer, "dies")
      die(peer)
      return nil
    case 1:
      note(peer, "says garbage")
      let count = Int.random(in: 19...200, using: &random)
      return ends(peer, (0..<count).map { _ in UInt8.random(in: 0...254, using: &random) })
    case 2:
      note(peer, "says a message too long")
      // RFC 8654 §4: OPEN and KEEPALIVE are no longer than ever.
      return ends(peer, [UInt8](repeating: 0xff, count: 18) + [4])
    case 3:
      note(peer, "says a message too short")
      return ends(peer, [UInt8](repeating: 0xff, count: 16) + [0, 18, 4])
    case 4:
      note(peer, "says a message of no type")
      return ends(peer, frame(9, []))
    case 5:
      note(peer, "says an UPDATE whose lengths lie")
      return ends(peer, frame(2, [0xff, 0xff, 0, 0]))
    default:
      note(peer, "says NOTIFICATION")
      return ends(
        peer, Message.notification(NotificationMessage(.cease, 4)).encoded(options: CodecOptions()))
    }
  }

  /// Says what must end the connection.
  private mutating func ends(_ peer: Int, _ bytes: [UInt8]) -> Complaint? {
    let id = peers[peer].link?.id
    // Half a message may stand before it: then it is that one's rest, and the end may come later.
    let isMute = peers[peer].link?.isMute ?? false
    say(peer, bytes)
    if isMute {
      if peers[peer].link?.id == id { die(peer) }
      return nil
    }
    return peers[peer].link?.id == id ? "the connection did not end" : nil
  }

  private func stays(_ peer: Int) -> Complaint? {
    isEstablished(peer)
      ? nil : "the session ended: \(session(peer)?.lastError.map { "\($0)" } ?? "")"
  }
}
