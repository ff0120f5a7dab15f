import DNS
import Glibc
import NetTypes

/// What an answer costs one core, without sockets:
///
///     atoll-bench dns-answers [NAMES] [ANSWERS]
///
/// prints nanoseconds an answer for a zone of NAMES names, plain, absent, with EDNS and a cookie, and for
/// steered sets; with `bench/allocations.c` loaded also the allocations, by its signal.
enum AnswerBench {
  static func run(_ arguments: [String]) {
    let names = arguments.first.flatMap { Int($0) } ?? 100_000
    let answers = arguments.dropFirst().first.flatMap { Int($0) } ?? 5_000_000
    let origin = DomainName("bench.example") ?? .root
    var (catalogue, compiling) = (Catalogue.empty, Duration.zero)
    let zone = zone(origin, names)
    compiling = ContinuousClock().measure { catalogue = Catalogue(zones: [zone]) }
    print("compiled \(names) names in \(compiling), \(catalogue.byteCount / names) octets a name")
    var options = Responder.Options()
    options.cookies = ServerCookies(secret: .init([UInt8](repeating: 7, count: 16)))
    let work = Work(catalogue: catalogue, options: options, names: names, answers: answers)
    let cookie = EDNS(options: [.init(EDNS.OptionCode.cookie, [1, 2, 3, 4, 5, 6, 7, 8])])
    work.measure("static A", "h", .a, edns: nil)
    work.measure("static A, EDNS", "h", .a, edns: EDNS())
    work.measure("static A, EDNS, cookie", "h", .a, edns: cookie)
    work.measure("no such name", "x", .a, edns: EDNS())
    work.measure("no such type", "h", .txt, edns: EDNS())
    for (name, tables) in [("rotating", SteeredSet.Table.Turn.rotating), ("by client", .byClient)] {
      work.measure("steered A, \(name)", "h", .a, edns: EDNS(), steering: steering(tables, []))
    }
    let classes = (0..<4096).map {
      SteeredSet.ClientClass(
        IPPrefix(.v4(IPv4Address(rawValue: UInt32($0) << 20)), length: 12 + $0 % 13), table: $0 % 2)
    }
    work.measure(
      "steered A, 4096 classes", "h", .a, edns: EDNS(), steering: steering(.rotating, classes))
  }

  /// Nanoseconds that this thread has had a processor: others may be busy too.
  private static var processorTime: Int {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  private static func zone(_ origin: DomainName, _ names: Int) -> Zone {
    var zone = Zone(origin: origin)
    zone.records.append(
      ResourceRecord(
        origin, .soa, ttl: 300,
        .soa(StartOfAuthority(primary: origin, mailbox: origin, serial: SerialNumber(1)))))
    for index in 0..<names {
      guard let name = origin.prepending(label("h", index)) else { continue }
      let address = IPv4Address(rawValue: 0x0a00_0000 | UInt32(index))
      zone.records.append(ResourceRecord(name, .a, ttl: 300, .a(address)))
    }
    return zone
  }

  private static func label(_ first: String, _ index: Int) -> String {
    let digits = String(index)
    return first + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }

  private static func steering(
    _ turn: SteeredSet.Table.Turn, _ classes: [SteeredSet.ClientClass]
  ) -> Steering {
    let origin = DomainName("bench.example") ?? .root
    let table = SteeredSet.Table(
      turn: turn, rows: [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1]])
    return Steering(
      (0..<100).compactMap { index in
        origin.prepending(label("h", index)).map {
          SteeredSet(
            owner: $0, type: .a, ttl: 30,
            records: (1...3).map { .a(IPv4Address(192, 0, 2, $0)) }, tables: [table, table],
            classes: classes)
        }
      })
  }

  private struct Work {
    var catalogue: Catalogue
    var options: Responder.Options
    var names: Int
    var answers: Int

    func measure(
      _ what: String, _ first: String, _ type: RecordType, edns: EDNS?, steering: Steering = .none
    ) {
      var random = SeededRandom(seed: 7)
      let count = steering.isEmpty ? names : 100
      var queries: [UInt8] = []
      let starts = (0..<4096).map { index in
        let name = DomainName(
          "\(label(first, Int.random(in: 0..<count, using: &random))).bench.example")
        let start = queries.count
        queries += Message(id: UInt16(index), query: name ?? .root, type, edns: edns).encoded()
        return start..<queries.count
      }
      let clients = (0..<4096).map { _ in
        IPAddress.v4(IPv4Address(rawValue: UInt32.random(in: 0 ... .max, using: &random)))
      }
      var responder = Responder(
        catalogue: catalogue, steering: steering, options: options, seed: 1)
      var output = [UInt8](repeating: 0, count: 4096)
      var octets = 0
      let isCounted = getenv("LD_PRELOAD") != nil
      // The first round warms.
      for round in 0..<2 {
        if round == 1, isCounted { raise(SIGUSR2) }
        let before = processorTime
        do {
          let queries = queries.span
          for index in 0..<answers {
            var span = output.mutableSpan
            let outcome = responder.respond(
              to: queries.extracting(starts[index & 4095]), from: clients[index & 4095], over: .udp,
              at: Instant(nanoseconds: Int64(index)), into: &span)
            if case .reply(let count) = outcome { octets &+= count }
          }
        }
        guard round == 1 else { continue }
        if isCounted { raise(SIGUSR2) }
        let nanoseconds = Double(processorTime - before) / Double(answers)
        let padded = what + String(repeating: " ", count: max(0, 26 - what.count))
        print(
          "\(padded) \(Int(nanoseconds.rounded())) ns, \(octets / answers / 2) octets an answer")
        fflush(nil)
      }
    }
  }
}
