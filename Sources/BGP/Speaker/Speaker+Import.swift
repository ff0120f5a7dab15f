import NetTypes
import Wire

// The straight way in, for what makes up nearly all of a full table: IPv4 routes, in the fields that
// RFC 4271 has for them, with attributes that are in order, under no import policy, while nobody keeps them or looks on. Whatever else
// comes up is left to `apply`, which knows every case; both leave the tables alike.

extension Speaker {
  /// Imports UPDATEs from the head of what was received, while they are of the simple kind. True if
  /// there were any.
  mutating func importUpdates(
    _ address: IPAddress, _ position: Int, _ now: Instant
  ) throws(NotificationMessage) -> Bool {
    // Taken out for the while: in its place among the others every change of it costs a copy.
    guard var peer = peers.removeValue(forKey: address) else { return false }
    defer { peers[address] = peer }
    guard peer.settings.importPolicy.isEmpty, !peer.settings.keepsReceived,
      !debugging.topics.contains(.updatesIn),
      case .established(let negotiated, _, _) = peer.slots[position].session.state,
      negotiated.families.contains(.ipv4)
    else { return false }
    if peer.importTerms == 0 {
      nextImportTerms += 1
      peer.importTerms = nextImportTerms
    }
    var framer = MessageFramer()
    swap(&framer, &peer.slots[position].framer)
    let (options, local) = (negotiated.options, peer.slots[position].local)
    var updates: UInt64 = 0
    defer {
      swap(&framer, &peer.slots[position].framer)
      if updates > 0 {
        peer.counters.messagesReceived += updates
        peer.counters.updatesReceived += updates
        peer.slots[position].session.heard(at: now)
      }
    }
    let limit = peer.settings.maximumPrefixes?.count ?? .max
    while let frame = try framer.nextUpdate() {
      var change = 0
      guard importUpdate(frame, peer, local, options, &change) else {
        framer.putBack(frame)
        break
      }
      updates += 1
      peer.prefixCounts[.ipv4] += change
      if peer.prefixCounts[.ipv4] > limit { break }
    }
    return updates > 0
  }

  /// False, and nothing done, if the message is not of the simple kind.
  private mutating func importUpdate(
    _ frame: ArraySlice<UInt8>, _ peer: Peer, _ local: IPAddress?, _ options: CodecOptions,
    _ change: inout Int
  ) -> Bool {
    let octets = frame.span
    guard let fields = UpdateFields(octets) else { return false }
    // An announcement without attributes is an error, and a message of neither is End-of-RIB.
    if fields.attributes.isEmpty, !fields.announced.isEmpty || fields.withdrawn.isEmpty {
      return false
    }
    let identified = options.addPathReceive.contains(.ipv4)
    let withdrawn = octets.extracting(fields.withdrawn)
    let announced = octets.extracting(fields.announced)
    var imported = AttributeID.none
    if !fields.attributes.isEmpty {
      let received = octets.extracting(fields.attributes)
      guard !announced.isEmpty else { return false }
      let known = attributes.find(received: received, options)
      if let known, attributes.isAccepted(known, under: peer.importTerms) {
        attributes.retain(known)
        imported = known
      } else {
        let bytes = frame.dropFirst(fields.attributes.lowerBound).prefix(fields.attributes.count)
        guard let accepted = accept(known, bytes, from: peer, local, options) else { return false }
        imported = accepted
      }
    }
    defer { attributes.release(imported) }
    // Everything is looked at before anything is changed.
    guard UpdateFields.forEachRoute(withdrawn, identified: identified, { _, _ in }),
      UpdateFields.forEachRoute(announced, identified: identified, { _, _ in })
    else { return false }
    var difference = 0
    _ = UpdateFields.forEachRoute(withdrawn, identified: identified) { key, identifier in
      if ipv4.dropPath(of: peer.index, key, identifier, &attributes, &dirty4) { difference -= 1 }
    }
    _ = UpdateFields.forEachRoute(announced, identified: identified) { key, identifier in
      if imported == .none {
        if ipv4.dropPath(of: peer.index, key, identifier, &attributes, &dirty4) { difference -= 1 }
      } else if ipv4.setPath(of: peer.index, key, identifier, imported, &attributes, &dirty4) {
        difference += 1
      }
    }
    change += difference
    return true
  }

  /// What import makes of attributes as they were received, with one more use (none: they are not
  /// taken); nil if there is anything in them that the simple way does not know, an error among it.
  /// - Parameter known: the set that they stood for before.
  private mutating func accept(
    _ known: AttributeID?, _ bytes: ArraySlice<UInt8>, from peer: Peer, _ local: IPAddress?,
    _ options: CodecOptions
  ) -> AttributeID? {
    let (received, decoded): (AttributeID, PathAttributes)
    if let known {
      attributes.retain(known)
      (received, decoded) = (known, attributes[known])
    } else {
      var decoder = AttributeDecoder(options: options)
      var reader = ByteReader(bytes)
      do { try decoder.decode(&reader) } catch { return nil }
      guard decoder.errors.isEmpty, decoder.reach == nil, decoder.unreach == nil,
        decoder.missing(classicRoutes: true).isEmpty
      else { return nil }
      decoded = decoder.attributes
      received = attributes.intern(decoded)
      attributes.note(received: bytes.span, options, as: received)
    }
    let accepted = accepted(decoded, peer, local: local)
    if accepted == decoded {
      attributes.noteAccepted(received, under: peer.importTerms)
      return received
    }
    defer { attributes.release(received) }
    return accepted.map { attributes.intern($0) } ?? AttributeID.none
  }
}
