import CLinux
import Glibc

/// A network namespace, held open.
package struct NetworkNamespace: ~Copyable, Sendable {
  /// Where iproute2 keeps the named ones.
  package static let folder = "/run/netns"

  let descriptor: Int32

  /// Opens the namespace bound at `path`.
  package static func open(path: String) throws(SystemError) -> NetworkNamespace {
    NetworkNamespace(
      descriptor: try system("open", path) { Glibc.open(path, O_RDONLY | O_CLOEXEC) })
  }

  package static func open(named name: String) throws(SystemError) -> NetworkNamespace {
    try open(path: "\(folder)/\(name)")
  }

  /// The calling thread's own.
  package static func current() throws(SystemError) -> NetworkNamespace {
    try open(path: "/proc/thread-self/ns/net")
  }

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Makes a namespace and binds it at `/run/netns/NAME`, where `ip netns` sees it too.
  package static func create(named name: String) throws(SystemError) {
    if mkdir(folder, 0o755) != 0, errno != EEXIST { throw SystemError("mkdir", folder) }
    try create(path: "\(folder)/\(name)")
  }

  /// Makes a namespace and binds it at `path`; the thread comes back to its own.
  package static func create(path: String) throws(SystemError) {
    let file = try system("open", path) {
      Glibc.open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444)
    }
    close(file)
    let own = try current()
    do throws(SystemError) {
      try system("unshare", "network namespace") { atoll_unshare(ATOLL_CLONE_NEWNET) }
    } catch {
      unlink(path)
      throw error
    }
    let bound = mount("/proc/thread-self/ns/net", path, "none", UInt(MS_BIND), nil)
    let failure = bound == 0 ? nil : SystemError("mount", path)
    try own.enter()
    if let failure {
      unlink(path)
      throw failure
    }
  }

  package static func delete(named name: String) throws(SystemError) {
    try delete(path: "\(folder)/\(name)")
  }

  /// Unbinds and removes `path`; the namespace goes when its last process and descriptor have.
  package static func delete(path: String) throws(SystemError) {
    if umount2(path, Int32(MNT_DETACH)) != 0, errno != EINVAL, errno != ENOENT {
      throw SystemError("umount", path)
    }
    if unlink(path) != 0, errno != ENOENT { throw SystemError("unlink", path) }
  }

  /// True of a bound namespace; a mere file of that name, left by a crash, is none.
  package static func exists(path: String) -> Bool {
    atoll_is_namespace(path) == 1
  }

  package static func exists(named name: String) -> Bool { exists(path: "\(folder)/\(name)") }

  /// The named namespaces whose names begin with `prefix`, sorted.
  package static func names(withPrefix prefix: String) -> [String] {
    ((try? FileSystem.list(folder)) ?? []).filter { $0.hasPrefix(prefix) }.sorted()
  }

  /// Moves the calling thread into the namespace, for good.
  package func enter() throws(SystemError) {
    try system("setns", "network namespace") { atoll_setns(descriptor, ATOLL_CLONE_NEWNET) }
  }

  /// Runs `body` with the calling thread inside, and comes back. Sockets made inside stay inside;
  /// `body` must not suspend.
  package func with<Value: ~Copyable>(_ body: () throws -> Value) throws -> Value {
    let own = try NetworkNamespace.current()
    try enter()
    do {
      let value = try body()
      try own.enter()
      return value
    } catch {
      try own.enter()
      throw error
    }
  }
}

/// Kernel parameters, those of /proc/sys/net being the calling thread's namespace's.
package enum Sysctl {
  /// Sets a parameter by its dotted name; one that this kernel lacks is an error.
  package static func set(_ name: String, _ value: String) throws(SystemError) {
    let path = "/proc/sys/" + name.split(separator: ".").joined(separator: "/")
    let file = Descriptor(try system("open", path) { open(path, O_WRONLY | O_CLOEXEC) })
    try system("write", path) { write(file.rawValue, value, value.utf8.count) }
  }
}
