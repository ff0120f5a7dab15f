import NetTypes
import Wire

/// Reads the path attributes of one UPDATE with the dispositions of RFC 7606 §7.
struct AttributeDecoder {
  let options: CodecOptions
  var attributes = PathAttributes()
  var errors: [AttributeError] = []
  var reach: (family: AddressFamily, announced: RouteField)?
  var unreach: (family: AddressFamily, withdrawn: RouteField)?
  /// Attributes seen, of any type.
  private(set) var count = 0
  /// The octets are our own, not a peer's: any address may be a next hop.
  private let isTrusted: Bool
  private var seen = TypeSet()
  private var extended = PathAttributes.Extended()
  private var classicNextHop: IPv4Address?
  private var as4Path: ASPath?
  private var as4Aggregator: PathAttributes.Aggregator?

  init(options: CodecOptions, isTrusted: Bool = false) {
    self.options = options
    self.isTrusted = isTrusted
  }

  mutating func decode(_ reader: inout ByteReader) throws(NotificationMessage) {
    while !reader.isAtEnd {
      let header = reader
      guard let flags = try? reader.readUInt8(), let type = try? reader.readUInt8(),
        let length = try? reader.readLength(extended: flags & AttributeFlag.extendedLength != 0),
        let value = try? reader.readBytes(length)
      else {
        // RFC 7606 §4: an overrun ends the list; what announced routes is withdrawn.
        reader = header
        errors.append(AttributeError(.treatAsWithdraw, 0, "attribute overruns the list"))
        break
      }
      count += 1
      guard seen.insert(type) else {
        // RFC 7606 §3 g.
        if type == AttributeType.mpReach || type == AttributeType.mpUnreach {
          throw .malformedAttributeList
        }
        errors.append(AttributeError(.discardAttribute, type, "repeated"))
        continue
      }
      try decode(type: type, flags: flags, value: value)
    }
    finish()
  }

  private mutating func decode(
    type: UInt8, flags: UInt8, value: ArraySlice<UInt8>
  ) throws(NotificationMessage) {
    guard let expected = Self.expectedFlags(type) else {
      guard flags & AttributeFlag.optional != 0 else {
        throw .unrecognizedWellKnownAttribute([flags, type] + value.prefix(64))
      }
      if flags & AttributeFlag.transitive != 0 {
        let flags = flags & ~AttributeFlag.extendedLength
        extended.opaque.append(.init(flags: flags, type: type, value: Array(value)))
      }
      return
    }
    if flags & (AttributeFlag.optional | AttributeFlag.transitive) != expected {
      if type == AttributeType.mpReach || type == AttributeType.mpUnreach {
        throw .optionalAttributeError
      }
      // RFC 7606 §3 c.
      errors.append(AttributeError(.treatAsWithdraw, type, "flags \(flags)"))
      return
    }
    switch type {
    case AttributeType.mpReach: try decodeReach(value)
    case AttributeType.mpUnreach: try decodeUnreach(value)
    default:
      if let error = decodeValue(type: type, value: value) { errors.append(error) }
    }
  }

  /// Nil for a type that we do not know.
  private static func expectedFlags(_ type: UInt8) -> UInt8? {
    switch type {
    case AttributeType.origin, AttributeType.asPath, AttributeType.nextHop,
      AttributeType.localPreference, AttributeType.atomicAggregate:
      AttributeFlag.transitive
    case AttributeType.multiExitDiscriminator, AttributeType.originatorID,
      AttributeType.clusterList, AttributeType.mpReach, AttributeType.mpUnreach:
      AttributeFlag.optional
    case AttributeType.aggregator, AttributeType.communities, AttributeType.extendedCommunities,
      AttributeType.as4Path, AttributeType.as4Aggregator, AttributeType.largeCommunities,
      AttributeType.onlyToCustomer:
      AttributeFlag.optional | AttributeFlag.transitive
    default: nil
    }
  }

