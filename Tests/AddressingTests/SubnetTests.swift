import NetTypes
import Testing

@testable import Addressing

@Suite struct VIPAllocatorTests {
  @Test func `the lowest free address goes to the next owner, reserved ones to none`() throws {
    var vips = VIPAllocator(
      subnet: try prefix("10.10.2.0/24"), first: 11, reserved: [try address("10.10.2.12")])
    #expect(try vips.allocate(owner: "default/a").description == "10.10.2.11")
    #expect(try vips.allocate(owner: "default/b").description == "10.10.2.13")
    #expect(try vips.allocate(owner: "default/a").description == "10.10.2.11")
    #expect(vips.release(owner: "default/a")?.description == "10.10.2.11")
    #expect(try vips.allocate(owner: "default/c").description == "10.10.2.11")
  }

  @Test func `a requested address is given if it is free, else the error names its owner`() throws {
    var vips = VIPAllocator(subnet: try prefix("10.10.2.0/24"), first: 11)
    let wanted = try address("10.10.2.50")
    #expect(try vips.allocate(owner: "a", requested: wanted) == wanted)
    #expect(try vips.allocate(owner: "a", requested: wanted) == wanted)
    #expect(throws: AddressingError.vipTaken(wanted, owner: "a")) {
      try vips.allocate(owner: "b", requested: wanted)
    }
    let outside = try address("10.10.2.255")
    #expect(throws: AddressingError.notInPool(outside, pool: "10.10.2.11-10.10.2.254")) {
      try vips.allocate(owner: "b", requested: outside)
    }
  }

  @Test func `an exhausted pool says how many it had`() throws {
    var vips = VIPAllocator(
      subnet: try prefix("10.10.2.0/29"), reserved: [try address("10.10.2.1")])
    for number in 0..<5 { _ = try vips.allocate(owner: "\(number)") }
    let error = #expect(throws: AddressingError.self) { try vips.allocate(owner: "x") }
    #expect(
      error?.description
        == "VIP pool 10.10.2.1-10.10.2.6 is exhausted: 6 addresses, 1 reserved, 5 allocated")
  }
}

@Suite struct SubnetPlanTests {
  @Test(arguments: [
    (
      "172.19.0.0/29",
      ["172.19.0.1", "172.19.0.2", "172.19.0.3", "172.19.0.4", "172.19.0.5", "172.19.0.6"]
    ),
    ("10.0.0.0/31", ["10.0.0.0", "10.0.0.1"]),
    ("10.0.0.7/32", ["10.0.0.7"]),
    ("fd00::/126", ["fd00::1", "fd00::2", "fd00::3"]),
  ])
  func `host addresses come in order`(subnet: String, hosts: [String]) throws {
    #expect(try prefix(subnet).hosts.map(\.description) == hosts)
    #expect(try prefix(subnet).hostCount == hosts.count)
  }

  @Test func `a subnet too small for its hosts says so`() throws {
    let subnet = try prefix("172.19.0.0/30")
    #expect(throws: AddressingError.subnetTooSmall(subnet, hosts: 2, needed: 5)) {
      try subnet.hosts(5)
    }
  }

  @Test func `overlapping networks are refused by name`() throws {
    var plan = SubnetPlan()
    try plan.add("--node-cidr", prefix("172.19.0.0/16"))
    try plan.add("--pod-cidr", prefix("10.53.0.0/16"))
    let error = #expect(throws: AddressingError.self) {
      try plan.add("--vip-cidr", prefix("10.53.2.0/24"))
    }
    #expect(error?.description == "--vip-cidr 10.53.2.0/24 overlaps --pod-cidr 10.53.0.0/16")
  }
}
