import NetTypes
import Testing

@testable import BGP

@Suite struct PrefixListIndexTests {
  /// A prefix of few enough bits that rules overlap.
  private func prefix(_ random: inout SeededRandom) -> IPPrefix {
    let length = Int(random.next() % 13)
    if random.next() % 4 == 0 {
      let high = UInt64(0x20 | random.next() % 16) << 56 | random.next() % 16 << 52
      return IPPrefix(.v6(IPv6Address(high: high, low: 0)), length: length)
    }
    let address = UInt32(truncatingIfNeeded: random.next() % 4096) << 20
    return IPPrefix(.v4(IPv4Address(rawValue: address)), length: length)
  }

  private func condition(_ random: inout SeededRandom) -> PrefixCondition {
    let prefix = prefix(&random)
    let least = random.next() % 3 == 0 ? min(prefix.length + UInt8(random.next() % 4), 32) : nil
    let most =
      random.next() % 3 == 0 ? min((least ?? prefix.length) + UInt8(random.next() % 6), 32) : nil
    return PrefixCondition(prefix, atLeast: least, atMost: most)
  }

  @Test(arguments: 1...20)
  func `a long list says of every prefix what a look at rule after rule says`(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed))
    var list = PrefixList()
    for _ in 0..<200 {
      switch random.next() % 5 {
      case 0: _ = list.remove(sequence: UInt32(random.next() % 300))
      case 1:
        list.add(
          permit: random.next() % 2 == 0, condition(&random),
          sequence: UInt32(1 + random.next() % 300))
      default: list.add(permit: random.next() % 2 == 0, condition(&random))
      }
    }
    #expect(list.rules.count > PrefixList.scanLimit)
    for _ in 0..<500 {
      let candidate = prefix(&random)
      let first = list.rules.first { $0.condition.matches(candidate) }
      #expect(list.index.first(matching: candidate) == first, "\(candidate), seed \(seed)")
      #expect(list.permits(candidate) == first?.isPermitted ?? false)
    }
  }

  @Test func `rules that are taken away leave nothing behind`() {
    var random = SeededRandom(seed: 7)
    var list = PrefixList()
    for _ in 0..<50 { list.add(permit: true, condition(&random)) }
    for rule in list.rules {
      let isRemoved = list.remove(sequence: rule.sequence)
      #expect(isRemoved)
    }
    #expect(list == PrefixList())
    for _ in 0..<100 {
      let candidate = prefix(&random)
      #expect(list.index.first(matching: candidate) == nil)
    }
  }
}
