/// Parses request and response heads, RFC 9112 §2–§6, in place.
///
///     start-line CRLF *( field-name ":" OWS field-value OWS CRLF ) CRLF
///
/// 1. Empty lines before the start line are skipped (§2.2).
/// 2. Start line: exactly one space between its parts; HTTP/0.9 and versions other than 1.x fail.
/// 3. Fields: token, colon at once, value without controls. Folding, a bare CR or LF, a space
///    before the colon and an empty name fail.
/// 4. Framing: one Content-Length of digits only, or one Transfer-Encoding that is exactly
///    `chunked`, never both (§6.1, §6.3). Stricter than the RFC, which lets a recipient repair some.
/// 5. A request of HTTP/1.1 has exactly one Host (§3.2).
///
/// The results are ranges of the parsed buffer and live in the parser, which is reused: a head costs
/// no allocation. An incomplete head is parsed from its start again when more has come.
package struct HeadParser: ~Copyable {
  package enum Outcome: Equatable, Sendable {
    /// More bytes are needed.
    case incomplete
    case complete
    case invalid(HTTPError)
  }

  package struct Field: Sendable {
    package var name: ByteRange
    package var value: ByteRange
    package var known: FieldName
  }

  package struct Flags: OptionSet, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let contentLength = Flags(rawValue: 1)
    package static let chunked = Flags(rawValue: 2)
    package static let connectionClose = Flags(rawValue: 4)
    package static let connectionKeepAlive = Flags(rawValue: 8)
    package static let connectionUpgrade = Flags(rawValue: 16)
    /// Connection nominates fields of its own: those are hop-by-hop as well.
    package static let connectionNominates = Flags(rawValue: 32)
    package static let upgrade = Flags(rawValue: 64)
    package static let expectContinue = Flags(rawValue: 128)
    package static let host = Flags(rawValue: 256)
    /// The target is in absolute form, `http://host/path`: its authority overrides Host.
    package static let absoluteTarget = Flags(rawValue: 512)
  }

  package static let fieldLimit = 128

  /// Bytes a head may have, start line and fields and blank lines together.
  package var byteLimit: Int
  package var targetLimit: Int

  /// Bytes of the head, with its blank line and any empty lines before it.
  package internal(set) var length = 0
  package internal(set) var flags: Flags = []
  /// 0 or 1 (greater minor versions are treated as 1).
  package internal(set) var minorVersion: UInt8 = 0
  package internal(set) var contentLength: UInt64 = 0
  package internal(set) var fieldCount = 0
  /// Host, or the authority of an absolute target; without trailing or leading blanks.
  package internal(set) var host = ByteRange.none

  package internal(set) var method = KnownMethod.other
  package internal(set) var methodName = ByteRange.none
  /// The whole target as it was sent.
  package internal(set) var target = ByteRange.none
  /// Path and query; of an absolute target, what follows the authority (possibly empty).
  package internal(set) var pathAndQuery = ByteRange.none

  package internal(set) var status = 0
  package internal(set) var reason = ByteRange.none

  let fields: UnsafeMutablePointer<Field>

  package init(byteLimit: Int = 32 << 10, targetLimit: Int = 16 << 10) {
    self.byteLimit = byteLimit
    self.targetLimit = targetLimit
    fields = .allocate(capacity: HeadParser.fieldLimit)
  }

  deinit { fields.deallocate() }

  /// The field at `index`, 0..<fieldCount.
  @inlinable
  package func field(_ index: Int) -> Field { _field(index) }

  @usableFromInline func _field(_ index: Int) -> Field {
    precondition(index >= 0 && index < fieldCount)
    return fields[index]
  }

  /// The first field of that name.
  package func first(_ name: FieldName) -> ByteRange? {
    for index in 0..<fieldCount where fields[index].known == name { return fields[index].value }
    return nil
  }

  /// Whether Connection names this field, which makes it hop-by-hop.
  package func isNominated(_ field: Field, in buffer: UnsafeRawBufferPointer) -> Bool {
    guard flags.contains(.connectionNominates) else { return false }
    let name = field.name.bytes(of: buffer)
    for index in 0..<fieldCount where fields[index].known == .connection {
      var cursor = Int(fields[index].value.start)
      let end = fields[index].value.end
      while let token = nextListElement(buffer, &cursor, end) {
        if equalsIgnoringCase(token.bytes(of: buffer), name) { return true }
      }
    }
    return false
  }

  /// Parses a request head at the start of `buffer`.
  package mutating func parseRequest(_ buffer: UnsafeRawBufferPointer) -> Outcome {
    reset()
    guard let base = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
      return .incomplete
    }
    let end = min(buffer.count, byteLimit)
    var cursor = 0
    do throws(Stop) {
      try skipEmptyLines(base, &cursor, end)
      try requestLine(base, &cursor, end)
      try fieldLines(base, &cursor, end, buffer)
      length = cursor
      try checkRequest(buffer)
      return .complete
    } catch {
      return outcome(of: error, buffer.count)
    }
  }

  /// Parses a response head at the start of `buffer`.
  package mutating func parseResponse(_ buffer: UnsafeRawBufferPointer) -> Outcome {
    reset()
    guard let base = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
      return .incomplete
    }
    let end = min(buffer.count, byteLimit)
    var cursor = 0
    do throws(Stop) {
      try statusLine(base, &cursor, end)
      try fieldLines(base, &cursor, end, buffer)
      length = cursor
      try checkFraming()
      return .complete
    } catch {
      return outcome(of: error, buffer.count)
    }
  }

  enum Stop: Error {
    case incomplete
    case invalid(HTTPError)
  }

  private func outcome(of stop: Stop, _ available: Int) -> Outcome {
    switch stop {
    case .invalid(let error): .invalid(error)
    case .incomplete:
      available >= byteLimit ? .invalid(.headTooLarge(limit: byteLimit)) : .incomplete
    }
  }

  private mutating func reset() {
    length = 0
    flags = []
    minorVersion = 0
    contentLength = 0
    fieldCount = 0
    host = .none
    method = .other
    methodName = .none
    target = .none
    pathAndQuery = .none
    status = 0
    reason = .none
  }
}
