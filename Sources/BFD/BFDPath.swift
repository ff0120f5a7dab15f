import NetTypes

/// Where a session runs: between which addresses, and over what.
package struct BFDPath: Hashable, Sendable {
  package var remote: IPAddress
  package var local: IPAddress
  /// The index of the interface, which link-local addresses need; 0: whichever leads there.
  package var interface: UInt32
  /// RFC 5883; otherwise one hop, RFC 5881.
  package var isMultihop: Bool

  package init(
    remote: IPAddress, local: IPAddress, interface: UInt32 = 0, isMultihop: Bool = false
  ) {
    self.remote = remote
    self.local = local
    self.interface = interface
    self.isMultihop = isMultihop
  }

  /// UDP, of the receiver. RFC 5881 §4, RFC 5883 §5.
  package var port: UInt16 { isMultihop ? 4784 : 3784 }

  /// UDP, of the sender; one for all packets of a session. RFC 5881 §4.
  package static let sourcePorts: ClosedRange<UInt16> = 49152...65535
}

/// How a packet came.
package struct BFDArrival: Hashable, Sendable {
  package var source: IPAddress
  package var destination: IPAddress
  package var interface: UInt32
  /// TTL or hop limit.
  package var timeToLive: UInt8
  /// It came to the multihop port.
  package var isMultihop: Bool

  package init(
    source: IPAddress, destination: IPAddress, interface: UInt32 = 0, timeToLive: UInt8 = 255,
    isMultihop: Bool = false
  ) {
    self.source = source
    self.destination = destination
    self.interface = interface
    self.timeToLive = timeToLive
    self.isMultihop = isMultihop
  }
}
