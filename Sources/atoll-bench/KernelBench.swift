import Glibc
import Linux
import NetTypes
import RouterService

/// `atoll-bench kernel COUNT GATEWAY…`: installs COUNT routes into the table of the namespace it runs
/// in, moves them to another next hop and removes them; a line for each step with seconds of the
/// clock and of the processor.
@Loop enum KernelBench {
  static func run(_ arguments: [String]) {
    let gateways = arguments.dropFirst().compactMap { IPAddress($0) }
    guard let count = arguments.first.flatMap({ UInt32($0) }), count > 0, count <= 14_000_000,
      gateways.count >= 2
    else { Bench.usage() }
    do {
      let kernel = try KernelRoutes()
      if let limitation = kernel.limitation { print(limitation) }
      // From 16.0.0.0 up, a /24 each.
      let prefixes = (0..<count).map {
        IPPrefix(.v4(IPv4Address(rawValue: 0x1000_0000 + $0 << 8)), length: 24)
      }
      let (half, one) = (prefixes[..<(prefixes.count / 2)], [gateways[0]])
      try step("install", prefixes.count) {
        for prefix in prefixes { kernel.set(prefix, .nextHops(one)) }
        try kernel.flush()
      }
      try step("replace", half.count) {
        for prefix in half { kernel.set(prefix, .nextHops(gateways)) }
        try kernel.flush()
      }
      try step("lose-next-hop", half.count) {
        for prefix in half { kernel.set(prefix, .nextHops(Array(gateways.dropLast()))) }
        try kernel.flush()
      }
      try step("audit", prefixes.count) { try kernel.audit() }
      // One by one: some of a next hop's routes go, others stay.
      let odd = prefixes[half.endIndex...].enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
      try step("remove", odd.count) {
        for prefix in odd { kernel.set(prefix, nil) }
        try kernel.flush()
      }
      let left = prefixes.count - odd.count
      try step("remove-all", left) {
        for prefix in prefixes { kernel.set(prefix, nil) }
        try kernel.flush()
      }
    } catch {
      print(error)
      exit(1)
    }
  }

  /// As `install 500000 1.72 1.70`: routes, seconds, seconds of the processor.
  private static func step(_ name: String, _ count: Int, _ body: () throws -> Void) throws {
    let (begin, used) = (Loop.now, processorTime())
    try body()
    let wall = seconds(begin.duration(to: Loop.now))
    print(name, count, wall, seconds(processorTime() - used))
    fflush(nil)
  }

  private static func processorTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(
      duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000)
      / 1000
  }
}
