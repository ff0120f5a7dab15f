import Addressing
import Intent
import KubeClient
import Kubernetes
import Linux
import NetTypes

/// How far the addresses of pools and blocks are given out: `calicoctl ipam show`.
package struct CalicoAddressReport: Sendable {
  private var pools: [(cidr: IPPrefix, blocks: [IPAMUse])]

  /// One block's addresses.
  struct IPAMUse: Sendable {
    var cidr: IPPrefix
    var inUse: Int
    /// By address: who has it.
    var owners: [IPAddress: JSON]
  }

  @Loop package static func read(_ client: CalicoClient) async throws -> CalicoAddressReport {
    CalicoAddressReport(
      pools: try await client.api.list(.ipPools).items,
      blocks: try await client.api.list(.ipamBlocks).items)
  }

  init(pools: [JSON], blocks: [JSON]) {
    let uses = blocks.compactMap(Self.use).sorted { $0.cidr < $1.cidr }
    let cidrs = pools.compactMap { $0.at("spec.cidr").string.flatMap { IPPrefix($0) } }.sorted()
    self.pools = cidrs.map { cidr in (cidr, uses.filter { cidr.contains($0.cidr) }) }
  }

  private static func use(_ block: JSON) -> IPAMUse? {
    let spec = block["spec"]
    guard let cidr = spec["cidr"].string.flatMap({ IPPrefix($0) }) else { return nil }
    var owners: [IPAddress: JSON] = [:]
    for (ordinal, allocation) in spec["allocations"].elements.enumerated() {
      guard let index = allocation.int else { continue }
      owners[cidr.address.advanced(by: ordinal)] = spec["attributes"][index]
    }
    return IPAMUse(cidr: cidr, inUse: owners.count, owners: owners)
  }

  /// - Parameter showsBlocks: A line for each block, under its pool's.
  package func text(showsBlocks: Bool) -> String {
    var table = RuledTable(["GROUPING", "CIDR", "IPS TOTAL", "IPS IN USE", "IPS FREE"])
    for pool in pools {
      let used = pool.blocks.reduce(0) { $0 + $1.inUse }
      table.add(Self.row("IP Pool", pool.cidr, used))
      guard showsBlocks else { continue }
      for block in pool.blocks { table.add(Self.row("Block", block.cidr, block.inUse)) }
    }
    return table.text
  }

  private static func row(_ grouping: String, _ cidr: IPPrefix, _ used: Int) -> [String] {
    let total = cidr.count
    return [grouping, "\(cidr)", "\(total)", share(used, total), share(total - used, total)]
  }

  /// As `5 (8%)`.
  private static func share(_ part: Int, _ total: Int) -> String {
    "\(part) (\(total == 0 ? 0 : (200 * part + total) / (2 * total))%)"
  }

  /// Who has one address.
  package func text(of address: IPAddress) -> String {
    let owner = pools.lazy.flatMap(\.blocks).compactMap { $0.owners[address] }.first
    guard let owner else { return "\(address) is not assigned\n" }
    let attributes = owner["secondary"].strings.sorted { $0.key < $1.key }
    let handle = owner["handle_id"].string ?? "<none>"
    return "IP \(address) is in use\nHandle ID: \(handle)\nActive Owner Attributes:\n"
      + attributes.map { "  \($0.key): \($0.value)\n" }.joined()
  }
}
