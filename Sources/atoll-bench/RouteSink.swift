import BGP
import Glibc
import Linux
import NetTypes

/// Many peers in one light process, which take routes of /24 and do no more than count them:
///
///     atoll-bench sink AS PEERS ROUTES
///
/// prints the milliseconds from the first route until each of PEERS peers has been told ROUTES.
@Loop final class RouteSink {
  private final class Connection {
    let descriptor: Descriptor
    let number: UInt32
    var framer = MessageFramer()
    var registration: Registration?
    /// Which /24s it has been told, a bit each: some speakers tell a route twice.
    var told = [UInt64](repeating: 0, count: 1 << 18)
    var routes = 0

    init(_ descriptor: consuming Descriptor, _ number: UInt32) {
      self.descriptor = descriptor
      self.number = number
    }
  }

  private let localAS: ASNumber
  private let peers: Int
  private let wanted: Int
  private var connections: [Connection] = []
  private var started: Instant?
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)

  private init(localAS: ASNumber, peers: Int, wanted: Int) {
    self.localAS = localAS
    self.peers = peers
    self.wanted = wanted
  }

  static func run(_ arguments: [String]) async {
    let numbers = arguments.compactMap { Int($0) }
    guard numbers.count == 3 else { Bench.usage() }
    let sink = RouteSink(
      localAS: ASNumber(UInt32(numbers[0])), peers: numbers[1], wanted: numbers[2])
    do {
      let listener = try Sockets.listen(on: SocketAddress(.v4(.any), port: 179))
      let watch = try Loop.watch(listener.rawValue) { _ in sink.accept(listener.rawValue) }
      await Bench.ended()
      watch.cancel()
    } catch {
      print(error)
      exit(1)
    }
  }

  private func accept(_ listener: Int32) {
    while let socket = try? Sockets.accept(listener) {
      guard let local = Sockets.localAddress(socket.rawValue)?.address.v4 else { continue }
      let connection = Connection(socket, local.rawValue)
      connections.append(connection)
      connection.registration = try? Loop.watch(connection.descriptor.rawValue) {
        [weak self, weak connection] _ in
        if let self, let connection { self.receive(connection) }
      }
      var capabilities = Capabilities()
      capabilities.families = [.ipv4]
      capabilities.fourOctetAS = localAS
      // A hold time of zero: nobody has to send keepalives.
      let open = OpenMessage(
        asNumber: localAS, holdTime: 0, identifier: IPv4Address(rawValue: connection.number),
        capabilities: capabilities)
      send(connection, .open(open))
      receive(connection)
    }
  }

  private func send(_ connection: Connection, _ message: Message) {
    let bytes = message.encoded(options: CodecOptions())
    _ = Glibc.send(connection.descriptor.rawValue, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  private func receive(_ connection: Connection) {
    while connection.registration != nil {
      let count = recv(connection.descriptor.rawValue, &buffer, buffer.count, 0)
      if count < 0, errno == EAGAIN { return }
      guard count > 0 else {
        connection.registration?.cancel()
        connection.registration = nil
        connections.removeAll { $0 === connection }
        return
      }
      connection.framer.append(Array(buffer[..<count]))
      while let frame = try? connection.framer.next() {
        switch frame[frame.startIndex + 18] {
        case 1: send(connection, .keepalive)
        case 2: note(frame, of: connection)
        default: break
        }
      }
    }
  }

  private func note(_ frame: ArraySlice<UInt8>, of connection: Connection) {
    if started == nil, frame.count > 23 { started = Loop.now }
    let length = { (index: Int) in Int(frame[index]) << 8 | Int(frame[index + 1]) }
    var index = frame.startIndex + 19
    let withdrawn = index + 2..<index + 2 + length(index)
    index = withdrawn.upperBound + 2 + length(withdrawn.upperBound)
    mark(frame[withdrawn], of: connection, isTold: false)
    mark(frame[index...], of: connection, isTold: true)
    guard connection.routes == wanted, let started else { return }
    let done = connections.count { $0.routes == wanted }
    if done == peers {
      let milliseconds = Int(started.duration(to: Loop.now) / .milliseconds(1))
      print("told \(wanted) peers \(peers) ms \(milliseconds)")
      fflush(nil)
    }
  }

  private func mark(_ field: ArraySlice<UInt8>, of connection: Connection, isTold: Bool) {
    var index = field.startIndex
    while index < field.endIndex {
      let octets = (Int(field[index]) + 7) / 8
      var block = 0
      for offset in 1...3 {
        block = block << 8 | (offset <= octets ? Int(field[index + offset]) : 0)
      }
      let bit: UInt64 = 1 << UInt64(block & 63)
      if connection.told[block >> 6] & bit == 0, isTold {
        connection.told[block >> 6] |= bit
        connection.routes += 1
      } else if connection.told[block >> 6] & bit != 0, !isTold {
        connection.told[block >> 6] &= ~bit
        connection.routes -= 1
      }
      index += 1 + octets
    }
  }
}
