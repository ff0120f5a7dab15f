import CLinux
import Glibc

/// A line of the mount table, /proc/self/mountinfo of proc(5).
package struct Mount: Hashable, Sendable {
  package let path: String
  /// The file system's type: `overlay`, `nsfs`, `tmpfs`.
  package let kind: String

  package static func all() throws(SystemError) -> [Mount] {
    try FileSystem.readText("/proc/self/mountinfo").split(separator: "\n").compactMap { line in
      let sides = line.split(separator: " - ", maxSplits: 1)
      let fields = sides[0].split(separator: " ")
      guard sides.count == 2, fields.count > 4, let kind = sides[1].split(separator: " ").first
      else { return nil }
      return Mount(path: unescaped(fields[4]), kind: String(kind))
    }
  }

  /// Gives the calling process mounts of its own, and puts `file` in the place of `path` there.
  ///
  /// To be called by a process that then executes another program.
  package static func replacePrivately(_ path: String, by file: String) throws(SystemError) {
    try system("unshare", "mount namespace") { atoll_unshare(ATOLL_CLONE_NEWNS) }
    try system("mount", "/ as private") { mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) }
    try system("mount", path) { mount(file, path, nil, UInt(MS_BIND), nil) }
  }

  /// Unmounts, also while it is in use; what is not mounted is no error.
  package static func remove(_ path: String) throws(SystemError) {
    if umount2(path, Int32(MNT_DETACH)) != 0, errno != EINVAL, errno != ENOENT {
      throw SystemError("umount", path)
    }
  }

  /// Space, tab, newline and backslash come as three octal digits.
  private static func unescaped(_ text: Substring) -> String {
    guard text.contains("\\") else { return String(text) }
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), rest.count >= 3,
        let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
      {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
