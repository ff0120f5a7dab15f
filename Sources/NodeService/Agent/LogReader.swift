import Containers
import Glibc
import Linux

/// Reads a container's log from the end of a few lines on, and what is added to it.
@Loop final class LogReader {
  private let path: String
  private var offset: off_t = 0
  /// Where the first whole line is.
  private var beginning: off_t = 0
  private var descriptor: Int32 = -1
  private static let chunkSize = 65_536

  init(path: String) { self.path = path }

  deinit { if descriptor >= 0 { close(descriptor) } }

  private func openFile() -> Bool {
    if descriptor < 0 {
      descriptor = open(path, O_RDONLY | O_CLOEXEC)
      if descriptor >= 0 { skipHole() }
    }
    return descriptor >= 0
  }

  /// A log that grew long has a hole for a beginning, then the rest of a line. See `ContainerLog`.
  private func skipHole() {
    let data = ContainerLog.beginning(of: descriptor)
    guard data > 0 else { return }
    offset = data
    let bytes = read()
    offset = data
    if let end = bytes.firstIndex(of: 0x0A) { offset += off_t(end) + 1 }
    beginning = offset
  }

  /// Begins at the last `tailLines` lines; at the first byte if it is nil.
  func seek(tailLines: Int?) throws {
    guard let tailLines, openFile() else { return }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return }
    var position = status.st_size
    offset = position
    guard tailLines > 0 else { return }
    var lines = 0
    var buffer = [UInt8](repeating: 0, count: Self.chunkSize)
    while position > beginning {
      let start = max(beginning, position - off_t(Self.chunkSize))
      let count = pread(descriptor, &buffer, Int(position - start), start)
      guard count > 0 else { break }
      for index in stride(from: count - 1, through: 0, by: -1)
      where buffer[index] == 0x0A && start + off_t(index) != status.st_size - 1 {
        lines += 1
        if lines == tailLines {
          offset = start + off_t(index) + 1
          return
        }
      }
      position = start
    }
    offset = beginning
  }

  /// The next bytes; empty where there are none yet.
  func read() -> [UInt8] {
    guard openFile() else { return [] }
    var buffer = [UInt8](repeating: 0, count: Self.chunkSize)
    let count = pread(descriptor, &buffer, buffer.count, offset)
    guard count > 0 else { return [] }
    offset += off_t(count)
    return Array(buffer[..<count])
  }
}
