import NetTypes
import Testing

@Suite struct PrefixTrieTests {
  @Test func `the longest match wins, in each family alone`() {
    var trie = PrefixTrie<String>()
    for text in ["0.0.0.0/0", "10.0.0.0/8", "10.53.0.0/16", "10.53.64.64/26", "2001:db8::/32"] {
      trie[IPPrefix(text)!] = text
    }
    #expect(trie.longestMatch(IPAddress("10.53.64.65")!)?.value == "10.53.64.64/26")
    #expect(trie.longestMatch(IPAddress("10.53.64.1")!)?.value == "10.53.0.0/16")
    #expect(trie.longestMatch(IPAddress("9.9.9.9")!)?.value == "0.0.0.0/0")
    #expect(trie.longestMatch(IPAddress("2001:db8::5")!)?.prefix == IPPrefix("2001:db8::/32"))
    #expect(trie.longestMatch(IPAddress("2001:db9::5")!) == nil)
  }

  @Test func `random changes leave what a dictionary would`() {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var random = SeededRandom(seed: seed)
    var trie = PrefixTrie<Int>()
    var plain: [IPPrefix: Int] = [:]
    for step in 0..<5000 {
      let address = IPAddress.v4(IPv4Address(rawValue: .random(in: 0...0xffff, using: &random)))
      let prefix = IPPrefix(address, length: .random(in: 14...32, using: &random))
      let value = Bool.random(using: &random) ? step : nil
      trie[prefix] = value
      plain[prefix] = value
      #expect(trie.count == plain.count)
      let longest = plain.keys.filter { $0.contains(address) }.max { $0.length < $1.length }
      #expect(trie.longestMatch(address)?.prefix == longest)
    }
  }
}