  private mutating func decodeValue(type: UInt8, value: ArraySlice<UInt8>) -> AttributeError? {
    var length: String { "length \(value.count)" }
    var reader = ByteReader(value)
    let isOneWord = value.count == 4
    switch type {
    case AttributeType.origin:
      guard value.count == 1, let first = value.first,
        let origin = PathAttributes.Origin(rawValue: first)
      else { return AttributeError(.treatAsWithdraw, type, "ORIGIN \(Array(value.prefix(4)))") }
      attributes.origin = origin
    case AttributeType.asPath:
      guard let path = ASPath(decoding: value, fourOctet: options.fourOctetAS) else {
        return AttributeError(.treatAsWithdraw, type, "malformed AS_PATH")
      }
      attributes.asPath = path
    case AttributeType.nextHop:
      guard isOneWord, let address = try? reader.readIPv4Address() else {
        return AttributeError(.treatAsWithdraw, type, length)
      }
      guard isTrusted || address.isUsableNextHop else {
        return AttributeError(.treatAsWithdraw, type, "next hop \(address)")
      }
      classicNextHop = address
    case AttributeType.multiExitDiscriminator:
      guard isOneWord, let number = try? reader.readUInt32() else {
        return AttributeError(.treatAsWithdraw, type, length)
      }
      attributes.multiExitDiscriminator = number
    case AttributeType.localPreference:
      guard options.isInternal else { return externalError(type) }
      guard isOneWord, let number = try? reader.readUInt32() else {
        return AttributeError(.treatAsWithdraw, type, length)
      }
      attributes.localPreference = number
    case AttributeType.atomicAggregate:
      guard value.isEmpty else { return AttributeError(.discardAttribute, type, length) }
      extended.atomicAggregate = true
    case AttributeType.aggregator:
      guard let aggregator = Self.aggregator(&reader, fourOctet: options.fourOctetAS) else {
        return AttributeError(.discardAttribute, type, length)
      }
      extended.aggregator = aggregator
    case AttributeType.communities:
      guard let words = reader.readWords() else {
        return AttributeError(.treatAsWithdraw, type, length)
      }
      extended.communities = words.map(Community.init(rawValue:))
    case AttributeType.originatorID:
      guard options.isInternal else { return externalError(type) }
      guard isOneWord, let address = try? reader.readIPv4Address() else {
        return AttributeError(.treatAsWithdraw, type, length)
      }
      extended.originatorID = address
    case AttributeType.clusterList:
      guard options.isInternal else { return externalError(type) }
      guard let words = reader.readWords() else {
        return AttributeError(.treatAsWithdraw, type, length)
      }
      extended.clusterList = words.map(IPv4Address.init(rawValue:))
    case AttributeType.extendedCommunities:
      guard let words = reader.readWords(), words.count % 2 == 0 else {
        return AttributeError(.treatAsWithdraw, type, length)
      }
      extended.extendedCommunities = stride(from: 0, to: words.count, by: 2).map {
        UInt64(words[$0]) << 32 | UInt64(words[$0 + 1])
      }
    case AttributeType.largeCommunities:
      guard let words = reader.readWords(), words.count % 3 == 0 else {
        return AttributeError(.treatAsWithdraw, type, length)
      }
      extended.largeCommunities = stride(from: 0, to: words.count, by: 3).map {
        LargeCommunity(global: words[$0], local1: words[$0 + 1], local2: words[$0 + 2])
      }
    case AttributeType.onlyToCustomer:
      // RFC 9234 §5.
      guard isOneWord, let number = try? reader.readUInt32() else {
        return AttributeError(.treatAsWithdraw, type, length)
      }
      extended.onlyToCustomer = ASNumber(number)
    case AttributeType.as4Path:
      // RFC 6793 §6: discarded where malformed, and from peers that need none.
      guard let path = ASPath(decoding: value, fourOctet: true) else {
        return AttributeError(.discardAttribute, type, "malformed AS4_PATH")
      }
      as4Path = path
    case AttributeType.as4Aggregator:
      guard let aggregator = Self.aggregator(&reader, fourOctet: true) else {
        return AttributeError(.discardAttribute, type, length)
      }
      as4Aggregator = aggregator
    default: break
    }
    return nil
  }

  private func externalError(_ type: UInt8) -> AttributeError {
    AttributeError(.discardAttribute, type, "from an external peer")
  }

  private static func aggregator(
    _ reader: inout ByteReader, fourOctet: Bool
  ) -> PathAttributes.Aggregator? {
    guard reader.remaining == (fourOctet ? 8 : 6) else { return nil }
    let number = fourOctet ? try? reader.readUInt32() : (try? reader.readUInt16()).map(UInt32.init)
    guard let number, let address = try? reader.readIPv4Address() else { return nil }
    return PathAttributes.Aggregator(asNumber: ASNumber(number), address: address)
  }
}

extension AttributeDecoder {
  /// Joins what came in several attributes.
  private mutating func finish() {
    if attributes.nextHop == nil { attributes.nextHop = classicNextHop.map(IPAddress.v4) }
    if !options.fourOctetAS {
      // RFC 6793 §4.2.3: an AGGREGATOR with a real number makes both AS4 attributes void.
      let isVoid = extended.aggregator.map { $0.asNumber != .transition } ?? false
      if !isVoid || as4Aggregator == nil {
        if let as4Path { attributes.asPath = attributes.asPath.merged(withAS4Path: as4Path) }
        if let as4Aggregator, extended.aggregator != nil { extended.aggregator = as4Aggregator }
      }
    }
    let extended = extended
    attributes.extend { $0 = extended }
  }

