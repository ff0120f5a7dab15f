import NetTypes
import Wire

// One query's way:
//
// 1. Header and question are read; what is no query is dropped, what is malformed gets FORMERR.
// 2. EDNS: version, cookie, client subnet. RFC 6891, RFC 7873, RFC 7871.
// 3. The network's rate, over UDP and without a good cookie.
// 4. A steered set of the question's name and type, if there is one: the client's table, its row.
// 5. The zones: the name's node, or the closest encloser's; of that the type's answer.
// 6. The answer is copied behind the question, its pointers set; a chain goes on in another zone or a
//    steered set; the OPT record follows, then the header.
//
// Nothing is allocated on the way. One thread owns a responder; what threads share is immutable.

/// Answers queries from a catalogue of zones and from steered sets.
package struct Responder: ~Copyable, Sendable {
  package enum Transport: Sendable { case udp, tcp }

  package enum Outcome: Hashable, Sendable {
    /// Octets of the answer in the output.
    case reply(Int)
    case drop
    /// AXFR or IXFR over TCP, of the zone at this place in the catalogue's origins.
    case transfer(zone: Int)
    /// Of a zone that may be ours; RFC 1996.
    case notify
    /// The name is in no zone of ours: for a forwarder, or `reply` with REFUSED.
    case outside
  }

  package struct Options: Hashable, Sendable {
    /// Octets over UDP at most, whatever a client takes.
    package var maximumPayloadSize = Int(EDNS.defaultPayloadSize)
    /// RFC 5001.
    package var identifier: [UInt8]?
    /// Of `version.bind`, RFC 4892's kin; nil: refused.
    package var version: String?
    /// Of `id.server` and `hostname.bind`. RFC 4892.
    package var hostName: String?
    package var cookies: ServerCookies?
    package var rateLimit: ResponseRateLimit?
    /// Names outside are answered as well, by a forwarder: the RA bit.
    package var offersRecursion = false
    /// Seconds from 1970 to `Instant.zero`, for cookies' times.
    package var secondsAtZero: Int64 = 0

    package init() {}
  }

  var zones: Catalogue.Tables
  var steered: Steering.Tables
  package var options: Options {
    didSet { prepare() }
  }
  package var counters = ResponderCounters()

  var key = NameKey()
  var limiter: ResponseRateLimiter?
  /// The next row of each rotating table.
  var turns: [UInt32] = []
  var random: SeededRandom
  /// Texts of `version.bind` and its kin, and the answer to ANY, ready to be copied.
  var chaos = NameIndex()
  var constants: [UInt8] = []
  var constantRanges: [(start: Int, count: Int)] = []

  /// - Parameter seed: Unknown to clients, and another for each thread.
  package init(catalogue: Catalogue, steering: Steering = .none, options: Options, seed: UInt64) {
    zones = catalogue.tables
    steered = steering.tables
    self.options = options
    random = SeededRandom(seed: seed)
    prepare()
    resetTurns()
  }

  /// From the next query on.
  package mutating func use(_ catalogue: Catalogue) { zones = catalogue.tables }

  package mutating func use(_ steering: Steering) {
    steered = steering.tables
    resetTurns()
  }

  /// Each begins somewhere, so that threads do not go in step.
  private mutating func resetTurns() {
    turns = steered.tables.map {
      $0.rowCount > 1 ? UInt32.random(in: 0..<$0.rowCount, using: &random) : 0
    }
  }

  private mutating func prepare() {
    limiter = options.rateLimit.map { ResponseRateLimiter($0, seed: random.next()) }
    chaos = NameIndex()
    constants = []
    constantRanges = []
    var encoder = PlainEncoder()
    // RFC 8482 §4.2.
    encoder.write(.hinfo, ttl: 3600, .hinfoOfMinimalANY)
    addConstant(encoder)
    for (names, text) in [
      (["version.bind", "version.server"], options.version),
      (["hostname.bind", "id.server"], options.hostName),
    ] {
      guard let text else { continue }
      var encoder = PlainEncoder()
      encoder.write(.txt, ttl: 0, recordClass: .chaos, .txt([text]))
      addConstant(encoder)
      for name in names.compactMap({ DomainName($0) }) {
        chaos.insert(NameKey(name), UInt32(constantRanges.count - 1))
      }
    }
  }

  private mutating func addConstant(_ encoder: PlainEncoder) {
    constantRanges.append((constants.count, encoder.bytes.count))
    constants += encoder.bytes
  }
}

extension RecordData {
  fileprivate static let hinfoOfMinimalANY = RecordData(bytes: [7] + "RFC8482".utf8 + [0])
}
