import Glibc

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
