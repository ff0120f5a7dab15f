import Linux
import NetTypes
import Testing

@testable import RouterService

@Loop struct TableWalkTests {
  @Test(arguments: [0, 1, 63, 64, 4097, 30_000])
  func `a walk gives every prefix once, in order`(count: Int) {
    var random = SeededRandom(seed: UInt64(count))
    var prefixes: Set<IPPrefix> = []
    while prefixes.count < count {
      let value = UInt32(truncatingIfNeeded: random.next())
      prefixes.insert(IPPrefix(.v4(IPv4Address(rawValue: value)), length: Int(value % 25) + 8))
    }
    let walk = TableWalk(Array(prefixes))
    var found: [IPPrefix] = []
    while let few = walk.next(64) {
      #expect(few.count <= 64)
      found += few
    }
    #expect(found == prefixes.sorted())
  }
}
