import CMaxMindDB
import Glibc
import NetTypes

/// What a MaxMind DB file knows of countries and continents, as prefixes.
///
/// The whole tree is read once: a topology is compiled into the answers, so that no query looks
/// anything up in a file. https://maxmind.github.io/MaxMind-DB/
package struct GeographicDatabase: Sendable {
  package struct Failure: Error, CustomStringConvertible {
    package let path: String
    package let reason: String
    package var description: String { "\(path): \(reason)" }
  }

  /// By ISO 3166-1 alpha-2, as `CH`.
  private var countries: [String: [IPPrefix]] = [:]
  /// By code, as `EU`.
  private var continents: [String: [IPPrefix]] = [:]
  /// As `GeoLite2-Country`.
  package private(set) var type = ""
  /// Seconds since 1970.
  package private(set) var built: UInt64 = 0

  package init(path: String) throws(Failure) {
    var database = MMDB_s()
    let status = MMDB_open(path, UInt32(MMDB_MODE_MMAP), &database)
    guard status == MMDB_SUCCESS else {
      let system = status == MMDB_FILE_OPEN_ERROR ? ": " + String(cString: strerror(errno)) : ""
      throw Failure(path: path, reason: String(cString: MMDB_strerror(status)) + system)
    }
    defer { MMDB_close(&database) }
    type = database.metadata.database_type.map { String(cString: $0) } ?? ""
    built = database.metadata.build_epoch
    var walk = Walk(path: path, isIPv4: database.metadata.ip_version == 4)
    try walk.visit(0, depth: 0, &database)
    (countries, continents) = (walk.countries, walk.continents)
  }

  package func prefixes(ofCountry code: String) -> [IPPrefix] { countries[code] ?? [] }
  package func prefixes(ofContinent code: String) -> [IPPrefix] { continents[code] ?? [] }
  package var prefixCount: Int { countries.values.reduce(0) { $0 + $1.count } }

  /// From the root of the tree down, a bit of the address a step.
  private struct Walk {
    let path: String
    let isIPv4: Bool
    /// The bits so far, from the left.
    private var high: UInt64 = 0
    private var low: UInt64 = 0
    /// What a record says, by its place in the file: networks share records.
    private var known: [UInt32: (country: String?, continent: String?)] = [:]
    var countries: [String: [IPPrefix]] = [:]
    var continents: [String: [IPPrefix]] = [:]

    init(path: String, isIPv4: Bool) {
      self.path = path
      self.isIPv4 = isIPv4
    }

    mutating func visit(_ number: UInt32, depth: Int, _ database: inout MMDB_s) throws(Failure) {
      // 6to4, Teredo and mapped addresses are the tree of IPv4 once more.
      let start = database.ipv4_start_node
      if !isIPv4, number == start.node_value, depth > 0, !isAtIPv4(depth) { return }
      var node = MMDB_search_node_s()
      let status = MMDB_read_node(&database, number, &node)
      guard status == MMDB_SUCCESS, depth < (isIPv4 ? 32 : 128) else {
        throw Failure(
          path: path,
          reason: status == MMDB_SUCCESS
            ? "deeper than an address" : String(cString: MMDB_strerror(status)))
      }
      try follow(
        node.left_record_type, node.left_record, &node.left_record_entry, depth + 1, &database)
      flip(depth)
      try follow(
        node.right_record_type, node.right_record, &node.right_record_entry, depth + 1, &database)
      flip(depth)
    }

    private mutating func follow(
      _ type: UInt8, _ record: UInt64, _ entry: inout MMDB_entry_s, _ depth: Int,
      _ database: inout MMDB_s
    ) throws(Failure) {
      switch Int32(type) {
      case MMDB_RECORD_TYPE_SEARCH_NODE:
        try visit(UInt32(record), depth: depth, &database)
      case MMDB_RECORD_TYPE_DATA: note(&entry, depth)
      case MMDB_RECORD_TYPE_EMPTY: break
      default: throw Failure(path: path, reason: "a record that is none")
      }
    }

    private mutating func note(_ entry: inout MMDB_entry_s, _ depth: Int) {
      let place: (country: String?, continent: String?)
      if let before = known[entry.offset] {
        place = before
      } else {
        place = (
          text(&entry, "country", "iso_code") ?? text(&entry, "registered_country", "iso_code"),
          text(&entry, "continent", "code")
        )
        known[entry.offset] = place
      }
      let prefix = prefix(depth)
      if let country = place.country { countries[country, default: []].append(prefix) }
      if let continent = place.continent { continents[continent, default: []].append(prefix) }
    }

    private func text(_ entry: inout MMDB_entry_s, _ map: String, _ key: String) -> String? {
      var data = MMDB_entry_data_s()
      let status = map.withCString { map in
        key.withCString { key in
          var path: [UnsafePointer<CChar>?] = [map, key, nil]
          return MMDB_aget_value(&entry, &data, &path)
        }
      }
      guard status == MMDB_SUCCESS, data.has_data, data.type == MMDB_DATA_TYPE_UTF8_STRING,
        let bytes = data.utf8_string
      else { return nil }
      let octets = UnsafeRawBufferPointer(start: bytes, count: Int(data.data_size))
      return String(decoding: octets, as: UTF8.self)
    }

    private mutating func flip(_ depth: Int) {
      if depth < 64 { high ^= 1 << UInt64(63 - depth) } else { low ^= 1 << UInt64(127 - depth) }
    }

    /// In a tree of IPv6, IPv4 is ::/96.
    private func isAtIPv4(_ depth: Int) -> Bool { depth >= 96 && high == 0 && low >> 32 == 0 }

    private func prefix(_ depth: Int) -> IPPrefix {
      if isIPv4 { return IPPrefix(.v4(IPv4Address(rawValue: UInt32(high >> 32))), length: depth) }
      if isAtIPv4(depth) {
        return IPPrefix(
          .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: low))), length: depth - 96)
      }
      return IPPrefix(.v6(IPv6Address(high: high, low: low)), length: depth)
    }
  }
}
