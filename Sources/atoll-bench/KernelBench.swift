import Glibc
import Linux
import NetTypes
import RouterService

/// `atoll-bench kernel COUNT GATEWAY…`: installs COUNT routes into the table of the namespace it runs
/// in, changes where they lead and removes them; a line for each step with seconds of the clock and of
/// the processor.
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
      let half = prefixes[..<(prefixes.count / 2)]
      let (both, one, other) = (gateways, [gateways[0]], Array(gateways.dropFirst()))
      func lead(_ some: ArraySlice<IPPrefix>, to hops: [IPAddress]) throws {
        for prefix in some { kernel.set(prefix, .nextHops(hops)) }
        try kernel.flush()
      }
      try step("install", prefixes.count) { try lead(prefixes[...], to: one) }
      try step("replace", half.count) { try lead(half, to: both) }
      // The group that they share changes where it stands: one request, whatever their number.
      try step("lose-next-hop", half.count) { try lead(half, to: other) }
      try step("regain-next-hop", half.count) { try lead(half, to: both) }
      // As when a link fails: the way to a next hop is another, and no route is touched.
      let detour = Route(
        destination: IPPrefix(gateways[0], length: gateways[0].bitWidth), gateway: gateways[1])
      try Netlink().addRoute(detour)
      try step("move-next-hop", prefixes.count) { _ = try kernel.nextHopsMayHaveChanged() }
      try Netlink().deleteRoute(detour)
      try step("move-it-back", prefixes.count) { _ = try kernel.nextHopsMayHaveChanged() }
      // To where others lead already, so one by one.
      try step("join-others", half.count) { try lead(half, to: one) }
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
    Double(duration / .microseconds(1)) / 1_000_000
  }
}
