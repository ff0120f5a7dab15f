import NetTypes
import Testing

@testable import RouterService

@Suite struct TargetTableTests {
  let a = address("10.90.0.1")
  let b = address("10.90.0.2")

  @Test func `the order of next hops makes no other target`() {
    var table = TargetTable()
    let id = table.intern(.nextHops([a, b]))
    #expect(table.intern(.nextHops([b, a])) == id)
    #expect(table.intern(.nextHops([a])) != id)
    #expect(table[id].hops == [a, b])
  }

  @Test func `a target stays while it is wanted or installed`() {
    var table = TargetTable()
    let (one, two) = (table.intern(.nextHops([a])), table.intern(.blackhole))
    table[one].wanted = 1
    table[two].installed = 1
    #expect(table.collect().isEmpty)
    table[one].wanted = 0
    #expect(table.collect() == [one])
    // The id is free for another, and means the old one no more.
    #expect(table.intern(.nextHops([b])) == one)
    #expect(table[one].hops == [b] && table[one].wanted == 0)
  }

  @Test func `a map of prefixes keeps both families and lengths apart`() {
    var map = PrefixMap<Int>()
    let prefixes = ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/24", "::/0", "2001:db8::/32"].map(prefix)
    for (number, prefix) in prefixes.enumerated() { map[prefix] = number }
    #expect(map.count == 5)
    map.update { $1 += 10 }
    for (number, prefix) in prefixes.enumerated() { #expect(map[prefix] == number + 10) }
    map[prefixes[1]] = nil
    var met: Set<IPPrefix> = []
    map.forEach { prefix, _ in met.insert(prefix) }
    #expect(met == Set(prefixes).subtracting([prefixes[1]]))
  }
}
