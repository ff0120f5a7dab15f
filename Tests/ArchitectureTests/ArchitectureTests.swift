import Foundation
import Testing

/// Reads Package.swift, ARCHITECTURE.md and every import in Sources/, and holds them against each other.
@Suite struct ArchitectureTests {
  let tree = Tree()

  @Test func `every module of the package has a level, and every level's module is in the package`()
    throws
  {
    let documented = Set(try tree.levels().keys)
    #expect(documented == Set(tree.modules()))
  }

  @Test func `imports go to a lower level, or to a sibling that ARCHITECTURE.md names`() throws {
    let levels = try tree.levels()
    for module in tree.modules() {
      for (file, imported) in try tree.imports(of: module) where levels[imported] != nil {
        guard let own = levels[module], let other = levels[imported] else { continue }
        let allowed = other.level < own.level || own.siblings.contains(imported)
        #expect(
          allowed,
          "\(file): \(module) (level \(own.level)) imports \(imported) (level \(other.level))")
      }
    }
  }

  @Test func `cores import no Foundation, no sockets and no clock`() throws {
    let levels = try tree.levels()
    let banned: Set = ["Foundation", "FoundationEssentials", "Glibc", "CLinux", "Dispatch"]
    for (module, place) in levels where place.level <= 1 && !module.hasPrefix("C") {
      for (file, imported) in try tree.imports(of: module) {
        #expect(!banned.contains(imported), "\(file) imports \(imported)")
      }
    }
  }

  @Test func `no source file is longer than 500 lines`() throws {
    for module in tree.modules() {
      for file in tree.files(of: module) {
        let lines = try String(contentsOf: file, encoding: .utf8).split(
          separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 501, "\(file.lastPathComponent) of \(module): \(lines.count) lines")
      }
    }
  }

  @Test func `each decision note is numbered and states context, choice and what was rejected`()
    throws
  {
    let notes = tree.root.appending(path: "docs/decisions")
    for name in try FileManager.default.contentsOfDirectory(atPath: notes.path).sorted() {
      #expect(name.wholeMatch(of: /\d{4}-[a-z0-9-]+\.md/) != nil, "\(name)")
      let text = try String(contentsOf: notes.appending(path: name), encoding: .utf8)
      for heading in ["## Context", "## Choice", "## Rejected"] {
        #expect(text.contains(heading), "\(name) lacks \(heading)")
      }
    }
  }
}

/// The checkout this test was built from.
struct Tree {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  struct Place {
    var level: Int
    /// Modules of the same level that this one may import.
    var siblings: Set<String>
  }

  func modules() -> [String] {
    let sources = root.appending(path: "Sources").path
    return (try? FileManager.default.contentsOfDirectory(atPath: sources).sorted()) ?? []
  }

  func files(of module: String) -> [URL] {
    let folder = root.appending(path: "Sources/\(module)")
    let walker = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    return (walker?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
  }

  /// Pairs of file name and imported module.
  func imports(of module: String) throws -> [(String, String)] {
    var found: [(String, String)] = []
    for file in files(of: module) {
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(
        of:
          #/(?m)^(?:@\w+ |package |internal |public )*import (?:struct |class |enum |func )?(\w+)/#)
      {
        found.append((file.lastPathComponent, String(match.1)))
      }
    }
    return found
  }

  /// ARCHITECTURE.md's table: `| level | modules | holds |`, a module as `Name` or `Name → Sibling, Sibling`.
  func levels() throws -> [String: Place] {
    let text = try String(contentsOf: root.appending(path: "ARCHITECTURE.md"), encoding: .utf8)
    var levels: [String: Place] = [:]
    for row in text.matches(of: #/(?m)^\| (\d) \| (.+?) \| /#) {
      guard let level = Int(row.1) else { continue }
      for module in row.2.split(separator: "; ") {
        let sides = module.split(separator: " → ")
        let name = String(sides[0].filter { $0 != "`" })
        let siblings = sides.dropFirst().flatMap { $0.filter { $0 != "`" }.split(separator: ", ") }
        levels[name] = Place(level: level, siblings: Set(siblings.map(String.init)))
      }
    }
    return levels
  }
}
