/// Whole words of bytes at any offset: what is read, compared and copied for every query goes eight
/// octets at a time. Bounds are checked once for the whole width.

extension Span<UInt8> {
  /// Eight octets, the first the lowest.
  @inlinable @inline(__always)
  package func word(at offset: Int) -> UInt64 {
    precondition(offset >= 0 && offset &+ 8 <= count)
    return UInt64(
      littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
  }

  /// Big-endian, as those below.
  @inlinable @inline(__always)
  package func uint16(at offset: Int) -> UInt16 {
    precondition(offset >= 0 && offset &+ 2 <= count)
    return UInt16(
      bigEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt16.self))
  }

  @inlinable @inline(__always)
  package func uint32(at offset: Int) -> UInt32 {
    precondition(offset >= 0 && offset &+ 4 <= count)
    return UInt32(
      bigEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self))
  }

  @inlinable @inline(__always)
  package func uint64(at offset: Int) -> UInt64 { word(at: offset).byteSwapped }
}

extension MutableSpan<UInt8> {
  /// Eight octets, the first the lowest.
  @inlinable @inline(__always)
  package mutating func store(word: UInt64, at offset: Int) {
    precondition(offset >= 0 && offset &+ 8 <= count)
    withUnsafeMutableBytes {
      $0.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
    }
  }

  /// Big-endian, as those below.
  @inlinable @inline(__always)
  package mutating func store(_ value: UInt16, at offset: Int) {
    precondition(offset >= 0 && offset &+ 2 <= count)
    withUnsafeMutableBytes {
      $0.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
    }
  }

  @inlinable @inline(__always)
  package mutating func store(_ value: UInt32, at offset: Int) {
    precondition(offset >= 0 && offset &+ 4 <= count)
    withUnsafeMutableBytes {
      $0.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }
  }

  @inlinable @inline(__always)
  package mutating func store(_ value: UInt64, at offset: Int) {
    store(word: value.byteSwapped, at: offset)
  }

  /// `count` octets of `source` from `start` on.
  @inlinable @inline(__always)
  package mutating func copy(_ source: Span<UInt8>, from start: Int, count: Int, to offset: Int) {
    precondition(count >= 0 && start >= 0 && start &+ count <= source.count)
    precondition(offset >= 0 && offset &+ count <= self.count)
    source.withUnsafeBytes { source in
      withUnsafeMutableBytes { target in
        UnsafeMutableRawBufferPointer(rebasing: target[offset..<(offset &+ count)])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<(start &+ count)]))
      }
    }
  }
}
