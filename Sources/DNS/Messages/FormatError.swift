/// What makes a message, or a record's data, unreadable: a FORMERR. RFC 1035 §4.1.1.
package struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Reason: Hashable, Sendable {
    case truncated(needed: Int, available: Int)
    /// The two bits above a label's length are neither 00 nor 11.
    case labelType(UInt8)
    /// A compression pointer that does not point to something before it.
    case pointer(to: Int)
    case compressed
    case nameLength(Int)
    case dataLength(RecordType, expected: Int, found: Int)
    case data(RecordType)
    case trailing(Int)
    /// RFC 6891 §6.1.1: one OPT record, of the root.
    case secondOPT, nameOfOPT
    case option(UInt16)
  }

  package var reason: Reason
  /// Octets from the start of the message.
  package var position: Int

  init(_ reason: Reason, at position: Int) {
    self.reason = reason
    self.position = position
  }

  package var description: String {
    let what =
      switch reason {
      case .truncated(let needed, let available): "\(needed) octets needed, \(available) left"
      case .labelType(let octet): "a label of unknown type \(octet >> 6)"
      case .pointer(let to): "a compression pointer to \(to), which is not before it"
      case .compressed: "a compressed name where none may be"
      case .nameLength(let length):
        "a name of \(length) octets, over \(DomainName.maximumLength)"
      case .dataLength(let type, let expected, let found):
        "\(type) data of \(found) octets, whose fields have \(expected)"
      case .data(let type): "malformed \(type) data"
      case .trailing(let count): "\(count) octets behind the last record"
      case .secondOPT: "a second OPT record"
      case .nameOfOPT: "an OPT record of a name"
      case .option(let code): "malformed EDNS option \(code)"
      }
    return "\(what), at octet \(position)"
  }
}
