import CNGHTTP2
import Glibc

/// Memory of one worker's HTTP/2 sessions: blocks of powers of two that are used again, so that a
/// request in steady state allocates nothing. One thread's.
///
///     [16 octets: size class] [block]
final class HTTP2Memory {
  private static let smallest = 5
  private static let largest = 16
  private static let header = 16

  /// Free blocks of a class, linked through their first word.
  private let free: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  let functions: UnsafeMutablePointer<nghttp2_mem>

  init() {
    free = .allocate(capacity: HTTP2Memory.largest + 1)
    free.initialize(repeating: nil, count: HTTP2Memory.largest + 1)
    functions = .allocate(capacity: 1)
    functions.initialize(to: nghttp2_mem())
    functions.pointee.mem_user_data = Unmanaged.passUnretained(self).toOpaque()
    functions.pointee.malloc = { size, pool in HTTP2Memory.of(pool)?.allocate(size) }
    functions.pointee.free = { block, pool in HTTP2Memory.of(pool)?.release(block) }
    functions.pointee.calloc = { count, size, pool in
      let (total, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, let block = HTTP2Memory.of(pool)?.allocate(total) else { return nil }
      memset(block, 0, total)
      return block
    }
    functions.pointee.realloc = { block, size, pool in
      HTTP2Memory.of(pool)?.resize(block, size)
    }
  }

  deinit {
    for index in HTTP2Memory.smallest...HTTP2Memory.largest {
      while let block = free[index] {
        free[index] = block.load(as: UnsafeMutableRawPointer?.self)
        Glibc.free(block - HTTP2Memory.header)
      }
    }
    free.deallocate()
    functions.deallocate()
  }

  private static func of(_ pool: UnsafeMutableRawPointer?) -> HTTP2Memory? {
    pool.map { Unmanaged<HTTP2Memory>.fromOpaque($0).takeUnretainedValue() }
  }

  private static func sizeClass(_ size: Int) -> Int {
    max(smallest, Int.bitWidth - max(1, size - 1).leadingZeroBitCount)
  }

  private func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    let index = HTTP2Memory.sizeClass(size)
    if index <= HTTP2Memory.largest, let block = free[index] {
      free[index] = block.load(as: UnsafeMutableRawPointer?.self)
      return block
    }
    guard let memory = Glibc.malloc(HTTP2Memory.header + (1 << index)) else { return nil }
    memory.storeBytes(of: index, as: Int.self)
    return memory + HTTP2Memory.header
  }

  private func release(_ block: UnsafeMutableRawPointer?) {
    guard let block else { return }
    let index = (block - HTTP2Memory.header).load(as: Int.self)
    guard index <= HTTP2Memory.largest else { return Glibc.free(block - HTTP2Memory.header) }
    block.storeBytes(of: free[index], as: UnsafeMutableRawPointer?.self)
    free[index] = block
  }

  private func resize(
    _ block: UnsafeMutableRawPointer?, _ size: Int
  ) -> UnsafeMutableRawPointer? {
    guard let block else { return allocate(size) }
    let room = 1 << (block - HTTP2Memory.header).load(as: Int.self)
    if size <= room { return block }
    guard let larger = allocate(size) else { return nil }
    memcpy(larger, block, room)
    release(block)
    return larger
  }
}
