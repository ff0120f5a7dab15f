import BFD
import Testing

@Suite struct BFDStateTests {
  @Test func `states have the numbers of RFC 5880`() {
    #expect(BFDState(rawValue: 3) == .up)
  }
}
