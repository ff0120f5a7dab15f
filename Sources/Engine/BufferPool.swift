import Glibc

/// Bytes that wait: from `start` to `end` of a block. Empty, it owns nothing.
struct Buffer {
  var base: UnsafeMutableRawPointer?
  var start: UInt32 = 0
  var end: UInt32 = 0
  var sizeClass: UInt8 = 0

  @inline(__always) var count: Int { Int(end &- start) }
  @inline(__always) var isEmpty: Bool { end == start }
  var capacity: Int { base == nil ? 0 : BufferPool.sizes[Int(sizeClass)] }
  /// Free bytes behind `end`.
  var room: Int { capacity &- Int(end) }

  @inline(__always) var bytes: UnsafeRawBufferPointer {
    guard let base else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: base + Int(start), count: count)
  }
}

/// Blocks of a few sizes, kept for reuse: a connection that stalls costs no allocation.
struct BufferPool {
  static let sizes = [4 << 10, 16 << 10, 64 << 10, 128 << 10]
  /// Blocks kept of each size; what is beyond goes back to the system.
  private static let kept = [1024, 128, 32, 16]
  static var largest: Int { sizes[sizes.count - 1] }

  // Tuples of four would do; arrays are touched only when a block changes hands.
  private var free: [[UnsafeMutableRawPointer]]

  init() {
    free = BufferPool.kept.map { count in
      var list: [UnsafeMutableRawPointer] = []
      list.reserveCapacity(count)
      return list
    }
  }

  /// A block of at least `capacity` bytes; nil if there is no such size.
  mutating func take(_ capacity: Int) -> Buffer? {
    for index in 0..<BufferPool.sizes.count where BufferPool.sizes[index] >= capacity {
      let block =
        free[index].popLast()
        ?? UnsafeMutableRawPointer.allocate(byteCount: BufferPool.sizes[index], alignment: 64)
      return Buffer(base: block, sizeClass: UInt8(index))
    }
    return nil
  }

  mutating func release(_ buffer: inout Buffer) {
    guard let base = buffer.base else { return }
    let index = Int(buffer.sizeClass)
    if free[index].count < BufferPool.kept[index] {
      free[index].append(base)
    } else {
      base.deallocate()
    }
    buffer = Buffer()
  }

  /// Appends a copy of `bytes`, moving to a larger block if need be.
  /// - Returns: false if no block is large enough; nothing was appended.
  mutating func append(_ bytes: UnsafeRawBufferPointer, to buffer: inout Buffer) -> Bool {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return true }
    guard reserve(bytes.count, in: &buffer), let base = buffer.base else { return false }
    memcpy(base + Int(buffer.end), source, bytes.count)
    buffer.end &+= UInt32(bytes.count)
    return true
  }

  /// Makes room for `count` bytes behind `end`.
  mutating func reserve(_ count: Int, in buffer: inout Buffer) -> Bool {
    if buffer.room >= count { return true }
    guard var larger = take(buffer.count &+ count), let target = larger.base else { return false }
    if let base = buffer.base { memcpy(target, base + Int(buffer.start), buffer.count) }
    larger.end = UInt32(buffer.count)
    release(&buffer)
    buffer = larger
    return true
  }

  func deallocate() {
    for list in free { for block in list { block.deallocate() } }
  }
}
