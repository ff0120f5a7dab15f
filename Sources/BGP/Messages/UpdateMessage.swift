import NetTypes
import Wire

/// UPDATE: routes withdrawn, and routes announced under one set of attributes. RFC 4271 §4.3.
///
/// IPv4 routes go in the message's own fields, others in MP_REACH_NLRI and MP_UNREACH_NLRI
/// (RFC 4760); IPv4 in the MP attributes is understood too.
package struct UpdateMessage: Hashable, Sendable {
  package var withdrawn: [IPPrefix] = []
  /// Of `withdrawn`, one by one, on a session with ADD-PATH. RFC 7911 §3.
  package var withdrawnIdentifiers: [UInt32]?
  /// Nil in a message that only withdraws.
  package var attributes: PathAttributes?
  package var announced: [IPPrefix] = []
  /// Of `announced`, one by one, on a session with ADD-PATH.
  package var announcedIdentifiers: [UInt32]?
  /// End-of-RIB of a family. RFC 4724 §2.
  package var endOfRIB: AddressFamily?
  /// What was wrong and put up with, for the log. RFC 7606 §8.
  package var errors: [AttributeError] = []

  package init(
    withdrawn: [IPPrefix] = [], attributes: PathAttributes? = nil, announced: [IPPrefix] = []
  ) {
    self.withdrawn = withdrawn
    self.attributes = attributes
    self.announced = announced
  }

  /// RFC 4724 §2.
  package static func endOfRIB(_ family: AddressFamily) -> UpdateMessage {
    var message = UpdateMessage()
    message.endOfRIB = family
    return message
  }
}

/// One malformed attribute, and what becomes of the message. RFC 7606 §2.
package struct AttributeError: Hashable, Sendable, CustomStringConvertible {
  /// Weakest first.
  package enum Disposition: Int, Hashable, Comparable, Sendable {
    case discardAttribute
    case treatAsWithdraw
    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  }

  package var disposition: Disposition
  /// The attribute's type code.
  package var attribute: UInt8
  package var reason: String

  package init(_ disposition: Disposition, _ attribute: UInt8, _ reason: String) {
    self.disposition = disposition
    self.attribute = attribute
    self.reason = reason
  }

  package var description: String {
    let outcome = disposition == .discardAttribute ? "attribute discarded" : "treated as withdrawal"
    return "attribute \(attribute): \(reason); \(outcome)"
  }
}

/// Type codes of path attributes.
enum AttributeType {
  static let origin: UInt8 = 1
  static let asPath: UInt8 = 2
  static let nextHop: UInt8 = 3
  static let multiExitDiscriminator: UInt8 = 4
  static let localPreference: UInt8 = 5
  static let atomicAggregate: UInt8 = 6
  static let aggregator: UInt8 = 7
  static let communities: UInt8 = 8
  static let originatorID: UInt8 = 9
  static let clusterList: UInt8 = 10
  static let mpReach: UInt8 = 14
  static let mpUnreach: UInt8 = 15
  static let extendedCommunities: UInt8 = 16
  static let as4Path: UInt8 = 17
  static let as4Aggregator: UInt8 = 18
  static let largeCommunities: UInt8 = 32
  static let onlyToCustomer: UInt8 = 35
}

/// Attribute flags. RFC 4271 §4.3.
enum AttributeFlag {
  static let optional: UInt8 = 0x80
  static let transitive: UInt8 = 0x40
  static let partial: UInt8 = 0x20
  static let extendedLength: UInt8 = 0x10
}
