import Glibc
import Linux

/// Small files of the node's own state. They are not forced to the disk: what a power cut takes,
/// the API gives back, and a pod's start is not to wait for a disk.
enum Files {
  /// Makes a folder and those above it; the process' umask does not apply to it.
  static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(SystemError) {
    if FileSystem.isDirectory(path) { return }
    try FileSystem.makeDirectories(path)
    try system("chmod", path) { chmod(path, mode) }
  }

  /// Writes a file whole or not at all.
  static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws(SystemError) {
    let temporary = path + ".new"
    let descriptor = Descriptor(
      try system("open", temporary) {
        open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
      })
    var written = 0
    while written < bytes.count {
      written += try system("write", temporary) {
        bytes[written...].withUnsafeBytes {
          Glibc.write(descriptor.rawValue, $0.baseAddress, $0.count)
        }
      }
    }
    try system("fchmod", temporary) { fchmod(descriptor.rawValue, mode) }
    try system("rename", path) { rename(temporary, path) }
  }

  /// The text of a file; nil if it cannot be read.
  static func text(_ path: String) -> String? { try? FileSystem.readText(path) }

  /// The names in a folder, sorted; none if there is no such folder.
  static func names(in path: String) -> [String] {
    ((try? FileSystem.list(path)) ?? []).sorted()
  }

  /// Removes a file or a folder as far as that can be done: what is busy is left.
  static func removeTree(_ path: String) { try? FileSystem.removeTree(path) }
}
