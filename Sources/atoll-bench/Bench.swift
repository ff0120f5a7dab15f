import Delivery
import Engine
import Glibc
import Linux
import NetTypes

/// What `make bench` runs:
///
///     atoll-bench proxy tcp|http|udp LISTEN BACKEND… [--workers N] [--monitor tcp|http]
///
/// serves until SIGTERM, then drains.
///
///     atoll-bench failover PEER AS PEER-AS
///
/// routes until SIGTERM.
///
///     atoll-bench kernel COUNT GATEWAY GATEWAY
///
/// fills the kernel's table and empties it. `dns-answers`, `router`, `sink` and `soak` are told of at
/// `AnswerBench`, `RouterBench`, `RouteSink` and `Soak`.
@main
enum Bench {
  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let others = Array(arguments.dropFirst())
    noteSignals()
    switch arguments.first {
    case "dns-answers": return AnswerBench.run(others)
    case "failover": return await FailoverBench.run(others)
    case "kernel": return await KernelBench.run(others)
    case "router": return await RouterBench.run(others)
    case "sink": return await RouteSink.run(others)
    case "soak": exit(await Soak.run(others))
    case "soak-backend": return SoakBackend.run(others)
    case "soak-clients": return SoakClients.run(others)
    default: break
    }
    guard arguments.first == "proxy", arguments.count >= 4,
      let kind = VirtualServer.TransportProtocol(rawValue: arguments[1]),
      let listen = SocketAddress(arguments[2])
    else { usage() }
    var backends: [SocketAddress] = []
    var settings = Engine.Settings()
    var monitor = Monitor.none
    var rest = arguments[3...].makeIterator()
    while let argument = rest.next() {
      switch argument {
      case "--workers":
        guard let count = rest.next().flatMap({ Int($0) }) else { usage() }
        settings.workers = count
      case "--monitor":
        guard let kind = rest.next().flatMap({ Monitor.Kind(rawValue: $0) }) else { usage() }
        monitor = Monitor(kind: kind)
      default:
        guard let backend = SocketAddress(argument) else { usage() }
        backends.append(backend)
      }
    }
    await serve(kind, listen, backends, settings, monitor)
  }

  static func usage() -> Never {
    print(
      """
      usage: atoll-bench proxy tcp|http|udp LISTEN BACKEND... [--workers N] [--monitor tcp|http]
             atoll-bench router ROUTER-ID AS PEER=AS... [--routes COUNT]
             atoll-bench dns-answers [NAMES] [ANSWERS]
             atoll-bench sink AS PEERS ROUTES
             atoll-bench soak SECONDS
      """)
    exit(2)
  }

  @Loop static func serve(
    _ kind: VirtualServer.TransportProtocol, _ listen: SocketAddress, _ backends: [SocketAddress],
    _ settings: Engine.Settings, _ monitor: Monitor
  ) async {
    do throws(SystemError) {
      let engine = try Engine(settings)
      let problems = engine.apply(
        DeliveryConfiguration(
          virtualServers: [
            VirtualServer(
              name: "bench", address: listen.address, port: listen.port, protocol: kind,
              pool: "bench")
          ],
          pools: [
            Pool(
              name: "bench", members: backends.map { Member(address: $0.address, port: $0.port) },
              monitor: monitor)
          ]))
      for problem in problems { print(problem) }
      guard problems.isEmpty else { exit(1) }
      print("serving \(listen)")
      fflush(nil)
      await ended()
      await engine.drain(.seconds(5))
      print(engine.snapshot())
    } catch {
      print(error)
      exit(1)
    }
  }

  /// Returns with SIGTERM or SIGINT.
  @Loop static func ended() async {
    while wanted == 0 { try? await Loop.sleep(.milliseconds(100)) }
  }

  /// Not of the loop: the handler runs on whatever thread the signal finds.
  static func noteSignals() {
    for number in [SIGTERM, SIGINT] { signal(number) { _ in Bench.wanted = 1 } }
  }

  /// Set by a signal handler, read by the loop.
  nonisolated(unsafe) static var wanted: sig_atomic_t = 0
}
