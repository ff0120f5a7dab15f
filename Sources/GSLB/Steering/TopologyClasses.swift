import NetTypes

/// Clients that the same topology records fit, by prefix.
///
/// 1. Each record's source becomes prefixes: regions by their sources, countries and continents by
///    the geography.
/// 2. A prefix belongs to the class of all records whose prefixes hold it, its own and the wider.
/// 3. Records of a class are in order of their sources, the narrowest first.
struct TopologyClasses: Sendable {
  /// The records of each class, by index in the configuration; class 0 is of clients that none fits.
  private(set) var classes: [[Int]] = [[]]
  /// Sorted, and so that the longest match counts.
  private(set) var prefixes: [(prefix: IPPrefix, index: Int)] = []

  init(_ configuration: GSLBConfiguration, geography: Geography) {
    var regions: [String: [TopologySource]] = [:]
    for region in configuration.regions { regions[region.name] = region.sources }
    var records: [IPPrefix: [Int]] = [:]
    for (index, record) in configuration.topology.enumerated() {
      for prefix in Self.prefixes(of: record.source, regions, geography) {
        records[prefix, default: []].append(index)
      }
    }
    let ranks = configuration.topology.map(\.source.rank)
    var known: [[Int]: Int] = [[]: 0]
    // A prefix sorts before those inside it, so the wider ones are what is left on the stack.
    var around: [(prefix: IPPrefix, records: [Int])] = []
    for (prefix, own) in records.sorted(by: { $0.key < $1.key }) {
      while let last = around.last, !last.prefix.contains(prefix) { around.removeLast() }
      let all = Set((around.last?.records ?? []) + own).sorted { (ranks[$0], $0) < (ranks[$1], $1) }
      around.append((prefix, all))
      let index = known[all] ?? classes.count
      if index == classes.count {
        known[all] = index
        classes.append(all)
      }
      prefixes.append((prefix, index))
    }
  }

  private static func prefixes(
    of source: TopologySource, _ regions: [String: [TopologySource]], _ geography: Geography
  ) -> Set<IPPrefix> {
    switch source {
    case .subnet(let prefix): [prefix]
    case .country, .continent: Set(geography(source))
    case .region(let name):
      // Regions of regions are refused by validation.
      (regions[name] ?? []).reduce(into: []) { found, inner in
        if case .region = inner { return }
        found.formUnion(prefixes(of: inner, [:], geography))
      }
    }
  }
}
