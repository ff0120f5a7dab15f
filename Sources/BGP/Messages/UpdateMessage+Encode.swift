import NetTypes
import Wire

extension UpdateMessage {
  /// - Precondition: the routes fit one message, and are of one family; `RouteBuffer` packs tables.
  func encode(into writer: inout ByteWriter, options: CodecOptions) {
    if let endOfRIB {
      writer.write(UInt16(0))
      writer.writeLengthPrefixed16 { writer in
        if endOfRIB == .ipv4 { return }
        writer.writeAttribute(AttributeType.mpUnreach, AttributeFlag.optional) { writer in
          writer.write(endOfRIB.rawValue)
          writer.write(AddressFamily.unicast)
        }
      }
      return
    }
    writer.writeLengthPrefixed16 { writer in
      for prefix in withdrawn where prefix.isIPv4 { writer.write(prefix) }
    }
    writer.writeLengthPrefixed16 { writer in
      let withdrawn6 = withdrawn.filter { !$0.isIPv4 }
      if !withdrawn6.isEmpty {
        writer.writeAttribute(AttributeType.mpUnreach, AttributeFlag.optional) { writer in
          writer.write(AddressFamily.ipv6.rawValue)
          writer.write(AddressFamily.unicast)
          for prefix in withdrawn6 { writer.write(prefix) }
        }
      }
      guard let attributes else { return }
      // RFC 8950 §3: IPv4 routes with an IPv6 next hop go where IPv6 routes go.
      let isClassic = attributes.nextHop?.isIPv4 ?? true
      attributes.encodeReach(announced.filter { !isClassic || !$0.isIPv4 }, into: &writer)
      attributes.encode(
        into: &writer, options: options,
        classicNextHop: isClassic && announced.contains { $0.isIPv4 })
    }
    guard attributes?.nextHop?.isIPv4 ?? true else { return }
    for prefix in announced where prefix.isIPv4 { writer.write(prefix) }
  }
}

extension PathAttributes {
  /// MP_REACH_NLRI comes first. RFC 7606 §5.1.
  fileprivate func encodeReach(_ prefixes: [IPPrefix], into writer: inout ByteWriter) {
    guard let first = prefixes.first, case .v6(let hop)? = nextHop else { return }
    writer.writeAttribute(AttributeType.mpReach, AttributeFlag.optional) { writer in
      writer.write(AddressFamily(of: first).rawValue)
      writer.write(AddressFamily.unicast)
      writer.writeLengthPrefixed8 { writer in
        writer.write(hop)
        if let linkLocalNextHop { writer.write(linkLocalNextHop) }
      }
      writer.write(UInt8(0))
      for prefix in prefixes { writer.write(prefix) }
    }
  }

  /// In the order of type codes. RFC 4271 §5.
  /// - Parameter marksPartial: Marks what we pass on without knowing it.
  func encode(
    into writer: inout ByteWriter, options: CodecOptions, classicNextHop: Bool,
    marksPartial: Bool = true
  ) {
    let transitive = AttributeFlag.transitive
    let optional = AttributeFlag.optional
    let both = optional | transitive
    let fourOctet = options.fourOctetAS
    writer.writeAttribute(AttributeType.origin, transitive) { $0.write(origin.rawValue) }
    writer.writeAttribute(AttributeType.asPath, transitive) {
      asPath.encode(into: &$0, fourOctet: fourOctet)
    }
    if classicNextHop, case .v4(let hop)? = nextHop {
      writer.writeAttribute(AttributeType.nextHop, transitive) { $0.write(hop) }
    }
    if let multiExitDiscriminator {
      writer.writeAttribute(AttributeType.multiExitDiscriminator, optional) {
        $0.write(multiExitDiscriminator)
      }
    }
    if options.isInternal, let localPreference {
      writer.writeAttribute(AttributeType.localPreference, transitive) { $0.write(localPreference) }
    }
    let needsAS4 = !fourOctet && asPath.needsFourOctets
    if let extended {
      if extended.atomicAggregate {
        writer.writeAttribute(AttributeType.atomicAggregate, transitive) { _ in }
      }
      if let aggregator = extended.aggregator {
        let number = aggregator.asNumber.rawValue
        writer.writeAttribute(AttributeType.aggregator, both) { writer in
          if fourOctet {
            writer.write(number)
          } else {
            writer.write(UInt16(exactly: number) ?? 23456)
          }
          writer.write(aggregator.address)
        }
      }
      if !extended.communities.isEmpty {
        writer.writeAttribute(AttributeType.communities, both) { writer in
          for community in extended.communities { writer.write(community.rawValue) }
        }
      }
      if options.isInternal, let originatorID = extended.originatorID {
        writer.writeAttribute(AttributeType.originatorID, optional) { $0.write(originatorID) }
      }
      if options.isInternal, !extended.clusterList.isEmpty {
        writer.writeAttribute(AttributeType.clusterList, optional) { writer in
          for cluster in extended.clusterList { writer.write(cluster) }
        }
      }
      if !extended.extendedCommunities.isEmpty {
        writer.writeAttribute(AttributeType.extendedCommunities, both) { writer in
          for community in extended.extendedCommunities { writer.write(community) }
        }
      }
    }
    if needsAS4 {
      // RFC 6793 §4.2.2: confederation segments stay out of AS4_PATH.
      let path = ASPath(
        segments: asPath.segments.filter { $0.kind == .set || $0.kind == .sequence })
      writer.writeAttribute(AttributeType.as4Path, both) {
        path.encode(into: &$0, fourOctet: true)
      }
    }
    guard let extended else { return }
    if !fourOctet, let aggregator = extended.aggregator, aggregator.asNumber.rawValue > 0xffff {
      writer.writeAttribute(AttributeType.as4Aggregator, both) { writer in
        writer.write(aggregator.asNumber.rawValue)
        writer.write(aggregator.address)
      }
    }
    if !extended.largeCommunities.isEmpty {
      writer.writeAttribute(AttributeType.largeCommunities, both) { writer in
        for community in extended.largeCommunities {
          writer.write(community.global)
          writer.write(community.local1)
          writer.write(community.local2)
        }
      }
    }
    if let onlyToCustomer = extended.onlyToCustomer {
      writer.writeAttribute(AttributeType.onlyToCustomer, both) {
        $0.write(onlyToCustomer.rawValue)
      }
    }
    for attribute in extended.opaque {
      // RFC 4271 §5: who passes on what it does not know says so.
      var flags = attribute.flags & ~AttributeFlag.extendedLength
      if marksPartial { flags |= AttributeFlag.partial }
      writer.writeAttribute(attribute.type, flags) { $0.write(attribute.value) }
    }
  }
}

extension ByteWriter {
  /// One attribute; its length takes two octets only where one does not hold it.
  fileprivate mutating func writeAttribute(
    _ type: UInt8, _ flags: UInt8, _ body: (inout ByteWriter) -> Void
  ) {
    let start = count
    write(flags)
    write(type)
    if writeLengthPrefixed8Or16(body) { overwrite(flags | AttributeFlag.extendedLength, at: start) }
  }
}
