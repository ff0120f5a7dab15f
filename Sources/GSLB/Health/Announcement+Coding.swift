import DNS
import Delivery
import NetTypes
import Wire

//  1   places; each: kind (0 subnet, 2 country, 3 continent), then
//        subnet: address (1+4 or 16), length (1); country, continent: code (1+n)
//  2   names; each:
//        name on the wire (RFC 1035 §3.1), type (1), preferred, alternate, fallback (1 each)
//        fallback address (1+0, 4 or 16), ttl (4), answers (1)
//        1   bit 0 persistence, bit 1 manual resume, others zero
//        4   ramped return, milliseconds
//        2   members; each: name (1+n), address (1+4 or 16), port (2), ratio (2), order (2), monitor
//      a monitor: kind (1), interval, timeout, ms (4 each), rise, fall (1 each), port (2, 0: none),
//        path (1+n), host (1+n, empty: none), expected status (2, 2), text expected (1+n),
//        service (1+n)
//
// Types, modes and kinds by their places in the lists of their values.

extension Announcement {
  /// Kinds that another machine may ask for.
  package static let monitorKinds: [Monitor.Kind] = [
    .none, .tcp, .tcpHalfOpen, .http, .https, .grpc, .icmp,
  ]

  /// Tells one announcement from another: FNV-1a of its wire form, never 0.
  package var digest: UInt64 {
    var writer = ByteWriter()
    writer.write(self)
    return max(1, writer.bytes.fnv1a)
  }
}

extension ByteWriter {
  mutating func write(_ announcement: Announcement) {
    // A region is of one configuration alone.
    let places = announcement.places.filter { if case .region = $0 { false } else { true } }
    write(UInt8(clamping: places.count))
    for place in places.prefix(255) {
      switch place {
      case .region: break
      case .subnet(let prefix):
        write(UInt8(0))
        write(address: prefix.address)
        write(prefix.length)
      case .country(let code):
        write(UInt8(2))
        write(text: code)
      case .continent(let code):
        write(UInt8(3))
        write(text: code)
      }
    }
    write(UInt16(clamping: announcement.names.count))
    for name in announcement.names.prefix(0xffff) { write(name) }
  }

  private mutating func write(_ name: Announcement.Name) {
    write(name.name.wire)
    write(choice: name.type)
    for mode in [name.preferred, name.alternate, name.fallback] { write(choice: mode) }
    write(address: name.fallbackIP)
    write(name.ttl)
    write(UInt8(clamping: name.maxAnswers))
    write((name.persistence ? 1 : 0) | (name.manualResume ? UInt8(2) : 0))
    write(milliseconds: name.rampedReturn)
    write(UInt16(clamping: name.members.count))
    for member in name.members.prefix(0xffff) {
      write(text: member.name)
      write(address: member.address)
      for value in [member.port, UInt16(clamping: member.ratio), member.order] { write(value) }
      write(member.monitor)
    }
  }

  private mutating func write(_ monitor: Monitor) {
    let kinds = Announcement.monitorKinds
    write(UInt8(clamping: kinds.firstIndex(of: monitor.kind) ?? 0))
    write(milliseconds: monitor.interval)
    write(milliseconds: monitor.timeout)
    write(UInt8(clamping: monitor.rise))
    write(UInt8(clamping: monitor.fall))
    write(monitor.port ?? 0)
    write(text: monitor.path)
    write(text: monitor.host ?? "")
    write(UInt16(clamping: monitor.expectedStatus.lowerBound))
    write(UInt16(clamping: monitor.expectedStatus.upperBound))
    write(text: monitor.receive)
    write(text: monitor.service)
  }

  private mutating func write(address: IPAddress?) {
    writeLengthPrefixed8 { $0.write(address?.octets ?? []) }
  }

  private mutating func write(milliseconds: Duration) {
    write(UInt32(clamping: milliseconds.inNanoseconds / 1_000_000))
  }
}

extension ViewReader {
  mutating func announcement() throws(View.Refusal) -> Announcement {
    var announcement = Announcement()
    for _ in 0..<Int(try octet()) {
      switch try octet() {
      case 0:
        guard let address = try address() else { throw .value(0) }
        let length = Int(try octet())
        guard length <= address.bitWidth else { throw .value(UInt64(length)) }
        announcement.places.append(.subnet(IPPrefix(address, length: length)))
      case 2: announcement.places.append(.country(try text()))
      case 3: announcement.places.append(.continent(try text()))
      case let other: throw .value(UInt64(other))
      }
    }
    for _ in 0..<Int(try short()) { announcement.names.append(try announcedName()) }
    return announcement
  }

  private mutating func announcedName() throws(View.Refusal) -> Announcement.Name {
    var name = Announcement.Name(try domainName())
    name.type = try choice()
    name.preferred = try choice()
    name.alternate = try choice()
    name.fallback = try choice()
    name.fallbackIP = try address()
    name.ttl = try number()
    name.maxAnswers = Int(try octet())
    let flags = try octet()
    guard flags & ~3 == 0 else { throw .bits(flags) }
    name.persistence = flags & 1 != 0
    name.manualResume = flags & 2 != 0
    name.rampedReturn = try milliseconds()
    for _ in 0..<Int(try short()) {
      let text = try text()
      guard let address = try address() else { throw .value(0) }
      var member = Announcement.Member(text, address: address, port: try short())
      member.ratio = Int(try short())
      member.order = try short()
      member.monitor = try monitor()
      name.members.append(member)
    }
    return name
  }

  private mutating func monitor() throws(View.Refusal) -> Monitor {
    let place = Int(try octet())
    guard Announcement.monitorKinds.indices.contains(place) else { throw .value(UInt64(place)) }
    var monitor = Monitor(kind: Announcement.monitorKinds[place])
    monitor.interval = try milliseconds()
    monitor.timeout = try milliseconds()
    monitor.rise = Int(try octet())
    monitor.fall = Int(try octet())
    let port = try short()
    monitor.port = port == 0 ? nil : port
    monitor.path = try text()
    let host = try text()
    monitor.host = host.isEmpty ? nil : host
    let (low, high) = (Int(try short()), Int(try short()))
    guard low <= high else { throw .value(UInt64(high)) }
    monitor.expectedStatus = low...high
    monitor.receive = try text()
    monitor.service = try text()
    return monitor
  }

  private mutating func domainName() throws(View.Refusal) -> DomainName {
    var labels: [ArraySlice<UInt8>] = []
    while case let length = Int(try octet()), length > 0 { labels.append(try octets(length)) }
    guard let name = DomainName(labels: labels) else { throw .text }
    return name
  }

  private mutating func address() throws(View.Refusal) -> IPAddress? {
    let octets = try octets(Int(try octet()))
    if octets.isEmpty { return nil }
    guard let address = IPAddress(octets: octets) else { throw .value(UInt64(octets.count)) }
    return address
  }
}
