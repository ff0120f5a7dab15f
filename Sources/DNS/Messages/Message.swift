// +---------------------+
// |        Header       |
// +---------------------+
// |       Question      | the question for the name server
// +---------------------+
// |        Answer       | RRs answering the question
// +---------------------+
// |      Authority      | RRs pointing toward an authority
// +---------------------+
// |      Additional     | RRs holding additional information; the OPT record is `edns`
// +---------------------+
//
// RFC 1035 §4.1. For clients, transfers and tests; a server's answers are compiled ahead (`Responder`).

/// A DNS message.
package struct Message: Hashable, Sendable {
  package struct Question: Hashable, Sendable, CustomStringConvertible {
    package var name: DomainName
    package var type: RecordType
    package var recordClass: RecordClass

    package init(_ name: DomainName, _ type: RecordType, _ recordClass: RecordClass = .internet) {
      self.name = name
      self.type = type
      self.recordClass = recordClass
    }

    package var description: String { "\(name) \(recordClass) \(type)" }
  }

  package var id: UInt16
  package var isResponse = false
  package var opcode = Opcode.query
  package var isAuthoritative = false
  package var isTruncated = false
  package var recursionDesired = false
  package var recursionAvailable = false
  /// RFC 4035 §3.2.3.
  package var authenticData = false
  /// RFC 4035 §3.2.2.
  package var checkingDisabled = false
  /// More than four bits of it need `edns`.
  package var responseCode = ResponseCode.noError
  package var questions: [Question] = []
  package var answers: [ResourceRecord] = []
  package var authority: [ResourceRecord] = []
  /// Without the OPT record.
  package var additional: [ResourceRecord] = []
  package var edns: EDNS?

  package init(id: UInt16) { self.id = id }

  /// A question to a server.
  package init(
    id: UInt16, query name: DomainName, _ type: RecordType, recursionDesired: Bool = false,
    edns: EDNS? = EDNS()
  ) {
    self.id = id
    self.recursionDesired = recursionDesired
    questions = [Question(name, type)]
    self.edns = edns
  }

  /// Octets of the header.
  package static let headerLength = 12
  /// Octets over UDP without EDNS. RFC 1035 §4.2.1.
  package static let plainPayloadSize = 512
  package static let maximumLength = 65535

  enum Flag {
    static let response: UInt16 = 0x8000
    static let authoritative: UInt16 = 0x0400
    static let truncated: UInt16 = 0x0200
    static let recursionDesired: UInt16 = 0x0100
    static let recursionAvailable: UInt16 = 0x0080
    static let authenticData: UInt16 = 0x0020
    static let checkingDisabled: UInt16 = 0x0010
  }
}
