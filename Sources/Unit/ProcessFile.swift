import Glibc
import Linux

/// A pid file that cannot mean another process: it holds the pid and the time that process started,
/// in clock ticks since boot (proc(5), field 22 of /proc/PID/stat).
package struct ProcessFile: Sendable {
  package let path: String

  package init(_ path: String) { self.path = path }

  package func write(pid: Int32) throws {
    guard let started = ProcessIdentity.startTime(of: pid) else { return }
    try FileSystem.write("\(pid) \(started)\n", to: path)
  }

  package func remove() { unlink(path) }

  /// The process the file means, if it is alive.
  package var livePID: Int32? {
    guard let text = try? FileSystem.readText(path) else { return nil }
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 2, let pid = Int32(words[0]),
      ProcessIdentity.startTime(of: pid) == String(words[1])
    else { return nil }
    return pid
  }

  package var isLive: Bool { livePID != nil }
}
