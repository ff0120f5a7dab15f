import CLinux
import Glibc
import Linux

/// The file a container writes its output to.
package enum ContainerLog {
  /// Frees the blocks of the oldest output of a log above `limit` bytes, so that half of the limit
  /// is left. The file keeps its size and what is left its place, so neither the writer nor those
  /// who follow it notice, and no line written meanwhile is lost; the beginning becomes a hole. A file system without holes keeps the whole log.
  package static func trim(_ path: String, limit: Int) {
    var status = stat()
    guard stat(path, &status) == 0, Int(status.st_blocks) * 512 > limit else { return }
    let page = 4096
    let end = (Int(status.st_size) - limit / 2) / page * page
    guard end > 0, let descriptor = try? system("open", path, { open(path, O_RDWR | O_CLOEXEC) })
    else { return }
    let file = Descriptor(descriptor)
    _ = atoll_punch_hole(file.rawValue, 0, off_t(end))
  }

  /// Where an open log begins: behind the hole that `trim` left, which may be within a line.
  package static func beginning(of descriptor: Int32) -> off_t {
    max(0, lseek(descriptor, 0, ATOLL_SEEK_DATA))
  }
}
