extension Message {
  /// Tells a secondary that a zone has changed. RFC 1996 §3.
  /// - Parameter start: The zone's SOA record, as a hint of what its serial is.
  package init(id: UInt16, notifying zone: DomainName, start: ResourceRecord? = nil) {
    self.init(id: id)
    opcode = .notify
    isAuthoritative = true
    questions = [Question(zone, .soa)]
    answers = start.map { [$0] } ?? []
  }

  /// The zone that a NOTIFY is about, and the serial that it hints at; nil of another message. RFC 1996
  /// §3.7: only changes of the SOA are told.
  package var notification: (zone: DomainName, serial: SerialNumber?)? {
    guard opcode == .notify, !isResponse, questions.count == 1, let question = questions.first,
      question.type == .soa, question.recordClass == .internet
    else { return nil }
    let start = answers.first { $0.type == .soa && $0.name == question.name }
    return (question.name, start.flatMap { StartOfAuthority($0.data)?.serial })
  }

  /// An answer without records to a message. RFC 1996 §4.7, RFC 1035 §4.1.1.
  package init(answering query: Message, _ code: ResponseCode = .noError) {
    self.init(id: query.id)
    isResponse = true
    opcode = query.opcode
    recursionDesired = query.recursionDesired
    isAuthoritative = query.opcode == .notify
    responseCode = code
    questions = query.questions
    if let edns = query.edns { self.edns = EDNS(dnssecOK: edns.dnssecOK) }
  }
}
