import BGP
import Glibc
import Linux
import NetTypes
import RouterService

/// The router without a kernel, as `bench/routing` measures it:
///
///     atoll-bench router ROUTER-ID AS PEER=AS… [--routes COUNT]
///
/// serves until SIGTERM. Once COUNT routes are in, it prints the milliseconds since the first.
enum RouterBench {
  @Loop static func run(_ arguments: [String]) async {
    var positional: [String] = []
    var wanted = 0
    var rest = arguments.makeIterator()
    while let argument = rest.next() {
      if argument == "--routes" {
        wanted = rest.next().flatMap { Int($0) } ?? 0
      } else {
        positional.append(argument)
      }
    }
    guard positional.count >= 3, let id = IPv4Address(positional[0]),
      let number = UInt32(positional[1])
    else { Bench.usage() }
    var configuration = RouterConfiguration(localAS: ASNumber(number), routerID: id)
    for text in positional.dropFirst(2) {
      let parts = text.split(separator: "=")
      guard parts.count == 2, let address = IPAddress(parts[0]), let peerAS = UInt32(parts[1])
      else { Bench.usage() }
      var neighbor = Neighbor(address: address, remoteAS: ASNumber(peerAS))
      neighbor.settings.nextHopSelf = true
      neighbor.settings.timers = SessionTimers(hold: .seconds(180), keepalive: .seconds(60))
      configuration.neighbors.append(neighbor)
    }
    var options = Router.Options()
    options.installsRoutes = false
    let router = Router(configuration: configuration, options: options)
    do { try router.start() } catch {
      print(error)
      exit(1)
    }
    watch(router, wanted, since: nil)
    await Bench.ended()
    router.stop(graceful: true)
  }

  /// By timer, for this is measured too: a task that sleeps passes through other threads.
  @Loop private static func watch(_ router: Router, _ wanted: Int, since started: Instant?) {
    if wanted == 0 { return }
    let count = router.prefixesReceived
    if let started, count >= wanted {
      print("routes \(count) ms \(Int(started.duration(to: Loop.now) / .milliseconds(1)))")
      fflush(nil)
      return
    }
    let started = started ?? (count > 0 ? Loop.now : nil)
    Loop.after(.milliseconds(10)) { watch(router, wanted, since: started) }
  }
}
