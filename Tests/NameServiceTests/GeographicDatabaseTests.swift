import Glibc
import Linux
import NetTypes
import Testing

@testable import NameService

/// Writes a MaxMind DB of few networks. https://maxmind.github.io/MaxMind-DB/
private struct DatabaseWriter {
  private enum Record { case empty, node(Int), data(Int) }
  private var nodes: [[Record]] = [[.empty, .empty]]
  private var section: [UInt8] = []
  private let version: UInt8

  init(version: UInt8) { self.version = version }

  mutating func add(_ prefix: IPPrefix, country: String, continent: String) {
    var bits = prefix.address.octets.flatMap { octet in (0..<8).map { Int(octet >> (7 - $0)) & 1 } }
    bits = Array(bits.prefix(Int(prefix.length)))
    if prefix.isIPv4, version == 6 { bits = [Int](repeating: 0, count: 96) + bits }
    var node = 0
    for bit in bits.dropLast() {
      if case .node(let next) = nodes[node][bit] {
        node = next
      } else {
        nodes.append([.empty, .empty])
        nodes[node][bit] = .node(nodes.count - 1)
        node = nodes.count - 1
      }
    }
    nodes[node][bits.last!] = .data(section.count)
    section += Self.map([
      ("country", Self.map([("iso_code", Self.text(country))])),
      ("continent", Self.map([("code", Self.text(continent))])),
    ])
  }

  private static func text(_ text: String) -> [UInt8] {
    [2 << 5 | UInt8(text.utf8.count)] + text.utf8
  }
  private static func map(_ pairs: [(String, [UInt8])]) -> [UInt8] {
    [7 << 5 | UInt8(pairs.count)] + pairs.flatMap { text($0.0) + $0.1 }
  }
  private static func short(_ value: Int) -> [UInt8] {
    [5 << 5 | 2, UInt8(value >> 8), UInt8(value & 0xff)]
  }

  var bytes: [UInt8] {
    let tree = nodes.flatMap { node in
      node.flatMap { record -> [UInt8] in
        let value =
          switch record {
          case .empty: nodes.count
          case .node(let number): number
          case .data(let offset): nodes.count + 16 + offset
          }
        return [UInt8(value >> 16), UInt8(value >> 8 & 0xff), UInt8(value & 0xff)]
      }
    }
    let metadata = Self.map([
      ("node_count", [6 << 5 | 4, 0, 0, UInt8(nodes.count >> 8), UInt8(nodes.count & 0xff)]),
      ("record_size", Self.short(24)), ("ip_version", Self.short(Int(version))),
      ("database_type", Self.text("Test-Country")), ("languages", [0, 4]),
      ("binary_format_major_version", Self.short(2)),
      ("binary_format_minor_version", Self.short(0)),
      ("build_epoch", [4, 2, 0x65, 0, 0, 0]), ("description", Self.map([])),
    ])
    return tree + [UInt8](repeating: 0, count: 16) + section + [0xab, 0xcd, 0xef]
      + "MaxMind.com".utf8 + metadata
  }
}

struct GeographicDatabaseTests {
  private func database(_ bytes: [UInt8]) throws -> GeographicDatabase {
    let path = "/tmp/atoll-geography-\(UInt64.random(in: 0 ... .max)).mmdb"
    try FileSystem.write(bytes, to: path)
    defer { unlink(path) }
    return try GeographicDatabase(path: path)
  }

  @Test(arguments: [UInt8(4), 6])
  func `prefixes come by country and continent, of both families`(_ version: UInt8) throws {
    var writer = DatabaseWriter(version: version)
    writer.add(IPPrefix("192.0.2.0/24")!, country: "CH", continent: "EU")
    writer.add(IPPrefix("198.51.100.0/25")!, country: "AU", continent: "OC")
    writer.add(IPPrefix("198.51.100.128/25")!, country: "DE", continent: "EU")
    if version == 6 { writer.add(IPPrefix("2001:db8::/32")!, country: "CH", continent: "EU") }
    let database = try database(writer.bytes)
    let six = version == 6 ? [IPPrefix("2001:db8::/32")!] : []
    #expect(database.type == "Test-Country")
    #expect(Set(database.prefixes(ofCountry: "CH")) == Set([IPPrefix("192.0.2.0/24")!] + six))
    #expect(database.prefixes(ofCountry: "AU") == [IPPrefix("198.51.100.0/25")!])
    #expect(
      Set(database.prefixes(ofContinent: "EU"))
        == Set([IPPrefix("192.0.2.0/24")!, IPPrefix("198.51.100.128/25")!] + six))
    #expect(database.prefixes(ofCountry: "FR") == [])
  }

  @Test func `a file that is none is refused with what it is`() throws {
    #expect(throws: GeographicDatabase.Failure.self) { try database(Array("no database".utf8)) }
    do {
      _ = try GeographicDatabase(path: "/nowhere/at.mmdb")
      Issue.record("opened")
    } catch {
      #expect("\(error)".hasPrefix("/nowhere/at.mmdb: "))
      #expect("\(error)".contains("No such file"))
    }
  }

  /// Every octet of the tree and the data, one at a time.
  @Test func `a damaged file is refused or read, and never more`() throws {
    var writer = DatabaseWriter(version: 6)
    writer.add(IPPrefix("2001:db8::/32")!, country: "CH", continent: "EU")
    let bytes = writer.bytes
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 0xff
      _ = try? database(damaged)
    }
  }
}
