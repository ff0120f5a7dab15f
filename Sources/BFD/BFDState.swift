/// The states of a BFD session. RFC 5880 §4.1; raw values go onto the wire.
package enum BFDState: UInt8, Hashable, Sendable {
  case adminDown = 0
  case down = 1
  case initial = 2
  case up = 3
}
