import Glibc

/// A process told from a later one that has its number: by the time it started.
package enum ProcessIdentity {
  /// Clock ticks since boot at which `pid` started: field 22 of /proc/PID/stat, proc(5). Nil if there
  /// is no such process, or only its zombie.
  package static func startTime(of pid: Int32) -> String? {
    guard let stat = try? FileSystem.readText("/proc/\(pid)/stat"),
      let end = stat.lastIndex(of: ")")
    else { return nil }
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 19, fields[0] != "Z" else { return nil }
    return String(fields[19])
  }
}
