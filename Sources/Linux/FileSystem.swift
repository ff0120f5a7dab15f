import CLinux
import Glibc

/// Files and folders, without Foundation.
package enum FileSystem {
  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Tells whether a file is still the one that was seen.
  package struct Version: Equatable, Sendable {
    var device: UInt
    var inode: UInt
    var size: Int
    /// Nanoseconds since 1970.
    var modified: Int
  }

  /// Nil if there is no such file.
  package static func version(of path: String) -> Version? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Version(
      device: status.st_dev, inode: status.st_ino, size: status.st_size,
      modified: status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec)
  }

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

  /// The content of a file below `root`, which may have been made by somebody hostile: links are
  /// followed within `root` only, and neither a device nor more than `limit` bytes are read.
  /// - Throws: EINVAL for what is no regular file, EFBIG for one above the limit.
  package static func read(_ path: String, inRoot root: String, limit: Int = 1 << 20)
    throws(SystemError) -> [UInt8]
  {
    let folder = Descriptor(
      try system("open", root) { open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
    let file = Descriptor(
      try system("open", "\(root)/\(path)") { atoll_open_in_root(folder.rawValue, path) })
    var status = stat()
    try system("fstat", path) { fstat(file.rawValue, &status) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SystemError("read", path, code: EINVAL)
    }
    guard status.st_size <= limit else { throw SystemError("read", path, code: EFBIG) }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = try system("read", path) { Glibc.read(file.rawValue, &bytes, bytes.count) }
    return Array(bytes[..<count])
  }

  package static func readText(_ path: String) throws(SystemError) -> String {
    String(decoding: try read(path), as: UTF8.self)
  }

  /// Replaces `path` whole: readers see the old content or the new one.
  /// - Parameter isDurable: Also after a power cut, at the price of waiting for the disk.
  package static func write(
    _ bytes: [UInt8], to path: String, mode: mode_t = 0o644, isDurable: Bool = true
  ) throws(SystemError) {
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
      if isDurable { try system("fdatasync", temporary) { fdatasync(file.rawValue) } }
      try system("rename", path) { rename(temporary, path) }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  package static func write(
    _ text: String, to path: String, mode: mode_t = 0o644, isDurable: Bool = true
  ) throws(SystemError) {
    try write(Array(text.utf8), to: path, mode: mode, isDurable: isDurable)
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

  /// The path of the running executable.
  package static func executablePath() throws(SystemError) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = try system("readlink", "/proc/self/exe") {
      readlink("/proc/self/exe", &buffer, buffer.count - 1)
    }
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// `path` from the root, seen from the current folder.
  package static func absolutePath(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let buffer = getcwd(nil, 0) else { return path }
    defer { free(buffer) }
    return path == "." ? String(cString: buffer) : "\(String(cString: buffer))/\(path)"
  }
}
