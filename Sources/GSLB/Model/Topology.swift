import NetTypes

/// Weight for a destination, for clients of one source. Of the records that fit a client and a
/// destination, the one with the narrowest source counts.
package struct TopologyRecord: Equatable, Sendable {
  package enum Destination: Equatable, Sendable {
    case pool(String)
    case dataCentre(String)
    case server(String)
    case subnet(IPPrefix)
  }

  package var source: TopologySource
  package var destination: Destination
  /// 1...65535; the destination with the most wins.
  package var weight: Int

  package init(_ source: TopologySource, to destination: Destination, weight: Int = 1) {
    self.source = source
    self.destination = destination
    self.weight = weight
  }
}

/// Where a client is: of its resolver, or of its own network if the resolver tells (RFC 7871).
package enum TopologySource: Hashable, Sendable, CustomStringConvertible {
  case subnet(IPPrefix)
  /// A region of the configuration.
  case region(String)
  /// ISO 3166-1 alpha-2, as `CH`.
  case country(String)
  /// `AF`, `AN`, `AS`, `EU`, `NA`, `OC` or `SA`.
  case continent(String)

  package static let continents: Set = ["AF", "AN", "AS", "EU", "NA", "OC", "SA"]

  package var description: String {
    switch self {
    case .subnet(let prefix): "subnet \(prefix)"
    case .region(let name): "region \(name)"
    case .country(let code): "country \(code)"
    case .continent(let code): "continent \(code)"
    }
  }

  /// Narrow ones first; subnets by their own length.
  var rank: Int {
    switch self {
    case .subnet(let prefix): -Int(prefix.length)
    case .region: 1
    case .country: 2
    case .continent: 3
    }
  }
}

/// Sources under one name.
package struct TopologyRegion: Equatable, Sendable {
  package var name: String
  package var sources: [TopologySource]

  package init(name: String, sources: [TopologySource]) {
    self.name = name
    self.sources = sources
  }
}

/// What a geographic database knows: the prefixes of a country or continent.
package typealias Geography = @Sendable (TopologySource) -> [IPPrefix]
