import Glibc
import HTTP

/// Edits of a head's fields while rules are read: names that go, and lines that come.
struct FieldBlock {
  private static let nameSpace = 2 << 10
  private static let lineSpace = 14 << 10

  private let memory: UnsafeMutableRawPointer
  /// A byte of length and the name in lower case, each.
  private var names: HeadWriter
  private var lines: HeadWriter

  init() {
    memory = .allocate(byteCount: FieldBlock.nameSpace + FieldBlock.lineSpace, alignment: 16)
    (names, lines) = FieldBlock.writers(memory)
  }

  func deallocate() { memory.deallocate() }

  private static func writers(
    _ memory: UnsafeMutableRawPointer
  ) -> (names: HeadWriter, lines: HeadWriter) {
    (
      HeadWriter(UnsafeMutableRawBufferPointer(start: memory, count: nameSpace)),
      HeadWriter(UnsafeMutableRawBufferPointer(start: memory + nameSpace, count: lineSpace))
    )
  }

  mutating func reset() {
    guard !isEmpty else { return }
    (names, lines) = FieldBlock.writers(memory)
  }

  var isEmpty: Bool { names.count == 0 && lines.count == 0 }
  var overflowed: Bool { names.overflowed || lines.overflowed }

  /// All fields of that name go, and lines that came under it before.
  mutating func remove(_ name: String) {
    names.append(byte: UInt8(truncatingIfNeeded: name.utf8.count))
    for byte in name.utf8 { names.append(byte: lower(byte)) }
    dropLines(name)
  }

  mutating func add(_ name: String, value: (inout HeadWriter) -> Void) {
    lines.append(text: name)
    lines.append(": ")
    value(&lines)
    lines.append("\r\n")
  }

  mutating func add(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
    lines.append(name)
    lines.append(": ")
    lines.append(value)
    lines.append("\r\n")
  }

  private mutating func dropLines(_ name: String) {
    guard lines.count > 0 else { return }
    let start = memory + FieldBlock.nameSpace
    var kept = HeadWriter(UnsafeMutableRawBufferPointer(start: start, count: FieldBlock.lineSpace))
    let all = lines.written
    var line = 0
    while line < all.count {
      var end = line
      while all[end] != 0x0a { end &+= 1 }
      end &+= 1
      let text = UnsafeRawBufferPointer(rebasing: all[line..<end])
      // Moves towards the start only, so that nothing is overwritten before it is read.
      if !begins(text, name) { kept.append(text) }
      line = end
    }
    lines = kept
  }

  private func begins(_ line: UnsafeRawBufferPointer, _ name: String) -> Bool {
    let count = name.utf8.count
    guard line.count > count, line[count] == UInt8(ascii: ":") else { return false }
    var index = 0
    for byte in name.utf8 {
      if lower(line[index]) != lower(byte) { return false }
      index &+= 1
    }
    return true
  }

  var view: FieldEditView { FieldEditView(names: names.written, lines: lines.written) }

  /// A copy that a connection can keep; nil if no block is large enough.
  func copy(_ buffers: inout BufferPool) -> Buffer? {
    guard var buffer = buffers.take(2 + names.count + lines.count), let base = buffer.base else {
      return nil
    }
    base.storeBytes(of: UInt16(truncatingIfNeeded: names.count), as: UInt16.self)
    if let source = names.written.baseAddress { memcpy(base + 2, source, names.count) }
    if let source = lines.written.baseAddress {
      memcpy(base + 2 + names.count, source, lines.count)
    }
    buffer.end = UInt32(2 + names.count + lines.count)
    return buffer
  }
}

/// Edits as bytes, wherever they lie.
struct FieldEditView {
  let names: UnsafeRawBufferPointer
  let lines: UnsafeRawBufferPointer

  init(names: UnsafeRawBufferPointer, lines: UnsafeRawBufferPointer) {
    self.names = names
    self.lines = lines
  }

  /// Of a copy that `FieldBlock.copy` made.
  init(_ buffer: Buffer) {
    let bytes = buffer.bytes
    let count = bytes.isEmpty ? 0 : Int(bytes.loadUnaligned(as: UInt16.self))
    names = UnsafeRawBufferPointer(
      rebasing: bytes[min(2, bytes.count)..<min(2 + count, bytes.count)])
    lines = UnsafeRawBufferPointer(rebasing: bytes[min(2 + count, bytes.count)...])
  }

  func removes(_ name: UnsafeRawBufferPointer) -> Bool {
    var place = 0
    while place < names.count {
      let length = Int(names[place])
      if length == name.count {
        var index = 0
        while index < length, lower(name[index]) == names[place &+ 1 &+ index] { index &+= 1 }
        if index == length { return true }
      }
      place &+= 1 &+ length
    }
    return false
  }
}
