import Delivery
import Glibc
import Linux
import Synchronization

/// A file, or standard output, and the rings whose lines go there.
///
/// `@unchecked Sendable`: but for the atomics, everything belongs to the writing thread once it was
/// made.
final class AccessLogSink: @unchecked Sendable {
  let destination: AccessLog.Destination
  let rings: [AccessLogRing]
  /// Compiled logs that write here.
  let users = Atomic<Int>(0)
  /// Lines lost to errors of write(2) are told by these.
  let errors = Atomic<UInt64>(0)
  private let wantsReopening = Atomic<Bool>(false)
  private var descriptor: Int32
  private var lastLook: Int64 = 0

  /// - Throws: the error of open(2), which makes a file that is not there.
  init(_ destination: AccessLog.Destination, workers: Int) throws(SystemError) {
    self.destination = destination
    rings = (0..<workers).map { _ in AccessLogRing() }
    switch destination {
    case .standardOutput: descriptor = STDOUT_FILENO
    case .file(let path): descriptor = try AccessLogSink.open(path)
    }
  }

  deinit { if descriptor > STDERR_FILENO { close(descriptor) } }

  private static func open(_ path: String) throws(SystemError) -> Int32 {
    try system("open", path) {
      Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0o640)
    }
  }

  /// Any thread: opens the file by its name before the next line.
  func reopen() { wantsReopening.store(true, ordering: .releasing) }

  /// Writes what waits.
  /// - Returns: whether there was something.
  func drain(at now: Int64) -> Bool {
    followFile(at: now)
    var moved = false
    for ring in rings {
      let (first, second) = ring.waiting
      guard !first.isEmpty else { continue }
      write(first, second)
      ring.take(first.count + second.count)
      moved = true
    }
    return moved
  }

  var isEmpty: Bool { rings.allSatisfy(\.isEmpty) }

  /// In one call as far as the kernel takes it so: an upgraded edge and the one before append to the
  /// same file, and no line is to have one of the other's in it.
  private func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) {
    let total = first.count + second.count
    var written = 0
    while written < total {
      let skipped = min(written, first.count)
      var parts = (
        iovec(rest(first, from: skipped)), iovec(rest(second, from: written - skipped))
      )
      let count = withUnsafeMutableBytes(of: &parts) { bytes in
        writev(descriptor, bytes.assumingMemoryBound(to: iovec.self).baseAddress, 2)
      }
      if count >= 0 {
        written += count
      } else if errno == EAGAIN {
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&wait, 1, 100)
      } else if errno != EINTR {
        // A full disk costs the lines, not the service.
        errors.add(1, ordering: .relaxed)
        return
      }
    }
  }

  private func rest(_ bytes: UnsafeRawBufferPointer, from start: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[start...])
  }

  /// Once a second, and when told: whether the name still means the file that is open.
  private func followFile(at now: Int64) {
    guard case .file(let path) = destination else { return }
    let told = wantsReopening.exchange(false, ordering: .acquiringAndReleasing)
    guard told || now - lastLook >= 1000 else { return }
    lastLook = now
    var named = stat()
    var opened = stat()
    if !told, stat(path, &named) == 0, fstat(descriptor, &opened) == 0,
      named.st_ino == opened.st_ino, named.st_dev == opened.st_dev
    {
      return
    }
    // Without a new one the old file goes on, and the next second tries again.
    guard let fresh = try? AccessLogSink.open(path) else { return }
    close(descriptor)
    descriptor = fresh
  }
}

extension iovec {
  fileprivate init(_ bytes: UnsafeRawBufferPointer) {
    self.init(
      iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
  }
}
