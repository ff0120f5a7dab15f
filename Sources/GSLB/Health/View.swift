/// What one voter sees, as it tells the others.
///
/// Two numbers order a voter's views: its incarnation, which grows with each start, and a sequence
/// within it. What a view has heard of the others is its lease: it counts for so long after the
/// reader sent what the view answers to, by the reader's own clock. So a view that was delayed,
/// repeated, or read by a process that had been stopped, never counts longer than it may.
package struct View: Equatable, Sendable {
  /// The order of a voter's views.
  package struct Stamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var incarnation: UInt64
    package var sequence: UInt64

    package init(incarnation: UInt64, sequence: UInt64) {
      self.incarnation = incarnation
      self.sequence = sequence
    }

    package static func < (a: Self, b: Self) -> Bool {
      (a.incarnation, a.sequence) < (b.incarnation, b.sequence)
    }

    package var description: String { "\(incarnation).\(sequence)" }
  }

  package enum Probe: Equatable, Sendable {
    case unknown
    case up(roundTrip: Duration)
    case down(reason: String)
  }

  /// What the voter inside the member's unit knows of it.
  package struct Inside: Equatable, Sendable {
    /// The route to the virtual server's address is announced.
    package var isAnnounced: Bool
    package var readyEndpoints: Int
    package var connections: Int
    package var administration: Administration

    package init(
      isAnnounced: Bool = true, readyEndpoints: Int = 1, connections: Int = 0,
      administration: Administration = .enabled
    ) {
      self.isAnnounced = isAnnounced
      self.readyEndpoints = readyEndpoints
      self.connections = connections
      self.administration = administration
    }
  }

  package enum Administration: UInt8, Sendable, CaseIterable {
    case enabled
    /// Weight 0: no new clients, as long as another is up.
    case draining
    case disabled
  }

  package struct Member: Equatable, Sendable {
    package var probe: Probe
    /// How long ago a probe was answered last; nil: none was.
    package var age: Duration?
    /// Of the voter's own unit only.
    package var inside: Inside?
    /// How often operators have resumed it; the most that any voter has heard of.
    package var resumes: UInt32

    package init(_ probe: Probe = .unknown, inside: Inside? = nil, resumes: UInt32 = 0) {
      self.probe = probe
      self.inside = inside
      self.resumes = resumes
    }
  }

  /// The newest that has come here of another voter.
  package struct Heard: Equatable, Sendable {
    package var stamp: Stamp
    /// Digest of the announcement that is held; 0: none.
    package var announcement: UInt64

    package init(_ stamp: Stamp, announcement: UInt64 = 0) {
      self.stamp = stamp
      self.announcement = announcement
    }
  }

  package var voter: String
  package var stamp: Stamp
  package var heard: [String: Heard] = [:]
  /// Of the announcement in force, whether it is in this view or not; 0: none.
  package var digest: UInt64 = 0
  /// Left out once all living voters have it.
  package var announcement: Announcement?
  package var members: [VirtualServerName: Member] = [:]

  package init(voter: String, stamp: Stamp) {
    self.voter = voter
    self.stamp = stamp
  }
}
