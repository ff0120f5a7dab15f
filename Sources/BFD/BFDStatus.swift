import NetTypes

package struct BFDCounters: Hashable, Sendable {
  /// Control packets.
  package var received: UInt64 = 0
  package var sent: UInt64 = 0
  /// How often the session came up, and went down from there.
  package var ups: UInt64 = 0
  package var downs: UInt64 = 0

  package init() {}
}

/// What one session is doing, as `show bfd peers` tells it.
package struct BFDStatus: Equatable, Sendable {
  package var path: BFDPath
  package var state: BFDState
  /// Of the present state.
  package var since: Instant
  package var diagnostic: BFDDiagnostic
  package var localDiscriminator: UInt32
  /// What the operator asked for.
  package var parameters: BFDParameters
  /// Zero while the peer is not heard.
  package var remoteDiscriminator: UInt32
  package var remoteState: BFDState
  package var remoteDiagnostic: BFDDiagnostic
  package var remoteMultiplier: UInt8
  /// The peer's Desired Min TX Interval.
  package var remoteMinTransmit: Duration
  /// The peer's Required Min RX Interval.
  package var remoteMinReceive: Duration
  package var remoteMinEchoReceive: Duration
  /// The peer's BFD outlives its control plane.
  package var isRemoteIndependent: Bool
  /// In force, before jitter.
  package var transmitInterval: Duration
  /// In force; zero before the peer's first packet.
  package var detectionTime: Duration
  package var counters: BFDCounters
}

extension BFDEngine {
  /// By peer; without those that are being removed.
  package var sessions: [BFDStatus] {
    entries.values.filter { $0.leaving == nil }.map(BFDStatus.init)
      .sorted { ($0.path.remote, $0.path.interface) < ($1.path.remote, $1.path.interface) }
  }

  package func session(_ path: BFDPath) -> BFDStatus? {
    entries.values.first { $0.path == path && $0.leaving == nil }.map(BFDStatus.init)
  }
}

extension BFDStatus {
  init(_ entry: BFDEngine.Entry) {
    let session = entry.session
    path = entry.path
    state = session.state
    since = entry.since
    diagnostic = session.diagnostic
    localDiscriminator = session.localDiscriminator
    parameters = session.parameters
    remoteDiscriminator = session.remoteDiscriminator
    remoteState = session.remoteState
    remoteDiagnostic = session.remoteDiagnostic
    remoteMultiplier = session.remoteMultiplier
    remoteMinTransmit = session.remoteMinTransmit
    remoteMinReceive = session.remoteMinReceive
    remoteMinEchoReceive = session.remoteMinEchoReceive
    isRemoteIndependent = session.isRemoteIndependent
    transmitInterval = session.transmitInterval
    detectionTime = session.detectionTime
    counters = entry.counters
  }
}