  /// Mandatory attributes that routes came without. RFC 7606 §3 d.
  func missing(classicRoutes: Bool) -> [AttributeError] {
    var types: [UInt8] = []
    if !seen.contains(AttributeType.origin) { types.append(AttributeType.origin) }
    if !seen.contains(AttributeType.asPath) { types.append(AttributeType.asPath) }
    if classicRoutes, !seen.contains(AttributeType.nextHop) { types.append(AttributeType.nextHop) }
    if options.isInternal, !seen.contains(AttributeType.localPreference) {
      types.append(AttributeType.localPreference)
    }
    return types.map { AttributeError(.treatAsWithdraw, $0, "missing") }
  }
}

extension AttributeDecoder {
  /// RFC 4760 §3. A malformed one resets the session: its routes are unknown. RFC 7606 §7.11.
  private mutating func decodeReach(_ value: ArraySlice<UInt8>) throws(NotificationMessage) {
    do {
      var reader = ByteReader(value)
      let afi = try reader.readUInt16()
      let safi = try reader.readUInt8()
      var hop = try reader.readReader(Int(try reader.readUInt8()))
      _ = try reader.readUInt8()
      guard let family = AddressFamily(rawValue: afi), safi == AddressFamily.unicast else { return }
      switch (family, hop.remaining) {
      case (.ipv4, 4):
        attributes.nextHop = .v4(try hop.readIPv4Address())
      case (_, 16) where family == .ipv6 || options.extendedNextHop:
        attributes.nextHop = .v6(try hop.readIPv6Address())
      case (_, 32) where family == .ipv6 || options.extendedNextHop:
        attributes.nextHop = .v6(try hop.readIPv6Address())
        attributes.linkLocalNextHop = try hop.readIPv6Address()
      default:
        throw NotificationMessage.optionalAttributeError
      }
      guard let routes = reader.readRoutes(family, identified: isIdentified(family)) else {
        throw NotificationMessage.optionalAttributeError
      }
      reach = (family, routes)
    } catch {
      throw .optionalAttributeError
    }
  }

  private func isIdentified(_ family: AddressFamily) -> Bool {
    options.addPathReceive.contains(family)
  }

  private mutating func decodeUnreach(_ value: ArraySlice<UInt8>) throws(NotificationMessage) {
    var reader = ByteReader(value)
    guard let afi = try? reader.readUInt16(), let safi = try? reader.readUInt8() else {
      throw .optionalAttributeError
    }
    guard let family = AddressFamily(rawValue: afi), safi == AddressFamily.unicast else { return }
    guard let routes = reader.readRoutes(family, identified: isIdentified(family)) else {
      throw .optionalAttributeError
    }
    unreach = (family, routes)
  }
}

extension ByteReader {
  fileprivate mutating func readLength(extended: Bool) throws(TruncatedInput) -> Int {
    extended ? Int(try readUInt16()) : Int(try readUInt8())
  }

  /// Four-octet words up to the end; nil if there is none or a part of one.
  fileprivate mutating func readWords() -> [UInt32]? {
    guard remaining > 0, remaining % 4 == 0 else { return nil }
    var words: [UInt32] = []
    words.reserveCapacity(remaining / 4)
    while let word = try? readUInt32() { words.append(word) }
    return words
  }
}

extension IPv4Address {
  /// Neither 0/8, loopback, multicast nor reserved. RFC 4271 §6.3.
  var isUsableNextHop: Bool {
    let first = rawValue >> 24
    return first != 0 && first != 127 && first < 224
  }
}

/// Type codes, a bit each.
private struct TypeSet {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  func contains(_ type: UInt8) -> Bool { word(type) & bit(type) != 0 }

  /// True if it was not in.
  mutating func insert(_ type: UInt8) -> Bool {
    if contains(type) { return false }
    switch type >> 6 {
    case 0: words.0 |= bit(type)
    case 1: words.1 |= bit(type)
    case 2: words.2 |= bit(type)
    default: words.3 |= bit(type)
    }
    return true
  }

  private func bit(_ type: UInt8) -> UInt64 { 1 << UInt64(type & 63) }

  private func word(_ type: UInt8) -> UInt64 {
    switch type >> 6 {
    case 0: words.0
    case 1: words.1
    case 2: words.2
    default: words.3
    }
  }
}
