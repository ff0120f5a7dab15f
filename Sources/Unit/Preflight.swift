import Glibc
import Linux

/// What a unit needs of the machine; what is missing is one line saying what and how.
enum Preflight {
  static func checkRoot() throws(UnitError) {
    guard geteuid() == 0 else {
      throw UnitError(
        "not root: a unit's namespaces, mounts and cgroups need it; run with sudo")
    }
  }

  static func check() throws(UnitError) {
    try checkRoot()
    for (tool, package) in [("runc", "runc"), ("nft", "nftables")] where !isInPath(tool) {
      throw UnitError("\(tool) is not in PATH: sudo apt-get install \(package)")
    }
    guard FileSystem.exists("/proc/self/ns/net") else {
      throw UnitError("the kernel has no network namespaces: CONFIG_NET_NS is needed")
    }
    guard let kinds = try? FileSystem.readText("/proc/filesystems"), kinds.contains("overlay")
    else {
      throw UnitError("the kernel has no overlayfs: sudo modprobe overlay")
    }
  }

  private static func isInPath(_ tool: String) -> Bool {
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
    return folders.contains { access("\($0)/\(tool)", X_OK) == 0 }
  }
}

/// A file that one process at a time holds; another one waits for it.
final class FileLock {
  private let descriptor: Int32

  /// The lock of commands that change a unit.
  static func unit(_ name: String) throws -> FileLock {
    try FileLock(UnitDirectory(unit: name).lock)
  }

  /// The lock of commands that choose networks and ports no other unit may have.
  static func registry() throws -> FileLock { try FileLock(UnitDirectory.registryLock) }

  /// The lock of what writes down faults.
  static func faults() throws -> FileLock {
    try FileLock(UnitDirectory.runtimeRoot + "/.faults.lock")
  }

  private init(_ path: String) throws {
    try FileSystem.makeDirectories(UnitDirectory.runtimeRoot, mode: 0o755)
    let file = try system("open", path) { open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600) }
    descriptor = file
    try system("flock", path) { flock(file, LOCK_EX) }
  }

  deinit { close(descriptor) }

  /// Lets the next command go; the lock's file stays, since another may wait on it already.
  func release() { flock(descriptor, LOCK_UN) }
}
