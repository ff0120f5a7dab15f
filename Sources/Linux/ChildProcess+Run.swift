import CLinux
import Glibc
import NetTypes

extension ChildProcess {
  /// What a finished command left.
  package struct Result: Sendable {
    package let ending: Ending
    package let output: [UInt8]
    package let errors: [UInt8]

    package init(ending: Ending, output: [UInt8], errors: [UInt8]) {
      self.ending = ending
      self.output = output
      self.errors = errors
    }

    package var outputText: String { String(decoding: output, as: UTF8.self) }
    package var errorText: String { String(decoding: errors, as: UTF8.self) }
  }

  /// Runs a command to its end, feeding `input` and collecting what it writes, each up to `limit`
  /// bytes (what is beyond is read and thrown away). Killed when the timeout passes or the task is
  /// cancelled.
  package static func run(
    _ arguments: [String], environment: [String: String]? = nil, input: [UInt8] = [],
    directory: String? = nil, networkNamespace: String? = nil, limit: Int = 1 << 20,
    timeout: Duration = .seconds(60)
  ) async throws -> Result {
    let standardInput = try Pipe()
    let standardOutput = try Pipe()
    let standardError = try Pipe()
    let child = try spawn(
      arguments, environment: environment, input: standardInput.read.rawValue,
      output: .descriptors(standardOutput.write.rawValue, standardError.write.rawValue),
      directory: directory, networkNamespace: networkNamespace)
    let feeder = Feeder(standardInput.takeWrite(), input)
    let output = Collector(standardOutput.takeRead(), limit: limit)
    let errors = Collector(standardError.takeRead(), limit: limit)
    standardInput.close()
    standardOutput.close()
    standardError.close()
    try feeder.start()
    try output.start()
    try errors.start()
    let alarm = Loop.after(timeout) { child.signal(SIGKILL) }
    defer {
      alarm.cancel()
      feeder.stop()
      output.stop()
      errors.stop()
    }
    return try await withTaskCancellationHandler {
      let ending = try await child.wait()
      // What the child left in the pipes is there already; a grandchild that holds them open is
      // not waited for.
      output.drain()
      errors.drain()
      return Result(ending: ending, output: output.bytes, errors: errors.bytes)
    } onCancel: {
      Task { @Loop in child.signal(SIGKILL) }
    }
  }

  @Loop private final class Pipe {
    private(set) var read: Handle
    private(set) var write: Handle

    // A command that could not be started leaves both ends here.
    isolated deinit { close() }

    init() throws(SystemError) {
      var ends: [Int32] = [-1, -1]
      try system("pipe2") { atoll_pipe(&ends) }
      read = Handle(ends[0])
      write = Handle(ends[1])
    }

    func takeRead() -> Int32 { read.take() }
    func takeWrite() -> Int32 { write.take() }

    func close() {
      read.close()
      write.close()
    }
  }

  private struct Handle {
    var rawValue: Int32

    init(_ rawValue: Int32) { self.rawValue = rawValue }

    mutating func take() -> Int32 {
      defer { rawValue = -1 }
      return rawValue
    }

    mutating func close() {
      if rawValue >= 0 { Glibc.close(rawValue) }
      rawValue = -1
    }
  }

  /// Reads a pipe to its end.
  @Loop private final class Collector {
    private(set) var bytes: [UInt8] = []
    private let descriptor: Int32
    private let limit: Int
    private var registration: Registration?
    private var isOpen = true

    init(_ descriptor: Int32, limit: Int) {
      self.descriptor = descriptor
      self.limit = limit
    }

    func start() throws(SystemError) {
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      registration = try Loop.watch(descriptor) { [weak self] _ in self?.drain() }
    }

    func drain() {
      var chunk = [UInt8](repeating: 0, count: 16 << 10)
      while isOpen {
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        if count < 0 { return }
        if count == 0 { return stop() }
        bytes += chunk[..<min(count, max(0, limit - bytes.count))]
      }
    }

    func stop() {
      guard isOpen else { return }
      isOpen = false
      registration?.cancel()
      registration = nil
      Glibc.close(descriptor)
    }
  }

  /// Writes all of its bytes into a pipe, then closes it.
  @Loop private final class Feeder {
    private let descriptor: Int32
    private var rest: ArraySlice<UInt8>
    private var registration: Registration?
    private var isOpen = true

    init(_ descriptor: Int32, _ bytes: [UInt8]) {
      self.descriptor = descriptor
      rest = bytes[...]
    }

    func start() throws(SystemError) {
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      if rest.isEmpty { return stop() }
      registration = try Loop.watch(descriptor) { [weak self] _ in self?.push() }
      push()
    }

    private func push() {
      while isOpen, !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 {
          if errno == EAGAIN { return }
          return stop()
        }
        rest = rest.dropFirst(count)
      }
      stop()
    }

    func stop() {
      guard isOpen else { return }
      isOpen = false
      registration?.cancel()
      registration = nil
      Glibc.close(descriptor)
    }
  }
}
