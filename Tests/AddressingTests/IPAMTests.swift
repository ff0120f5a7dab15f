import NetTypes
import Testing

@testable import Addressing

func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }
func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

@Suite struct IPPoolTests {
  @Test(arguments: [(16, 19), (16, 33), (27, 26), (0, 19)])
  func `a block length that does not fit the pool is refused`(pool: Int, block: Int) throws {
    let cidr = IPPrefix(try address("10.53.0.0"), length: pool)
    #expect(throws: AddressingError.badBlockLength(pool: cidr, length: block)) {
      try IPPool(name: "p", cidr: cidr, blockLength: block)
    }
  }

  @Test func `a /16 pool holds 1024 blocks of 64 addresses`() throws {
    let pool = try IPPool(name: "p", cidr: prefix("10.53.0.0/16"))
    #expect(pool.blockCount == 1024)
    #expect(pool.blockSize == 64)
    #expect(pool.block(at: 1) == (try prefix("10.53.0.64/26")))
    #expect(pool.block(at: 1023) == (try prefix("10.53.255.192/26")))
    #expect(pool.block(containing: try address("10.53.86.66")) == (try prefix("10.53.86.64/26")))
    #expect(pool.block(containing: try address("10.54.0.1")) == nil)
  }

  @Test func `a host finds the same block again, and other hosts other blocks`() throws {
    let pool = try IPPool(name: "p", cidr: prefix("10.53.0.0/16"))
    let hosts = ["server-0", "agent-0", "agent-1", "agent-2"]
    let first = try hosts.map { try pool.freeBlock(for: $0) { _ in false } }
    #expect(Set(first).count == hosts.count)
    #expect(first == (try hosts.map { try pool.freeBlock(for: $0) { _ in false } }))
  }

  @Test func `the probe goes on to the next block and wraps around the pool`() throws {
    let pool = try IPPool(name: "p", cidr: prefix("10.53.0.0/24"))
    var taken: Set<IPPrefix> = []
    for _ in 0..<4 { taken.insert(try pool.freeBlock(for: "a") { taken.contains($0) }) }
    #expect(taken.count == 4)
    let error = #expect(throws: AddressingError.self) {
      try pool.freeBlock(for: "a", ownedByHost: 4) { taken.contains($0) }
    }
    #expect(
      error?.description
        == "pool 10.53.0.0/24 is exhausted: all 4 blocks of /26 are taken, 4 of them by a and full")
  }

  @Test func `an IPv6 pool has blocks of 64 addresses too`() throws {
    let pool = try IPPool(name: "p", cidr: prefix("fd00:53::/64"))
    #expect(pool.blockLength == 122)
    #expect(pool.blockSize == 64)
    let block = try pool.freeBlock(for: "a") { _ in false }
    #expect(pool.cidr.contains(block))
  }
}

@Suite struct IPAMBlockTests {
  @Test func `a handle gets one address, however often it asks`() throws {
    var block = IPAMBlock(cidr: try prefix("10.53.0.0/30"), host: "a")
    let first = try block.allocate(.init(handle: "x"))
    #expect(try block.allocate(.init(handle: "x")) == first)
    #expect(block.allocatedCount == 1)
  }

  @Test func `a released address is the last to be given again`() throws {
    var block = IPAMBlock(cidr: try prefix("10.53.0.0/30"), host: "a")
    let first = try block.allocate(.init(handle: "0"))
    #expect(block.release(handle: "0") == [first])
    let next = try (1...4).map { try block.allocate(.init(handle: "\($0)")) }
    #expect(next.last == first)
    #expect(throws: AddressingError.blockFull(block.cidr, size: 4)) {
      try block.allocate(.init(handle: "5"))
    }
  }

  @Test func `a stored block whose free list misses an ordinal gets it back`() throws {
    let cidr = try prefix("10.53.0.0/30")
    let owner = IPAMBlock.Owner(handle: "x")
    let block = try #require(
      IPAMBlock(
        cidr: cidr, host: "a", strictAffinity: true, owners: [nil, owner, nil, nil],
        unallocated: [3, 1, 3]))
    #expect(block.unallocated == [3, 0, 2])
    #expect(
      IPAMBlock(cidr: cidr, host: "a", strictAffinity: true, owners: [], unallocated: []) == nil)
    #expect(
      IPAMBlock(
        cidr: cidr, host: "a", strictAffinity: true, owners: [nil, nil, nil, nil],
        unallocated: [4]) == nil)
  }

  @Test func `a given address goes to one owner only`() throws {
    var block = IPAMBlock(cidr: try prefix("10.53.0.0/30"), host: "a")
    let wanted = try address("10.53.0.2")
    try block.allocate(wanted, to: .init(handle: "x"))
    try block.allocate(wanted, to: .init(handle: "x"))
    #expect(throws: AddressingError.alreadyAllocated(wanted, handle: "x")) {
      try block.allocate(wanted, to: .init(handle: "y"))
    }
    let outside = try address("10.53.0.4")
    #expect(throws: AddressingError.notInBlock(outside, block.cidr)) {
      try block.allocate(outside, to: .init(handle: "y"))
    }
  }
}

