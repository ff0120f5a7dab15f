import DNS
import Glibc
import Linux
import NetTypes

/// A small stub resolver: asks one name service, and the next one when that does not answer in time
/// or cannot say. It goes on with the one that answered last, as systemd-resolved does.
@Loop final class StubResolver {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let servers: [SocketAddress]
  private let timeout: Duration
  private var current = 0
  private let descriptor: Int32
  private var registration: Registration?
  private var waiting: [UInt16: (waiter: Waiter, answer: Message?)] = [:]
  private var buffer = [UInt8](repeating: 0, count: Message.maximumLength)

  /// In the calling thread's namespace.
  init(servers: [SocketAddress], timeout: Duration) throws {
    self.servers = servers
    self.timeout = timeout
    descriptor = try Datagrams.socket(isIPv4: true).release()
    try Datagrams.reportArrivals(descriptor, isIPv4: true)
    registration = try Loop.watch(descriptor) { [unowned self] _ in receive() }
  }

  isolated deinit {
    registration?.cancel()
    close(descriptor)
  }

  /// - Throws: also for what is no name.
  func addresses(of text: String) async throws -> [IPAddress] {
    guard let name = DomainName(text) else { throw Failure(description: "\(text) is no name") }
    return try await resolve(name).addresses
  }

  /// The addresses of a name in the order of the answer, and how long they are good for.
  func resolve(_ name: DomainName) async throws -> (addresses: [IPAddress], ttl: Duration) {
    var last = "no server"
    // Another lookup may move on to the next server meanwhile.
    let first = current
    for attempt in 0..<(servers.count * 2) {
      let index = (first + attempt) % servers.count
      guard let answer = try await ask(servers[index], name) else {
        last = "\(servers[index].address) does not answer"
        continue
      }
      switch answer.responseCode {
      case .noError:
        current = index
        let records = answer.answers.filter { $0.type == .a }
        let addresses = records.filter { $0.data.bytes.count == 4 }.map { record in
          IPAddress.v4(IPv4Address(rawValue: record.data.bytes.reduce(0) { $0 << 8 | UInt32($1) }))
        }
        guard !addresses.isEmpty else { throw Failure(description: "\(name) has no address") }
        return (addresses, .seconds(Int64(answer.answers.map(\.ttl).min() ?? 0)))
      case .nameError:
        throw Failure(description: "\(name) is not there")
      default: last = "\(servers[index].address) answers \(answer.responseCode)"
      }
    }
    throw Failure(description: "\(name): \(last)")
  }

  private func ask(_ server: SocketAddress, _ name: DomainName) async throws -> Message? {
    var id = UInt16.random(in: 0...UInt16.max)
    while waiting[id] != nil { id &+= 1 }
    let waiter = Waiter()
    waiting[id] = (waiter, nil)
    defer { waiting[id] = nil }
    let query = Message(id: id, query: name, .a, recursionDesired: true)
    Datagrams.send(descriptor, query.encoded(), to: server)
    let timer = Loop.after(timeout) { waiter.resume() }
    defer { timer.cancel() }
    try await waiter.wait()
    return waiting[id]?.answer
  }

  private func receive() {
    while let (count, _) = Datagrams.receive(descriptor, into: &buffer) {
      guard let answer = try? Message(decoding: Array(buffer[..<count])), answer.isResponse,
        let entry = waiting[answer.id], entry.answer == nil
      else { continue }
      waiting[answer.id] = (entry.waiter, answer)
      entry.waiter.resume()
    }
  }
}
