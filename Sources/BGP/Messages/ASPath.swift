import NetTypes
import Wire

/// The ASes a route went through. RFC 4271 §4.3, RFC 5065 §3, RFC 6793.
package struct ASPath: Hashable, Sendable {
  package struct Segment: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
      case set = 1
      case sequence = 2
      case confederationSequence = 3
      case confederationSet = 4
    }
    package var kind: Kind
    package var numbers: [ASNumber]

    package init(_ kind: Kind, _ numbers: [ASNumber]) {
      self.kind = kind
      self.numbers = numbers
    }
  }

  package var segments: [Segment]

  package init(segments: [Segment] = []) { self.segments = segments }

  /// A path of one AS_SEQUENCE; empty without numbers.
  package init(sequence: [ASNumber]) {
    segments = sequence.isEmpty ? [] : [Segment(.sequence, sequence)]
  }

  package static let empty = ASPath()

  /// An AS_SET counts 1, confederation segments nothing. RFC 4271 §9.1.2.2 a, RFC 5065 §5.3.
  package var length: Int {
    segments.reduce(0) { sum, segment in
      switch segment.kind {
      case .sequence: sum + segment.numbers.count
      case .set: sum + 1
      case .confederationSequence, .confederationSet: sum
      }
    }
  }

  package func contains(_ number: ASNumber) -> Bool {
    segments.contains { $0.numbers.contains(number) }
  }

  /// How often `number` stands in it.
  package func count(of number: ASNumber) -> Int {
    segments.reduce(0) { sum, segment in sum + segment.numbers.count { $0 == number } }
  }

  /// The AS that sent us the route: the first of the first AS_SEQUENCE. Nil if there is none, as
  /// in a route of our own AS. RFC 4271 §9.1.2.2 c.
  package var neighborAS: ASNumber? {
    let first = segments.first { $0.kind == .sequence || $0.kind == .set }
    return first?.kind == .sequence ? first?.numbers.first : nil
  }

  /// With `number` put in front. RFC 4271 §5.1.2.
  package func prepending(_ number: ASNumber) -> ASPath {
    var path = self
    if let first = segments.first, first.kind == .sequence, first.numbers.count < 255 {
      path.segments[0].numbers.insert(number, at: 0)
    } else {
      path.segments.insert(Segment(.sequence, [number]), at: 0)
    }
    return path
  }

  /// This path as old speakers wrote it, restored from AS4_PATH. RFC 6793 §4.2.3.
  func merged(withAS4Path as4: ASPath) -> ASPath {
    let missing = length - as4.length
    guard missing >= 0 else { return self }
    var head: [Segment] = []
    var left = missing
    for segment in segments where left > 0 {
      switch segment.kind {
      case .sequence:
        let part = Array(segment.numbers.prefix(left))
        head.append(Segment(.sequence, part))
        left -= part.count
      case .set:
        head.append(segment)
        left -= 1
      case .confederationSequence, .confederationSet:
        head.append(segment)
      }
    }
    if let last = head.last, last.kind == .sequence, let first = as4.segments.first,
      first.kind == .sequence, last.numbers.count + first.numbers.count <= 255
    {
      head[head.count - 1].numbers += first.numbers
      return ASPath(segments: head + as4.segments.dropFirst())
    }
    return ASPath(segments: head + as4.segments)
  }

  /// True if a number does not fit two octets.
  var needsFourOctets: Bool {
    segments.contains { $0.numbers.contains { $0.rawValue > 0xffff } }
  }
}

extension ASPath: CustomStringConvertible {
  /// As routers print it: `64512 65001 {1,2}`.
  package var description: String {
    segments.map { segment in
      let isSet = segment.kind == .set || segment.kind == .confederationSet
      let text = segment.numbers.map(\.description).joined(separator: isSet ? "," : " ")
      return switch segment.kind {
      case .sequence: text
      case .set: "{\(text)}"
      case .confederationSequence: "(\(text))"
      case .confederationSet: "[\(text)]"
      }
    }.joined(separator: " ")
  }
}

extension ASPath {
  /// Nil if a segment is of an unknown type, is empty, or over- or underruns. RFC 7606 §7.2.
  init?(decoding bytes: ArraySlice<UInt8>, fourOctet: Bool) {
    var reader = ByteReader(bytes)
    var segments: [Segment] = []
    while !reader.isAtEnd {
      guard let type = try? reader.readUInt8(), let kind = Segment.Kind(rawValue: type),
        let count = try? reader.readUInt8(), count > 0,
        reader.remaining >= Int(count) * (fourOctet ? 4 : 2)
      else { return nil }
      var numbers: [ASNumber] = []
      numbers.reserveCapacity(Int(count))
      for _ in 0..<count {
        if fourOctet {
          guard let number = try? reader.readUInt32() else { return nil }
          numbers.append(ASNumber(number))
        } else {
          guard let number = try? reader.readUInt16() else { return nil }
          numbers.append(ASNumber(UInt32(number)))
        }
      }
      segments.append(Segment(kind, numbers))
    }
    self.init(segments: segments)
  }

  func encode(into writer: inout ByteWriter, fourOctet: Bool) {
    for segment in segments {
      // A segment counts its numbers in one octet, so that longer ones go in parts.
      var rest = segment.numbers[...]
      while !rest.isEmpty {
        let part = rest.prefix(255)
        rest = rest.dropFirst(255)
        writer.write(segment.kind.rawValue)
        writer.write(UInt8(part.count))
        for number in part {
          if fourOctet {
            writer.write(number.rawValue)
          } else {
            writer.write(UInt16(exactly: number.rawValue) ?? 23456)
          }
        }
      }
    }
  }
}
