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
    withdrawn = try Self.prefixes(&withdrawnField, .ipv4)
    announced = try Self.prefixes(&reader, .ipv4)

    if withdrawn.isEmpty, announced.isEmpty, attributesField.isAtEnd {
      endOfRIB = .ipv4
      return
    }
    var decoder = AttributeDecoder(options: options)
    try decoder.decode(&attributesField)
    let classicRoutes = !announced.isEmpty
    if let reach = decoder.reach { announced += reach.announced }
    if let unreach = decoder.unreach {
      withdrawn += unreach.withdrawn
      if decoder.count == 1, unreach.withdrawn.isEmpty, withdrawn.isEmpty, announced.isEmpty {
        endOfRIB = unreach.family
        return
      }
    }
    errors = decoder.errors
    if !announced.isEmpty {
      errors += decoder.missing(classicRoutes: classicRoutes)
    }
    if errors.contains(where: { $0.disposition == .treatAsWithdraw }) {
      // RFC 7606 §5.2: without a single route in sight, nobody knows what would be withdrawn.
      if announced.isEmpty, withdrawn.isEmpty { throw .malformedAttributeList }
      withdrawn += announced
      announced = []
    } else if !announced.isEmpty {
      attributes = decoder.attributes
    }
  }

  private static func prefixes(
    _ reader: inout ByteReader, _ family: AddressFamily
  ) throws(NotificationMessage) -> [IPPrefix] {
    guard let prefixes = reader.readPrefixes(family) else { throw .invalidNetworkField }
    return prefixes
  }
}

extension ByteReader {
  /// All prefixes up to the end; nil if one is malformed. RFC 7606 §5.3.
  mutating func readPrefixes(_ family: AddressFamily) -> [IPPrefix]? {
    var prefixes: [IPPrefix] = []
    while !isAtEnd {
      guard let prefix = try? readPrefix(family) else { return nil }
      prefixes.append(prefix)
    }
    return prefixes
  }
}
