import NetTypes
import Wire

// The order of RFC 7606 §3: first the frame of the message, then the attributes one by one, then
// the routes. What cannot be parsed as routes resets the session; a malformed attribute is
// discarded or turns the announced routes into withdrawals.

extension UpdateMessage {
  /// - Throws: the NOTIFICATION to answer with, where the routes themselves cannot be read.
  init(
    decoding body: ArraySlice<UInt8>, options: CodecOptions
  ) throws(NotificationMessage) {
    self.init()
    var reader = ByteReader(body)
    var withdrawnField: ByteReader
    var attributesField: ByteReader
    do {
      withdrawnField = try reader.readReader(Int(try reader.readUInt16()))
      attributesField = try reader.readReader(Int(try reader.readUInt16()))
    } catch {
      throw .malformedAttributeList
    }
    let identified = options.addPathReceive
    let classic = identified.contains(.ipv4)
    guard var withdrawn = withdrawnField.readRoutes(.ipv4, identified: classic),
      var announced = reader.readRoutes(.ipv4, identified: classic)
    else { throw .invalidNetworkField }

    if withdrawn.isEmpty, announced.isEmpty, attributesField.isAtEnd {
      endOfRIB = .ipv4
      return
    }
    var decoder = AttributeDecoder(options: options)
    try decoder.decode(&attributesField)
    let classicRoutes = !announced.isEmpty
    if let reach = decoder.reach { announced.append(reach.announced) }
    if let unreach = decoder.unreach {
      withdrawn.append(unreach.withdrawn)
      if decoder.count == 1, unreach.withdrawn.isEmpty, withdrawn.isEmpty, announced.isEmpty {
        endOfRIB = unreach.family
        return
      }
    }
    errors = decoder.errors
    defer {
      (self.withdrawn, withdrawnIdentifiers) = (withdrawn.prefixes, withdrawn.identifiers)
      (self.announced, announcedIdentifiers) = (announced.prefixes, announced.identifiers)
    }
    if !announced.isEmpty {
      errors += decoder.missing(classicRoutes: classicRoutes)
    }
    if errors.contains(where: { $0.disposition == .treatAsWithdraw }) {
      // RFC 7606 §5.2: without a single route in sight, nobody knows what would be withdrawn.
      if announced.isEmpty, withdrawn.isEmpty { throw .malformedAttributeList }
      withdrawn.append(announced)
      announced = RouteField()
    } else if !announced.isEmpty {
      attributes = decoder.attributes
    }
  }
}

/// Routes of one field of a message.
struct RouteField: Hashable, Sendable {
  var prefixes: [IPPrefix] = []
  /// One for each prefix; nil where the field has none. RFC 7911 §3.
  var identifiers: [UInt32]?

  var isEmpty: Bool { prefixes.isEmpty }

  mutating func append(_ other: RouteField) {
    if identifiers != nil || other.identifiers != nil {
      let zeros = { (count: Int) in [UInt32](repeating: 0, count: count) }
      identifiers =
        (identifiers ?? zeros(prefixes.count)) + (other.identifiers ?? zeros(other.prefixes.count))
    }
    prefixes += other.prefixes
  }
}

extension ByteReader {
  /// All routes up to the end; nil if one is malformed. RFC 7606 §5.3.
  mutating func readRoutes(_ family: AddressFamily, identified: Bool) -> RouteField? {
    var field = RouteField()
    var identifiers: [UInt32] = []
    while !isAtEnd {
      if identified {
        guard let identifier = try? readUInt32() else { return nil }
        identifiers.append(identifier)
      }
      guard let prefix = try? readPrefix(family) else { return nil }
      field.prefixes.append(prefix)
    }
    if !identifiers.isEmpty { field.identifiers = identifiers }
    return field
  }
}
