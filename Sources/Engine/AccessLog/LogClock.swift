import Glibc

/// The time of day as RFC 3339 text; the text of a second is made once.
struct LogClock {
  private var second = Int.min
  private var text: (UInt64, UInt64, UInt64) = (0, 0, 0)
  /// `2026-11-26T11:40:22.`
  private static let count = 20

  /// Appends the time of now, in UTC, with milliseconds.
  mutating func append(to writer: inout HeadWriter) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &time)
    if time.tv_sec != second { format(time.tv_sec) }
    withUnsafeBytes(of: &text) {
      writer.append(UnsafeRawBufferPointer(rebasing: $0[..<LogClock.count]))
    }
    let milliseconds = time.tv_nsec / 1_000_000
    writer.append(padded: milliseconds, 3)
    writer.append("Z")
  }

  private mutating func format(_ seconds: Int) {
    second = seconds
    var time = seconds
    var parts = tm()
    gmtime_r(&time, &parts)
    withUnsafeMutableBytes(of: &text) { bytes in
      var writer = HeadWriter(bytes)
      writer.append(padded: Int(parts.tm_year) + 1900, 4)
      writer.append("-")
      writer.append(padded: Int(parts.tm_mon) + 1, 2)
      writer.append("-")
      writer.append(padded: Int(parts.tm_mday), 2)
      writer.append("T")
      writer.append(padded: Int(parts.tm_hour), 2)
      writer.append(":")
      writer.append(padded: Int(parts.tm_min), 2)
      writer.append(":")
      writer.append(padded: Int(parts.tm_sec), 2)
      writer.append(".")
    }
  }
}

extension HeadWriter {
  /// With zeros before it, as far as `digits` go.
  mutating func append(padded value: Int, _ digits: Int) {
    var unit = 1
    for _ in 1..<digits { unit &*= 10 }
    while unit > 0 {
      append(byte: UInt8(truncatingIfNeeded: value / unit % 10) &+ 0x30)
      unit /= 10
    }
  }

  /// Seconds with six digits behind the point.
  mutating func append(microseconds: Int64) {
    append(decimal: Int(microseconds / 1_000_000))
    append(".")
    append(padded: Int(microseconds % 1_000_000), 6)
  }
}
