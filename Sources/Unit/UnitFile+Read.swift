import Intent
import Linux

extension UnitFile {
  /// Reads and parses a file; relative paths in it begin at its folder.
  package static func read(_ path: String) throws -> Parsed {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let base = FileSystem.absolutePath(folder.isEmpty ? "." : folder.joined(separator: "/"))
    return try parse(try FileSystem.readText(path), file: path, folder: base)
  }
}
