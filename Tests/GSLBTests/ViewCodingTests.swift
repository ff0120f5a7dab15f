import DNS
import Delivery
import GSLB
import NetTypes
import Testing

@Suite struct ViewCodingTests {
  private static let plain: View = {
    var view = View(voter: "east", stamp: View.Stamp(incarnation: 7, sequence: 300))
    view.heard = ["west": View.Heard(View.Stamp(incarnation: 2, sequence: 9), announcement: 5)]
    view.members[web("east")] = View.Member(
      .up(roundTrip: .microseconds(1500)),
      inside: View.Inside(readyEndpoints: 2, connections: 17, administration: .draining))
    view.members[web("east")]?.age = .milliseconds(250)
    view.members[web("west")] = View.Member(.down(reason: "timed out"), resumes: 3)
    return view
  }()

  private static let announced: View = {
    var view = plain
    var name = Announcement.Name(GSLBTests.name("www.gslb.example"))
    name.preferred = .globalAvailability
    name.fallback = .fallbackIP
    name.fallbackIP = address("2001:db8::1")
    name.ttl = 5
    name.maxAnswers = 3
    name.persistence = true
    name.manualResume = true
    name.rampedReturn = .seconds(10)
    var member = Announcement.Member("web", address: address("10.1.0.1"), port: 443)
    member.ratio = 4
    member.order = 1
    member.monitor = Monitor(kind: .https, path: "/healthz", expectedStatus: 200...204)
    member.monitor.host = "www.gslb.example"
    member.monitor.port = 8443
    member.monitor.receive = "ok"
    name.members = [member]
    var announcement = Announcement()
    announcement.names = [name, Announcement.Name(GSLBTests.name("b.example"))]
    announcement.places = [
      .subnet(prefix("192.0.2.0/24")), .subnet(prefix("2001:db8::/32")), .country("CH"),
      .continent("EU"),
    ]
    view.announcement = announcement
    view.digest = announcement.digest
    return view
  }()

  @Test func `a view has the octets of its picture`() {
    var small = View(voter: "a", stamp: View.Stamp(incarnation: 1, sequence: 2))
    small.members[VirtualServerName(server: "b", name: "c")] = View.Member(.down(reason: "d"))
    #expect(
      small.encoded == [
        0x41, 0x56, 1,
        1, 0x61, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2,
        0,
        0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 1, 1, 0x62, 1, 0x63, 2, 1, 0x64, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
      ])
  }

  @Test(arguments: [plain, announced]) func `a view reads back as it was written`(
    _ view: View
  ) throws {
    let bytes = view.encoded
    let read = try View(decoding: bytes)
    #expect(read == view)
    #expect(read.encoded == bytes)
  }

  @Test func `a view cut anywhere is refused`() {
    let bytes = Self.announced.encoded
    for count in bytes.indices {
      #expect(throws: View.Refusal.self) { try View(decoding: Array(bytes[..<count])) }
    }
  }

  @Test func `any changed octet is refused or read as a view that is written the same`() throws {
    let bytes = Self.announced.encoded
    for index in bytes.indices {
      for value in [0, 1, bytes[index] ^ 0x80, 0xff] as [UInt8] {
        var changed = bytes
        changed[index] = value
        guard let view = try? View(decoding: changed) else { continue }
        #expect(try View(decoding: view.encoded) == view, "octet \(index)")
      }
    }
  }

  @Test(arguments: [
    ([0x41, 0x57, 1], View.Refusal.notAView), ([0x41, 0x56, 2], .version(2)),
  ])
  func `what is no view of this version is refused`(
    _ bytes: [UInt8], _ refusal: View.Refusal
  ) {
    #expect(throws: refusal) { try View(decoding: bytes) }
  }

  @Test func `octets behind the end and views too long are refused`() {
    let bytes = Self.plain.encoded
    #expect(throws: View.Refusal.trailing(1)) { try View(decoding: bytes + [0]) }
    let long = [UInt8](repeating: 0, count: View.longest + 1)
    #expect(throws: View.Refusal.tooLong(long.count)) { try View(decoding: long) }
  }

  @Test func `a command that another machine announces is never taken`() throws {
    var view = Self.announced
    view.announcement?.names[0].members[0].monitor = Monitor(kind: .exec)
    let read = try View(decoding: view.encoded)
    #expect(read.announcement?.names[0].members[0].monitor.kind == Monitor.Kind.none)
    #expect(!Announcement.monitorKinds.contains(.exec))
  }
}
