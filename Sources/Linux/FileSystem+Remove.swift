import CLinux
import Glibc

extension FileSystem {
  /// Removes a file or a folder with all below it. Links are removed, not followed, and
  /// what is mounted below is an error (EXDEV) rather than emptied. What is not there is no error.
  ///
  /// Works on descriptors, not on paths, since a container made the tree: a name may be no text, a
  /// path longer than PATH_MAX, a folder swapped for a link meanwhile.
  package static func removeTree(_ path: String) throws(SystemError) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw SystemError("lstat", path)
    }
    if status.st_mode & S_IFMT == S_IFDIR {
      let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
      let root = Descriptor(try system("open", path) { open(path, flags) })
      var removal = TreeRemoval(path: path, root: root.rawValue)
      try removal.empty(root.rawValue, depth: 0)
      try system("rmdir", path) { rmdir(path) }
    } else if unlink(path) != 0, errno != ENOENT {
      throw SystemError("unlink", path)
    }
  }
}

/// One removal of a tree under way.
private struct TreeRemoval {
  /// Folders below this depth are moved up to the root first, so that neither the stack nor the
  /// number of open descriptors grows with the tree.
  static let depthLimit = 64

  let path: String
  let root: Int32
  private var moved = 0

  init(path: String, root: Int32) {
    self.path = path
    self.root = root
  }

  /// Empties the folder behind `descriptor`.
  mutating func empty(_ descriptor: Int32, depth: Int) throws(SystemError) {
    // Folders moved up while the root was being read are found by reading it again.
    repeat {
      let before = moved
      for name in try names(in: descriptor) { try remove(name, from: descriptor, depth: depth) }
      if depth > 0 || moved == before { return }
    } while true
  }

  private mutating func remove(_ name: [CChar], from parent: Int32, depth: Int) throws(SystemError)
  {
    if unlinkat(parent, name, 0) == 0 || errno == ENOENT { return }
    guard errno == EISDIR || errno == EPERM else { throw SystemError("unlink", "below \(path)") }
    if unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
    if depth >= Self.depthLimit {
      moved += 1
      try system("rename", "below \(path)") {
        renameat(parent, name, root, ".removed-\(getpid())-\(moved)")
      }
      return
    }
    let folder = Descriptor(
      try system("open", "below \(path)") { atoll_open_folder(parent, name) })
    try empty(folder.rawValue, depth: depth + 1)
    if unlinkat(parent, name, AT_REMOVEDIR) != 0, errno != ENOENT {
      throw SystemError("rmdir", "below \(path)")
    }
  }

  /// The names in a folder as the kernel has them, each ended by a zero.
  private func names(in descriptor: Int32) throws(SystemError) -> [[CChar]] {
    // closedir() closes what it is given, so it is given a descriptor of its own.
    let own = try system("open", path) { openat(descriptor, ".", O_RDONLY | O_CLOEXEC) }
    guard let folder = fdopendir(own) else {
      close(own)
      throw SystemError("opendir", path)
    }
    defer { closedir(folder) }
    var names: [[CChar]] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
      }
      // `.` and `..`
      if name == [46, 0] || name == [46, 46, 0] { continue }
      names.append(name)
    }
    return names
  }
}
