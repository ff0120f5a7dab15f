import Intent
import Linux

extension UnitFile {
  /// Reads and parses a file; relative paths in it begin at its folder.
  package static func read(_ path: String) throws -> Parsed {
    try parse(try FileSystem.readText(path), file: path, folder: folder(of: path))
  }

  fileprivate static func folder(of path: String) -> String {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    return FileSystem.absolutePath(folder.isEmpty ? "." : folder.joined(separator: "/"))
  }
}

extension MeshFile {
  /// Reads and parses a file; nil if it is of another kind.
  package static func read(_ path: String) throws -> Parsed? {
    try parse(try FileSystem.readText(path), file: path, folder: UnitFile.folder(of: path))
  }
}
