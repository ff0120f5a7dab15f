import BGP
import Linux
import NetTypes
import RouterService

/// `atoll-bench failover PEER AS PEER-AS`: a router in the caller's network namespace, with one
/// external neighbour whose path is watched by BFD at 50 ms × 3; until SIGTERM.
enum FailoverBench {
  @Loop static func run(_ arguments: [String]) async {
    guard arguments.count == 3, let peer = IPAddress(arguments[0]),
      let own = UInt32(arguments[1]), let remote = UInt32(arguments[2])
    else { Bench.usage() }
    var configuration = RouterConfiguration(localAS: ASNumber(own))
    // As long as FRR's: what ends the session is BFD.
    configuration.timers = SessionTimers(hold: .seconds(90), keepalive: .seconds(30))
    var neighbor = Neighbor(address: peer, remoteAS: ASNumber(remote))
    var settings = BFDSettings()
    settings.transmitInterval = .milliseconds(50)
    settings.receiveInterval = .milliseconds(50)
    neighbor.settings.bfd = settings
    configuration.neighbors = [neighbor]
    let router = Router(configuration: configuration)
    do { try router.start() } catch {
      print(error)
      return
    }
    await Bench.ended()
    router.stop(graceful: false)
  }
}
