import NetTypes
import Wire

//  octets  what
//  2       magic "AV"
//  1       version, 1
//  1+n     voter's name
//  8, 8    incarnation, sequence
//  1       voters heard; each: name (1+n), incarnation (8), sequence (8), announcement's digest (8)
//  8       announcement's digest; 1: whether it follows (0, 1); the announcement
//  2       members; each:
//            server's name (1+n), virtual server's name (1+n)
//            1   bits 0–1 probe (0 unknown, 1 up, 2 down); bit 2 inside follows; others zero
//            4   up: round trip, microseconds;  1+n  down: why
//            4   age of the last answer, ms; all ones: none
//            4   resumes
//            1, 4, 4  inside: bit 0 announced, bits 1–2 administration, others zero;
//                     ready endpoints, connections
//
// Integers are big-endian. Names are UTF-8 of at most 255 octets. A view that repeats a name, has a
// bit that is not known, or octets left over is refused whole.

extension View {
  package enum Refusal: Error, Equatable, Sendable, CustomStringConvertible {
    case notAView
    case version(UInt8)
    case truncated(TruncatedInput)
    case text
    case bits(UInt8)
    /// A number that none of what it stands for has.
    case value(UInt64)
    case repeated(String)
    case trailing(Int)
    case tooLong(Int)

    package var description: String {
      switch self {
      case .notAView: "no view: it does not begin with AV"
      case .version(let version): "view of version \(version), expected 1"
      case .truncated(let input): "view cut short: \(input)"
      case .text: "view with a text that is not UTF-8"
      case .bits(let bits): "view with flags \(bits), of which some are not known"
      case .value(let value): "view with \(value) where that stands for nothing"
      case .repeated(let name): "view that has \(name) twice"
      case .trailing(let count): "view with \(count) octets behind its end"
      case .tooLong(let count): "view of \(count) octets, expected \(View.longest) at most"
      }
    }
  }

  /// Octets of the longest view that is taken.
  package static let longest = 1 << 20
  private static let version: UInt8 = 1
  private static let magic: UInt16 = 0x4156

  package var encoded: [UInt8] {
    var writer = ByteWriter(capacity: 64 + members.count * 48)
    writer.write(Self.magic)
    writer.write(Self.version)
    writer.write(text: voter)
    writer.write(stamp)
    writer.write(UInt8(clamping: heard.count))
    for (name, heard) in heard.sorted(by: { $0.key < $1.key }).prefix(255) {
      writer.write(text: name)
      writer.write(heard.stamp)
      writer.write(heard.announcement)
    }
    writer.write(digest)
    writer.write(announcement == nil ? UInt8(0) : 1)
    if let announcement { writer.write(announcement) }
    writer.write(UInt16(clamping: members.count))
    for (name, member) in members.sorted(by: { $0.key < $1.key }).prefix(0xffff) {
      writer.write(text: name.server)
      writer.write(text: name.name)
      writer.write(member)
    }
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(Refusal) {
    guard bytes.count <= Self.longest else { throw .tooLong(bytes.count) }
    var reader = ViewReader(bytes)
    guard try reader.short() == Self.magic else { throw .notAView }
    let version = try reader.octet()
    guard version == Self.version else { throw .version(version) }
    self.init(voter: try reader.text(), stamp: try reader.stamp())
    for _ in 0..<Int(try reader.octet()) {
      let name = try reader.text()
      let stamp = try reader.stamp()
      let heard = Heard(stamp, announcement: try reader.long())
      guard self.heard.updateValue(heard, forKey: name) == nil else { throw .repeated(name) }
    }
    digest = try reader.long()
    if try reader.flag() { announcement = try reader.announcement() }
    for _ in 0..<Int(try reader.short()) {
      let name = VirtualServerName(server: try reader.text(), name: try reader.text())
      guard members.updateValue(try reader.member(), forKey: name) == nil else {
        throw .repeated("\(name)")
      }
    }
    guard reader.remaining == 0 else { throw .trailing(reader.remaining) }
  }
}

extension ByteWriter {
  fileprivate mutating func write(_ stamp: View.Stamp) {
    write(stamp.incarnation)
    write(stamp.sequence)
  }

  fileprivate mutating func write(_ member: View.Member) {
    let inside: UInt8 = member.inside == nil ? 0 : 4
    switch member.probe {
    case .unknown: write(inside)
    case .up(let roundTrip):
      write(1 | inside)
      write(UInt32(clamping: roundTrip.inNanoseconds / 1000))
    case .down(let reason):
      write(2 | inside)
      write(text: reason)
    }
    write(
      member.age.map { UInt32(clamping: min($0.inNanoseconds / 1_000_000, 0xffff_fffe)) } ?? .max)
    write(member.resumes)
    guard let inside = member.inside else { return }
    write((inside.isAnnounced ? 1 : 0) | inside.administration.rawValue << 1)
    write(UInt32(clamping: inside.readyEndpoints))
    write(UInt32(clamping: inside.connections))
  }
}

extension ViewReader {
  fileprivate mutating func stamp() throws(View.Refusal) -> View.Stamp {
    View.Stamp(incarnation: try long(), sequence: try long())
  }

  fileprivate mutating func member() throws(View.Refusal) -> View.Member {
    let flags = try octet()
    var member = View.Member()
    switch flags & 3 {
    case 0: break
    case 1: member.probe = .up(roundTrip: .microseconds(Int64(try number())))
    case 2: member.probe = .down(reason: try text())
    default: throw .bits(flags)
    }
    guard flags & ~7 == 0 else { throw .bits(flags) }
    let age = try number()
    member.age = age == .max ? nil : .milliseconds(Int64(age))
    member.resumes = try number()
    guard flags & 4 != 0 else { return member }
    let inside = try octet()
    guard inside & ~7 == 0, let administration = View.Administration(rawValue: inside >> 1) else {
      throw .bits(inside)
    }
    member.inside = View.Inside(
      isAnnounced: inside & 1 != 0, readyEndpoints: Int(try number()),
      connections: Int(try number()), administration: administration)
    return member
  }
}
