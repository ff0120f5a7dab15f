import NetTypes

/// ROUTE-REFRESH. RFC 2918 §3, RFC 7313 §3.2.
package struct RouteRefreshMessage: Hashable, Sendable {
  /// The octet that RFC 2918 reserves; its meaning needs RFC 7313 on both ends.
  package struct Subtype: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Send everything again.
    package static let request = Subtype(rawValue: 0)
    /// BoRR: everything follows.
    package static let begin = Subtype(rawValue: 1)
    /// EoRR: that was everything.
    package static let end = Subtype(rawValue: 2)
  }

  /// Nil: a family that we do not carry.
  package var family: AddressFamily?
  package var subtype: Subtype

  package init(_ family: AddressFamily?, _ subtype: Subtype = .request) {
    self.family = family
    self.subtype = subtype
  }

  /// - Throws: Invalid Message Length, with the whole message. RFC 7313 §5.
  init(decoding body: ArraySlice<UInt8>, frame: ArraySlice<UInt8>) throws(NotificationMessage) {
    guard body.count == 4 else { throw NotificationMessage(.routeRefresh, 1, data: Array(frame)) }
    let afi = UInt16(body[body.startIndex]) << 8 | UInt16(body[body.startIndex + 1])
    // RFC 2918 §4: a family that we never advertised is ignored.
    let isKnown = body[body.startIndex + 3] == AddressFamily.unicast
    self.init(
      isKnown ? AddressFamily(rawValue: afi) : nil, Subtype(rawValue: body[body.startIndex + 2]))
  }

  var encoded: [UInt8] {
    let afi = family?.rawValue ?? 0
    return [
      UInt8(afi >> 8), UInt8(afi & 0xff), subtype.rawValue, AddressFamily.unicast,
    ]
  }
}
