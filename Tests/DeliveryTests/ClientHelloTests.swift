import Delivery
import Testing

/// A ClientHello of TLS 1.2's form, with the parts that tests vary.
struct HelloBuilder {
  var names: [String] = []
  var otherExtensions: [(UInt16, [UInt8])] = []
  var sessionID: [UInt8] = []
  /// Bytes of the message in each record.
  var recordSize = 16_384

  private func short(_ value: Int) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }

  var extensions: [UInt8] {
    var all: [UInt8] = []
    for (type, body) in otherExtensions { all += short(Int(type)) + short(body.count) + body }
    for name in names {
      let entry = [0] + short(name.utf8.count) + Array(name.utf8)
      let list = short(entry.count) + entry
      all += short(0) + short(list.count) + list
    }
    return all
  }

  var message: [UInt8] {
    var body: [UInt8] = [3, 3] + Array(repeating: 7, count: 32)
    body += [UInt8(sessionID.count)] + sessionID + [0, 2, 0x13, 0x01, 1, 0]
    let extensions = extensions
    if !extensions.isEmpty { body += short(extensions.count) + extensions }
    return [1, UInt8(body.count >> 16)] + short(body.count & 0xffff) + body
  }

  var bytes: [UInt8] {
    let message = message
    return stride(from: 0, to: message.count, by: recordSize).flatMap { start in
      let part = message[start..<min(start + recordSize, message.count)]
      return [22, 3, 1] + short(part.count) + part
    }
  }
}

@Suite struct ClientHelloTests {
  private func read(_ bytes: [UInt8]) -> ClientHello.Outcome { ClientHello.read(bytes.span) }

  @Test func `the server name is found, in lower case`() {
    let hello = HelloBuilder(
      names: ["Www.Example"], otherExtensions: [(43, [2, 3, 4]), (16, [0, 3, 2, 0x68, 0x32])],
      sessionID: Array(repeating: 1, count: 32))
    #expect(read(hello.bytes) == .complete(serverName: Array("www.example".utf8)))
  }

  @Test func `a hello without extensions or without the name has none`() {
    #expect(read(HelloBuilder().bytes) == .complete(serverName: nil))
    #expect(
      read(HelloBuilder(otherExtensions: [(43, [2, 3, 4])]).bytes) == .complete(serverName: nil))
  }

  @Test(arguments: [1, 2, 3, 5, 50])
  func `records of any size carry it, and every cut is incomplete`(_ size: Int) {
    let bytes = HelloBuilder(names: ["a.example"], recordSize: size).bytes
    #expect(read(bytes) == .complete(serverName: Array("a.example".utf8)))
    for count in 0..<bytes.count {
      #expect(read(Array(bytes[..<count])) == .incomplete, "\(count) bytes")
    }
  }

  @Test func `what is not TLS is refused by its first bytes`() {
    #expect(read(Array("GET / HTTP/1.1\r\n".utf8)) == .invalid(.notTLS))
    #expect(read([22, 2]) == .invalid(.notTLS))
    #expect(read([22, 3, 1, 0, 0]) == .invalid(.notTLS))
    #expect(read([22, 3, 1, 0, 4, 2, 0, 0, 0]) == .invalid(.notHello))
    #expect(read([22, 3, 1, 0, 4, 1, 1, 0, 0]) == .invalid(.tooLong))
  }

  @Test func `names that two readers could take differently are refused`() {
    #expect(read(HelloBuilder(names: ["a", "b"]).bytes) == .invalid(.repeated))
    #expect(read(HelloBuilder(names: [""]).bytes) == .invalid(.name))
    #expect(read(HelloBuilder(names: ["a\0b"]).bytes) == .invalid(.name))
    #expect(
      read(HelloBuilder(names: [String(repeating: "a", count: 256)]).bytes) == .invalid(.name))
  }

  @Test func `a wrong length anywhere is never a name of another's bytes, and never traps`() {
    let bytes = HelloBuilder(names: ["a.example"], otherExtensions: [(43, [2, 3, 4])]).bytes
    for index in bytes.indices {
      for value in [0, 1, 0x7f, 0xff] as [UInt8] {
        var changed = bytes
        changed[index] = value
        if case .complete(let name?) = read(changed) {
          #expect(name.count == 9, "byte \(index) as \(value)")
        }
      }
    }
  }
}
