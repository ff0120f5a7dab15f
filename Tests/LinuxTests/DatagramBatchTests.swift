import Glibc
import Linux
import NetTypes
import Testing

struct DatagramBatchTests {
  @Test(arguments: ["127.0.0.1", "0.0.0.0", "::1", "::"])
  func `what comes together is answered together, from the address that was asked`(
    _ text: String
  ) throws {
    let bound = try #require(IPAddress(text))
    let server = try DatagramBatch.socket(bound: SocketAddress(bound, port: 0))
    let port = try #require(Sockets.localAddress(server.rawValue)?.port)
    // An address of loopback that a socket bound to all of them would not answer from by itself.
    let asked = try #require(
      IPAddress(text == "0.0.0.0" ? "127.0.0.2" : text == "::" ? "::1" : text))
    let client = try Datagrams.socket(isIPv4: bound.isIPv4)
    try Sockets.beginConnect(client.rawValue, to: SocketAddress(asked, port: port))
    for number in 0..<5 { #expect(write(client.rawValue, [UInt8(number), 1], 2) == 2) }
    var batch = try DatagramBatch(capacity: 8, queryBytes: 64, answerBytes: 64)
    let count = batch.receive(server.rawValue)
    #expect(count == 5)
    for index in 0..<5 where index != 3 {
      guard let query = batch.query(index) else { continue }
      let source = batch.source(index)
      #expect(source == Sockets.localAddress(client.rawValue)?.address)
      _ = batch.answer(index).update(fromContentsOf: query)
      batch.reply(index, 1)
    }
    let way = batch.way(3)
    #expect(way.send(server.rawValue, [33]))
    let sent = batch.send(server.rawValue)
    #expect(sent == 4)
    var answers: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64)
    while read(client.rawValue, &buffer, 64) == 1 { answers.append(buffer[0]) }
    #expect(answers == [33, 0, 1, 2, 4])
    let more = batch.receive(server.rawValue)
    #expect(more == 0)
  }

  @Test func `a datagram that does not fit is told apart`() throws {
    let server = try DatagramBatch.socket(
      bound: SocketAddress(.v4(IPv4Address(127, 0, 0, 1)), port: 0))
    let client = try Datagrams.socket(isIPv4: true)
    let address = try #require(Sockets.localAddress(server.rawValue))
    Datagrams.send(client.rawValue, [UInt8](repeating: 7, count: 65), to: address)
    Datagrams.send(client.rawValue, [UInt8](repeating: 7, count: 64), to: address)
    var batch = try DatagramBatch(capacity: 8, queryBytes: 64, answerBytes: 64)
    let count = batch.receive(server.rawValue)
    let (long, whole) = (batch.query(0)?.count, batch.query(1)?.count)
    #expect(count == 2)
    #expect(long == nil)
    #expect(whole == 64)
  }
}
