import Glibc
import Linux

/// Small files and folders of the node's own state.
enum Files {
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Makes a folder and those above it.
  static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(SystemError) {
    if mkdir(path, mode) == 0 {
      // The process' umask does not apply to what a pod was promised.
      chmod(path, mode)
      return
    }
    let code = errno
    if code == EEXIST, isDirectory(path) { return }
    guard code == ENOENT, let slash = path.dropLast().lastIndex(of: "/"), slash > path.startIndex
    else { throw SystemError("mkdir", path, code: code) }
    try makeDirectory(String(path[..<slash]))
    try system("mkdir", path) { mkdir(path, mode) }
    chmod(path, mode)
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
    fchmod(descriptor.rawValue, mode)
    try system("rename", path) { rename(temporary, path) }
  }

  /// The whole file, up to `limit` bytes.
  static func read(_ path: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
    let descriptor = Descriptor(try system("open", path) { open(path, O_RDONLY | O_CLOEXEC) })
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < limit {
      let count = try system("read", path) {
        Glibc.read(descriptor.rawValue, &chunk, chunk.count)
      }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return bytes
  }

  static func text(_ path: String) -> String? {
    (try? read(path)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The names in a folder, sorted; none if there is no such folder.
  static func names(in path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes a file or a folder with all in it; follows no link and enters no other file system.
  static func removeTree(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    removeTree(path, device: status.st_dev)
  }

  private static func removeTree(_ path: String, device: dev_t) {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_dev == device else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in names(in: path) { removeTree(path + "/" + name, device: device) }
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}