@Suite struct HostIPAMTests {
  @Test func `a full block leads to the next one`() throws {
    let pool = try IPPool(name: "p", cidr: prefix("10.53.0.0/24"), blockLength: 30)
    var ipam = HostIPAM(host: "a", pools: [pool])
    var given: Set<IPAddress> = []
    for number in 0..<9 {
      let owner = IPAMBlock.Owner(handle: "\(number)")
      var outcome = try ipam.allocate(owner)
      if case .needsBlock(let cidr) = outcome {
        try ipam.adopt(IPAMBlock(cidr: cidr, host: "a"))
        outcome = try ipam.allocate(owner)
      }
      guard case .allocated(let address, _) = outcome else {
        Issue.record("no address for \(number)")
        return
      }
      #expect(given.insert(address).inserted)
    }
    #expect(ipam.blocks.count == 3)
  }

  @Test func `a block of another host is neither adopted nor claimed`() throws {
    let pool = try IPPool(name: "p", cidr: prefix("10.53.0.0/24"))
    var ipam = HostIPAM(host: "a", pools: [pool])
    let wanted = try ipam.candidate()
    ipam.markTaken(wanted, by: "b")
    #expect(try ipam.candidate() != wanted)
    #expect(throws: AddressingError.foreignBlock(wanted, affinity: "b", host: "a")) {
      try ipam.adopt(IPAMBlock(cidr: wanted, host: "b"))
    }
  }

  @Test func `a disabled pool gives no new address`() throws {
    let pool = try IPPool(name: "p", cidr: prefix("10.53.0.0/24"), isDisabled: true)
    var ipam = HostIPAM(host: "a", pools: [pool])
    #expect(throws: AddressingError.self) { try ipam.allocate(.init(handle: "x")) }
  }

  @Test(arguments: [1, 20_261_123, 0xDEAD_BEEF] as [UInt64])
  func `hosts that race for blocks never give one address twice`(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let pool = try IPPool(name: "p", cidr: prefix("10.53.0.0/22"), blockLength: 29)
    var hosts = (0..<4).map { HostIPAM(host: "node-\($0)", pools: [pool]) }
    var claimed: [IPPrefix: String] = [:]
    var given: [IPAddress: String] = [:]
    var live: [(handle: String, host: Int)] = []
    for step in 0..<4000 {
      if Int.random(in: 0..<10, using: &random) < 6 || live.isEmpty {
        let index = Int.random(in: 0..<4, using: &random)
        let owner = IPAMBlock.Owner(handle: "h\(step)")
        attempt: while true {
          do throws(AddressingError) {
            switch try hosts[index].allocate(owner) {
            case .allocated(let address, let block):
              #expect(given.updateValue(owner.handle, forKey: address) == nil, "seed \(seed)")
              #expect(claimed[block] == hosts[index].host, "seed \(seed)")
              live.append((owner.handle, index))
              break attempt
            case .needsBlock(let cidr):
              if let other = claimed[cidr] {
                hosts[index].markTaken(cidr, by: other)
              } else {
                claimed[cidr] = hosts[index].host
                try hosts[index].adopt(IPAMBlock(cidr: cidr, host: hosts[index].host))
              }
            }
          } catch {
            guard case .noFreeBlock = error else { throw error }
            break attempt
          }
        }
      } else {
        let gone = live.remove(at: Int.random(in: 0..<live.count, using: &random))
        #expect(!hosts[gone.host].release(handle: gone.handle).isEmpty, "seed \(seed)")
        given = given.filter { $0.value != gone.handle }
      }
    }
    #expect(hosts.reduce(0) { $0 + $1.handles.count } == live.count, "seed \(seed)")
  }
}
