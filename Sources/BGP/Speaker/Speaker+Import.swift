import NetTypes
import Wire

// The straight way in, for what makes up nearly all of a full table: IPv4 routes, in the fields that
// RFC 4271 has for them, with attributes that are in order, under no import policy. Whatever else
// comes up is left to `apply`, which knows every case; both leave the tables alike.

extension Speaker {
  /// Imports UPDATEs from the head of what was received, while they are of the simple kind. True if
  /// there were any.
  mutating func importUpdates(
    _ address: IPAddress, _ position: Int, _ now: Instant
  ) throws(NotificationMessage) -> Bool {
    if peers[address]?.importTerms == 0 {
      nextImportTerms += 1
      peers[address]?.importTerms = nextImportTerms
    }
    guard let peer = peers[address], peer.settings.importPolicy.isEmpty,
      peer.slots[position].session.state.name == .established,
      let negotiated = peer.slots[position].session.state.negotiated,
      negotiated.families.contains(.ipv4)
    else { return false }
    var framer = MessageFramer()
    // The tables change beside the buffer, so that it is taken out of them, not copied.
    exchangeFramer(address, position, &framer)
    defer { exchangeFramer(address, position, &framer) }
    var updates: UInt64 = 0
    var change = 0
    defer {
      if updates > 0 {
        peers[address]?.counters.messagesReceived += updates
        peers[address]?.counters.updatesReceived += updates
        peers[address]?.prefixCounts[.ipv4] += change
        peers[address]?.slots[position].session.heard(at: now)
      }
    }
    while let frame = try framer.nextUpdate() {
      guard importUpdate(frame, peer, negotiated.options, &change) else {
        framer.putBack(frame)
        break
      }
      updates += 1
      if let limit = peer.settings.maximumPrefixes?.count, peer.prefixCounts[.ipv4] + change > limit
      {
        break
      }
    }
    return updates > 0
  }

  private mutating func exchangeFramer(
    _ address: IPAddress, _ position: Int, _ framer: inout MessageFramer
  ) {
    guard var peer = peers.removeValue(forKey: address) else { return }
    swap(&peer.slots[position].framer, &framer)
    peers[address] = peer
  }

  /// False, and nothing done, if the message is not of the simple kind.
  private mutating func importUpdate(
    _ frame: ArraySlice<UInt8>, _ peer: Peer, _ options: CodecOptions, _ change: inout Int
  ) -> Bool {
    guard let fields = UpdateFields(frame) else { return false }
    // An announcement without attributes is an error, and a message of neither is End-of-RIB.
    if fields.attributes.isEmpty, !fields.announced.isEmpty || fields.withdrawn.isEmpty {
      return false
    }
    let identified = options.addPathReceive.contains(.ipv4)
    var imported = AttributeID.none
    if !fields.attributes.isEmpty {
      guard !fields.announced.isEmpty, let received = internReceived(fields.attributes, options)
      else { return false }
      defer { attributes.release(received.id) }
      imported = accept(received.id, received.decoded, from: peer)
    }
    defer { attributes.release(imported) }
    // Everything is looked at before anything is changed.
    guard UpdateFields.forEachRoute(fields.withdrawn, identified: identified, { _, _ in }),
      UpdateFields.forEachRoute(fields.announced, identified: identified, { _, _ in })
    else { return false }
    var difference = 0
    _ = UpdateFields.forEachRoute(fields.withdrawn, identified: identified) { key, identifier in
      if ipv4.dropPath(of: peer.index, key, identifier, &attributes, &dirty4) { difference -= 1 }
    }
    _ = UpdateFields.forEachRoute(fields.announced, identified: identified) { key, identifier in
      if imported == .none {
        if ipv4.dropPath(of: peer.index, key, identifier, &attributes, &dirty4) { difference -= 1 }
      } else if ipv4.setPath(of: peer.index, key, identifier, imported, &attributes, &dirty4) {
        difference += 1
      }
    }
    change += difference
    return true
  }

  /// Attributes as they were received, with one more use, and decoded if that was needed; nil if
  /// there is anything in them that the simple way does not know, an error among it.
  private mutating func internReceived(
    _ bytes: ArraySlice<UInt8>, _ options: CodecOptions
  ) -> (id: AttributeID, decoded: PathAttributes?)? {
    if let known = attributes.find(received: bytes, options) {
      attributes.retain(known)
      return (known, nil)
    }
    var decoder = AttributeDecoder(options: options)
    var reader = ByteReader(bytes)
    do { try decoder.decode(&reader) } catch { return nil }
    guard decoder.errors.isEmpty, decoder.reach == nil, decoder.unreach == nil,
      decoder.missing(classicRoutes: true).isEmpty
    else { return nil }
    let id = attributes.intern(decoder.attributes)
    attributes.note(received: bytes, options, as: id)
    return (id, decoder.attributes)
  }

  /// What import makes of received attributes, with one more use; none: they are not taken.
  private mutating func accept(
    _ received: AttributeID, _ decoded: PathAttributes?, from peer: Peer
  ) -> AttributeID {
    if attributes.isAccepted(received, under: peer.importTerms) {
      attributes.retain(received)
      return received
    }
    let decoded = decoded ?? attributes[received]
    guard let accepted = accepted(decoded, peer) else { return .none }
    if accepted != decoded { return attributes.intern(accepted) }
    attributes.noteAccepted(received, under: peer.importTerms)
    attributes.retain(received)
    return received
  }
}
