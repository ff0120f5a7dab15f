import Linux
import NetTypes

/// A time limit on one stream that is set and lifted often: it keeps one timer, which looks when it
/// fires whether the limit has moved, so that setting it costs nothing.
@Loop final class Deadline {
  private let stream: any ByteStream
  private let what: String
  private var expiry: Instant?
  private var timer: Timer?
  private var firing = Instant.zero

  /// - Parameter what: Names the limit in the error that it fails the stream with.
  init(_ stream: any ByteStream, _ what: String) {
    self.stream = stream
    self.what = what
  }

  isolated deinit { timer?.cancel() }

  func set(_ limit: Duration) {
    let expiry = Loop.now.advanced(by: limit)
    self.expiry = expiry
    if timer == nil || firing > expiry { schedule(at: expiry) }
  }

  func lift() { expiry = nil }

  private func schedule(at instant: Instant) {
    timer?.cancel()
    firing = instant
    timer = Loop.after(Loop.now.duration(to: instant)) { [weak self] in self?.fire() }
  }

  private func fire() {
    timer = nil
    guard let expiry else { return }
    if Loop.now < expiry { return schedule(at: expiry) }
    stream.fail(TransportError.timedOut(what))
  }
}

/// A stream whose reads and writes have limits.
@Loop final class TimedStream {
  let stream: any ByteStream
  private let reading: Deadline
  private let receiving: Deadline
  private let writing: Deadline

  init(_ stream: any ByteStream) {
    self.stream = stream
    reading = Deadline(stream, "request")
    receiving = Deadline(stream, "body")
    writing = Deadline(stream, "writing")
  }

  /// As `read`; fails the stream when nothing comes for `limit`.
  func read(atMost count: Int, idle limit: Duration) async throws -> [UInt8] {
    reading.set(limit)
    defer { reading.lift() }
    return try await stream.read(atMost: count)
  }

  /// As `read`, of a body that is on its way.
  func receive(atMost count: Int, _ limit: Duration) async throws -> [UInt8] {
    receiving.set(limit)
    defer { receiving.lift() }
    return try await stream.read(atMost: count)
  }

  /// As `write`; fails the stream when the peer takes nothing for `limit`.
  func write(_ bytes: [UInt8], _ limit: Duration) async throws {
    defer { writing.lift() }
    let piece = 256 << 10
    // In pieces, so that the limit is on progress and not on the whole.
    var start = 0
    repeat {
      let end = min(start + piece, bytes.count)
      writing.set(limit)
      try await stream.write(bytes.count <= piece ? bytes : Array(bytes[start..<end]))
      start = end
    } while start < bytes.count
  }
}
