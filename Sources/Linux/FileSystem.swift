import Glibc

/// Files and folders, without Foundation.
package enum FileSystem {
  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  package static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  package static func read(_ path: String) throws(SystemError) -> [UInt8] {
    let file = Descriptor(try system("open", path) { open(path, O_RDONLY | O_CLOEXEC) })
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = try system("read", path) { Glibc.read(file.rawValue, &chunk, chunk.count) }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
  }

  package static func readText(_ path: String) throws(SystemError) -> String {
    String(decoding: try read(path), as: UTF8.self)
  }

  /// Replaces `path` whole: readers see the old content or the new one, also after a power cut.
  package static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644)
    throws(SystemError)
  {
    let temporary = "\(path).\(getpid()).tmp"
    do {
      let file = Descriptor(
        try system("open", temporary) {
          open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        })
      try system("fchmod", temporary) { fchmod(file.rawValue, mode) }
      var written = 0
      while written < bytes.count {
        written += try system("write", temporary) {
          bytes[written...].withUnsafeBytes {
            Glibc.write(file.rawValue, $0.baseAddress, $0.count)
          }
        }
      }
      try system("fdatasync", temporary) { fdatasync(file.rawValue) }
    } catch {
      unlink(temporary)
      throw error
    }
    try system("rename", path) { rename(temporary, path) }
  }

  package static func write(_ text: String, to path: String, mode: mode_t = 0o644)
    throws(SystemError)
  {
    try write(Array(text.utf8), to: path, mode: mode)
  }

  /// Makes a folder and those above it; one that is there already is left as it is.
  package static func makeDirectories(_ path: String, mode: mode_t = 0o755) throws(SystemError) {
    if isDirectory(path) { return }
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      try makeDirectories(String(path[..<slash]), mode: mode)
    }
    if mkdir(path, mode) != 0, errno != EEXIST { throw SystemError("mkdir", path) }
  }

  /// The names in a folder, without `.` and `..`, unsorted.
  package static func list(_ path: String) throws(SystemError) -> [String] {
    guard let folder = opendir(path) else { throw SystemError("opendir", path) }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Removes a file or a folder with all below it. Links are removed, not followed, and another
  /// file system mounted below is an error rather than emptied.
  package static func removeTree(_ path: String) throws(SystemError) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw SystemError("lstat", path)
    }
    try removeTree(path, device: status.st_dev)
  }

  private static func removeTree(_ path: String, device: dev_t) throws(SystemError) {
    var status = stat()
    try system("lstat", path) { lstat(path, &status) }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      try system("unlink", path) { unlink(path) }
      return
    }
    guard status.st_dev == device else { throw SystemError("remove", path, code: EXDEV) }
    for name in try list(path) { try removeTree("\(path)/\(name)", device: device) }
    try system("rmdir", path) { rmdir(path) }
  }

  /// The path of the running executable.
  package static func executablePath() throws(SystemError) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = try system("readlink", "/proc/self/exe") {
      readlink("/proc/self/exe", &buffer, buffer.count - 1)
    }
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

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

/// Control groups, whichever of v1, v2 or both the machine has.
package enum ControlGroups {
  package static let root = "/sys/fs/cgroup"

  /// Removes the group at `path` and those below it from every hierarchy. Groups with processes stay.
  package static func remove(_ path: String) {
    let hierarchies = ((try? FileSystem.list(root)) ?? []).map { "\(root)/\($0)" } + [root]
    for hierarchy in hierarchies { removeGroup("\(hierarchy)/\(path)") }
  }

  private static func removeGroup(_ path: String) {
    guard FileSystem.isDirectory(path) else { return }
    for name in (try? FileSystem.list(path)) ?? [] where FileSystem.isDirectory("\(path)/\(name)") {
      removeGroup("\(path)/\(name)")
    }
    rmdir(path)
  }
}

extension FileSystem {
  /// `path` from the root, seen from the current folder.
  package static func absolutePath(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let buffer = getcwd(nil, 0) else { return path }
    defer { free(buffer) }
    return path == "." ? String(cString: buffer) : "\(String(cString: buffer))/\(path)"
  }
}
