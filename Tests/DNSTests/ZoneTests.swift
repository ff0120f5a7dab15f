import DNS
import Testing

@Suite struct ZoneTests {
  let zone = Zone(
    origin: name("x"),
    records: [
      record("x 60 SOA a.x. b.x. 1 2 3 4 5"), record("x 60 NS a.x."), record("a.x 60 A 10.0.0.1"),
    ])

  @Test func `a sound zone has no problem`() {
    #expect(zone.validate().isEmpty)
    #expect(zone.startOfAuthority?.minimum == 5)
  }

  @Test func `a zone without SOA is refused`() {
    let zone = Zone(origin: name("x"), records: [record("x 60 NS a.x.")])
    #expect(zone.validate().map(\.refusesZone) == [true])
  }

  @Test(arguments: [
    "y 60 A 10.0.0.1", "a.x 60 CNAME b.x.", "sub.x 60 SOA a. b. 1 2 3 4 5",
    "a.x 2147483648 A 10.0.0.2", "b.x 60 ANY \\# 0",
  ])
  func `a record that the zone cannot hold is told`(line: String) {
    var zone = zone
    zone.records.append(record(line))
    #expect(zone.validate().map(\.refusesZone) == [false])
  }
}
