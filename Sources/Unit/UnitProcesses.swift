import CLinux
import Glibc
import Intent
import Linux
import NetTypes

/// Every process and mount of a unit, found by what they are in and not by name: so that `down`
/// leaves no trace after any crash.
@Loop struct UnitProcesses {
  let unit: String
  /// The namespaces whose processes are the unit's.
  let namespaces: [String]

  init(unit: String) {
    self.unit = unit
    namespaces = Role.namespaces(of: unit)
  }

  /// Those of what is between a mesh's units.
  init(mesh plan: MeshPlan) {
    unit = plan.name
    namespaces = plan.namespaces.filter(NetworkNamespace.exists(named:))
  }

  /// Stops the supervisor in good order, then ends whatever is left in the unit's namespaces.
  func end() async {
    let directory = UnitDirectory(unit: unit)
    if let supervisor = ProcessFile(directory.supervisorPID).livePID {
      kill(supervisor, SIGTERM)
      await wait(limit: .seconds(8)) { !ProcessFile(directory.supervisorPID).isLive }
      if let stubborn = ProcessFile(directory.supervisorPID).livePID { kill(stubborn, SIGKILL) }
    }
    for file in (try? FileSystem.list(directory.runtime + "/roles")) ?? [] {
      if let pid = ProcessFile("\(directory.runtime)/roles/\(file)").livePID { kill(pid, SIGKILL) }
    }
    for pid in inside() { kill(pid, SIGKILL) }
    await wait(limit: .seconds(5)) { inside().isEmpty }
  }

  private func wait(limit: Duration, until done: () -> Bool) async {
    let deadline = Loop.now.advanced(by: limit)
    while !done(), Loop.now < deadline { try? await Loop.sleep(.milliseconds(10)) }
  }

  /// Processes whose network namespace is one of the unit's, or whose cgroup is.
  func inside() -> [Int32] {
    let inodes = Set(namespaceFiles().compactMap(inode(of:)))
    let processes = ((try? FileSystem.list("/proc")) ?? []).compactMap { Int32($0) }
    return processes.filter { pid in
      if let own = inode(of: "/proc/\(pid)/ns/net"), inodes.contains(own) { return true }
      let groups = (try? FileSystem.readText("/proc/\(pid)/cgroup")) ?? ""
      return groups.contains("/atoll/\(unit)/")
    }
  }

  private func namespaceFiles() -> [String] {
    let roles = namespaces.map { "\(NetworkNamespace.folder)/\($0)" }
    return roles + mounts().filter { $0.kind == "nsfs" }.map(\.path)
  }

  private func inode(of path: String) -> UInt64? {
    var status = stat()
    return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
  }

  private func mounts() -> [Mount] {
    let directory = UnitDirectory(unit: unit)
    return ((try? Mount.all()) ?? []).filter {
      $0.path.hasPrefix(directory.runtime + "/") || $0.path.hasPrefix(directory.state + "/")
    }
  }

  /// Unmounts what is below the unit's folders, the innermost first.
  func releaseMounts() throws {
    for mount in mounts().sorted(by: { $0.path > $1.path }) { try Mount.remove(mount.path) }
  }
}
