import Testing
import Wire

@Suite struct WireTests {
  @Test func `a failed read does not move the cursor`() throws {
    var reader = ByteReader([1, 2, 3])
    #expect(try reader.readUInt8() == 1)
    #expect(throws: TruncatedInput(needed: 4, available: 2, position: 1)) {
      try reader.readUInt32()
    }
    #expect(try reader.readUInt16() == 0x0203)
    #expect(reader.isAtEnd)
  }

  @Test func `a length of any size or sign never reads past the end`() {
    for count in [4, Int.max, -1, Int.min] {
      var reader = ByteReader([1, 2, 3])
      #expect(throws: TruncatedInput.self) { try reader.readBytes(count) }
      #expect(reader.position == 0)
    }
  }

  @Test func `integers are big-endian both ways`() throws {
    var writer = ByteWriter()
    writer.write(UInt8(1))
    writer.write(UInt16(0x0203))
    writer.write(UInt32(0x0405_0607))
    writer.write(UInt64(0x0809_0a0b_0c0d_0e0f))
    #expect(writer.bytes == Array(1...15))
    var reader = ByteReader(writer.bytes)
    #expect(try reader.readUInt8() == 1)
    #expect(try reader.readUInt16() == 0x0203)
    #expect(try reader.readUInt32() == 0x0405_0607)
    #expect(try reader.readUInt64() == 0x0809_0a0b_0c0d_0e0f)
  }

  @Test func `a length prefix counts what was written under it`() {
    var writer = ByteWriter()
    writer.writeLengthPrefixed16 { writer in
      writer.write(UInt8(9))
      writer.writeLengthPrefixed8 { $0.write([7, 8]) }
    }
    #expect(writer.bytes == [0, 4, 9, 2, 7, 8])
  }

  @Test func `a reader over a slice counts from the slice's start`() throws {
    let bytes: [UInt8] = [0, 0, 0, 5, 6]
    var reader = ByteReader(bytes[3...])
    #expect(reader.position == 0)
    #expect(try reader.readReader(2).remaining == 2)
    #expect(reader.isAtEnd)
  }
}
