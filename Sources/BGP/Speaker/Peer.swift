import NetTypes

/// One neighbour: its sessions, of which a second exists only while connections collide, and what
/// was exchanged.
struct Peer: Sendable {
  struct Slot: Sendable {
    let id: Int
    var session: Session
    var connection: ConnectionID?
    var local: IPAddress?
    var interface = InterfaceAddresses()
    /// We opened the connection.
    var isInitiator = true
    var framer = MessageFramer()
    /// The peer's OPEN, at the head of `framer`, waits: there is another connection.
    var isWaiting = false
    /// The peer has sent what it sends only once its end is Established.
    var hasSpoken = false

    mutating func begin(_ id: ConnectionID, isInitiator: Bool) {
      connection = id
      self.isInitiator = isInitiator
      framer = MessageFramer()
      (isWaiting, hasSpoken) = (false, false)
    }
  }

  /// A peer that restarts, or has come back and is not through. RFC 4724 §4.2.
  struct Restart: Sendable {
    /// Families with stale paths.
    var families: Set<AddressFamily>
    var deadline: Instant
  }

  let index: PeerIndex
  @Shared var settings: ResolvedNeighbor
  var slots: [Slot] = []
  var nextSlot = 0
  /// When the peer has to have shown which of two connections it keeps.
  var choiceDeadline: Instant?
  /// The slot that an established session is being handed over to.
  var successor: Int?
  var restart: Restart?
  /// Of the present or the last established session.
  @Shared var negotiated: Negotiated?
  var endOfRIBReceived: Set<AddressFamily> = []
  /// Who is told the same; nil while it is not established.
  var group: Int?
  /// Stands for what import depends on beside the route: this session, these settings; 0: they have
  /// changed.
  var importTerms: UInt32 = 0
  /// What it has yet to be told.
  var outbox = Outbox()
  /// The peer has its whole table yet to be told.
  var needsFullTable = false
  var endOfRIBSent = false
  /// Families whose refresh the peer asked for, and whose EoRR is to come. RFC 7313.
  var refreshesToEnd: Set<AddressFamily> = []
  /// Families that the peer is sending again, and until when. RFC 7313.
  var refreshes: [AddressFamily: Instant] = [:]
  /// The default route it was told by `default-originate`.
  var defaultOriginated: Set<AddressFamily> = []
  var prefixCounts = FamilyCounts()
  var prefixCount: Int { prefixCounts.total }
  /// Families that were warned about.
  var prefixWarnings: Set<AddressFamily> = []
  var isOverPrefixLimit = false
  var prefixLimitHold: PrefixLimitHold?
  /// When a dynamic neighbour without a session goes.
  var leavesAt: Instant?
  var notices = NoticeBudget.ofNeighbor
  var counters = PeerCounters()
  var lastState = SessionState.Name.idle
  var lastChange: Instant
  var lastError: DownReason?

  init(index: PeerIndex, settings: ResolvedNeighbor, at now: Instant) {
    self.index = index
    _settings = Shared(wrappedValue: settings)
    _negotiated = Shared(wrappedValue: nil)
    lastChange = now
  }

  /// The slot whose session is established.
  var established: Slot? { slots.first { $0.session.state.name == .established } }

  /// The most advanced session's state.
  var state: SessionState {
    let order: [SessionState.Name] = [
      .established, .openConfirm, .openSent, .connect, .active, .idle,
    ]
    for name in order {
      if let slot = slots.first(where: { $0.session.state.name == name }) {
        return slot.session.state
      }
    }
    return .idle(until: nil)
  }

  /// When `tick` has something to do for this peer.
  var deadline: Instant? {
    let timers = slots.compactMap(\.session.deadline)
    return [timers.min(), refreshes.values.min(), restart?.deadline, leavesAt, choiceDeadline]
      .compactMap { $0 }.min()
  }

  func slotPosition(_ id: Int) -> Int? { slots.firstIndex { $0.id == id } }

  mutating func withSlot(_ id: Int, _ body: (inout Slot) -> Void) {
    if let position = slotPosition(id) { body(&slots[position]) }
  }
}

package struct PeerCounters: Hashable, Sendable {
  package var messagesReceived: UInt64 = 0
  package var messagesSent: UInt64 = 0
  package var updatesReceived: UInt64 = 0
  package var updatesSent: UInt64 = 0
  package var bytesReceived: UInt64 = 0
  package var bytesSent: UInt64 = 0
  package var established: UInt64 = 0
  /// Messages other than UPDATE.
  package var received = MessageCounts()
  package var sent = MessageCounts()
}

/// Messages by type; UPDATEs are counted where they are handled in bulk.
package struct MessageCounts: Hashable, Sendable {
  package var opens: UInt64 = 0
  package var notifications: UInt64 = 0
  package var keepalives: UInt64 = 0
  package var refreshes: UInt64 = 0

  mutating func count(_ message: Message) {
    switch message {
    case .open: opens += 1
    case .update: break
    case .notification: notifications += 1
    case .keepalive: keepalives += 1
    case .routeRefresh: refreshes += 1
    }
  }
}
