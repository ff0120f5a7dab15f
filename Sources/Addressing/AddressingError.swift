import NetTypes

/// Why an address, a block or a pool cannot be had; each case carries the limit and the actual value.
package enum AddressingError: Error, Equatable, CustomStringConvertible {
  /// The block length does not fit the pool, or is beyond Calico's limits (/20.../32, /116.../128).
  case badBlockLength(pool: IPPrefix, length: Int)
  /// Every block of the pool belongs to some host.
  case noFreeBlock(pool: IPPrefix, blocks: Int, blockLength: Int, host: String, own: Int)
  /// No pool is enabled, or none is known yet.
  case noPool(host: String)
  case blockFull(IPPrefix, size: Int)
  case notInBlock(IPAddress, IPPrefix)
  case alreadyAllocated(IPAddress, handle: String)
  case foreignBlock(IPPrefix, affinity: String?, host: String)
  case notInPool(IPAddress, pool: String)
  case reserved(IPAddress)
  case vipTaken(IPAddress, owner: String)
  case noFreeVIP(pool: String, size: Int, reserved: Int, allocated: Int)
  case overlap(String, IPPrefix, String, IPPrefix)
  case subnetTooSmall(IPPrefix, hosts: Int, needed: Int)

  package var description: String {
    switch self {
    case .badBlockLength(let pool, let length):
      "block size /\(length) does not fit pool \(pool): expected /\(IPPool.blockLengths(in: pool))"
    case .noFreeBlock(let pool, let blocks, let length, let host, let own):
      "pool \(pool) is exhausted: all \(blocks) blocks of /\(length) are taken, "
        + "\(own) of them by \(host) and full"
    case .noPool(let host): "no IP pool is enabled for \(host)"
    case .blockFull(let block, let size):
      "block \(block) is full: \(size) of \(size) addresses taken"
    case .notInBlock(let address, let block): "\(address) is outside block \(block)"
    case .alreadyAllocated(let address, let handle): "\(address) already belongs to \(handle)"
    case .foreignBlock(let block, let affinity, let host):
      "block \(block) has affinity to \(affinity ?? "no host"), not to \(host)"
    case .notInPool(let address, let pool): "\(address) is outside the pool \(pool)"
    case .reserved(let address): "\(address) is reserved"
    case .vipTaken(let address, let owner): "\(address) already belongs to \(owner)"
    case .noFreeVIP(let pool, let size, let reserved, let allocated):
      "VIP pool \(pool) is exhausted: \(size) addresses, \(reserved) reserved, \(allocated) allocated"
    case .overlap(let a, let first, let b, let second):
      "\(a) \(first) overlaps \(b) \(second)"
    case .subnetTooSmall(let subnet, let hosts, let needed):
      "\(subnet) has \(hosts) host addresses, \(needed) are needed"
    }
  }
}
