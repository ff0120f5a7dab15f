import Addressing
import Kubernetes
import Linux
import NetTypes

/// The pod addresses of one node: decides by `HostIPAM`, keeps its blocks on disk and in the API.
///
/// A block is claimed by creating its IPAMBlock, whose name is its CIDR: of several nodes one wins,
/// the others learn whose it is. With strict affinity nobody else writes a claimed block, so
/// allocations need no round trip: disk first, the API's copy follows.
@Loop package final class AddressStore {
  private var ipam: HostIPAM
  private let records: any ClusterAPI
  private let path: String
  private let log: @Loop (String) -> Void
  private var claim: Task<Void, any Error>?
  private var unsaved: Set<IPPrefix> = []
  private var isPushing = false
  /// Called when the set of own blocks changes: they are what this node announces.
  package var onBlocks: (@Loop ([IPPrefix]) -> Void)?
  /// Those who ask before this node has its first block wait for it this long.
  private static let patience = Duration.seconds(5)
  private var waiters: [Waiter] = []

  package init(
    host: String, stateDirectory: String, records: any ClusterAPI,
    log: @escaping @Loop (String) -> Void = { _ in }
  ) {
    self.records = records
    self.log = log
    path = stateDirectory + "/ipam.json"
    ipam = HostIPAM(host: host, pools: [])
    guard let json = (try? FileSystem.read(path)).flatMap({ try? JSON(parsing: $0) }) else {
      return
    }
    ipam.setPools(json["pools"].elements.compactMap { try? IPPool(calico: $0) })
    for object in json["blocks"].elements {
      do {
        try ipam.adopt(IPAMBlock(calico: object))
      } catch {
        log("address record on disk left out: \(error)")
      }
    }
  }

  package var blocks: [IPPrefix] { ipam.blocks.map(\.cidr) }
  package var pools: [IPPool] { ipam.pools }

  package func setPools(_ pools: [IPPool]) {
    guard pools != ipam.pools else { return }
    ipam.setPools(pools)
    save()
  }

  /// The address that `handle` holds or gets.
  package func allocate(_ owner: IPAMBlock.Owner) async throws -> IPAddress {
    if ipam.blocks.isEmpty { try await waitForBlock() }
    for _ in 0..<64 {
      switch try ipam.allocate(owner) {
      case .allocated(let address, let block):
        changed(block)
        return address
      case .needsBlock(let cidr): try await claimOnce(cidr)
      }
    }
    throw AddressingError.noFreeBlock(
      pool: pools.first?.cidr ?? .defaultIPv4, blocks: pools.first?.blockCount ?? 0,
      blockLength: pools.first?.blockLength ?? 0, host: ipam.host, own: ipam.blocks.count)
  }

  private func waitForBlock() async throws {
    let waiter = Waiter()
    waiters.append(waiter)
    let timer = Loop.after(Self.patience) { waiter.resume() }
    defer { timer.cancel() }
    try await waiter.wait()
  }

  package func release(handle: String) {
    for block in ipam.release(handle: handle) { changed(block) }
  }

  /// Frees what belongs to none of `handles`.
  package func keep(only handles: Set<String>) {
    for handle in ipam.handles.subtracting(handles) { release(handle: handle) }
  }

  /// Learns from the API which blocks are whose, and claims a first block if this node has none.
  package func reconcile() async throws {
    for object in try await records.list(.ipamBlocks) {
      do {
        let block = try IPAMBlock(calico: object)
        if block.host != ipam.host {
          if let host = block.host { ipam.markTaken(block.cidr, by: host) }
        } else if ipam.block(block.cidr) == nil {
          try ipam.adopt(block)
        }
      } catch {
        log("address record left out: \(error)")
      }
    }
    save()
    announce()
    // The disk is ahead of the API.
    for block in ipam.blocks { changed(block.cidr) }
    if ipam.blocks.isEmpty {
      for _ in 0..<64 where ipam.blocks.isEmpty { try await claimOnce(ipam.candidate()) }
    }
  }

  /// One claim at a time; those who come meanwhile wait for it and look again.
  private func claimOnce(_ cidr: IPPrefix) async throws {
    if let claim { return try await claim.value }
    let task = Task { @Loop in try await self.claimBlock(cidr) }
    claim = task
    defer { claim = nil }
    try await task.value
  }

  private func claimBlock(_ cidr: IPPrefix) async throws {
    let block = IPAMBlock(cidr: cidr, host: ipam.host)
    do {
      _ = try await records.create(.ipamBlocks, block.calicoObject)
      try ipam.adopt(block)
    } catch let status as APIStatus where status.isAlreadyExists {
      let found = try IPAMBlock(
        calico: await records.get(
          .ipamBlocks, ResourceName(name: CalicoObjects.name(of: cidr))))
      guard found.host == ipam.host else {
        ipam.markTaken(cidr, by: found.host ?? "")
        return
      }
      try ipam.adopt(found)
    }
    save()
    announce()
    await confirm(cidr)
  }

  private func confirm(_ cidr: IPPrefix) async {
    let affinity = BlockAffinity(host: ipam.host, cidr: cidr)
    do {
      _ = try await records.create(.blockAffinities, affinity.calicoObject)
    } catch let status as APIStatus where status.isAlreadyExists {
    } catch {
      log("affinity of block \(cidr) not recorded: \(error)")
    }
  }

  private func announce() {
    onBlocks?(blocks)
    guard !ipam.blocks.isEmpty else { return }
    for waiter in waiters { waiter.resume() }
    waiters = []
  }

  private func changed(_ block: IPPrefix) {
    unsaved.insert(block)
    save()
    push()
  }

  private func save() {
    let json: JSON = [
      "blocks": .array(ipam.blocks.map(\.calicoObject)),
      "pools": .array(ipam.pools.map(\.calicoObject)),
    ]
    do {
      try Files.write(json.bytes, to: path, mode: 0o600)
    } catch {
      log("address records not kept on disk: \(error)")
    }
  }

  /// Brings the API's copy up to date, again and again until it is.
  private func push() {
    guard !isPushing else { return }
    isPushing = true
    Task { @Loop in
      defer { isPushing = false }
      var delay = Duration.milliseconds(200)
      while let cidr = unsaved.first {
        unsaved.remove(cidr)
        guard let block = ipam.block(cidr) else { continue }
        do {
          try await write(block)
          delay = .milliseconds(200)
        } catch {
          unsaved.insert(cidr)
          try? await Loop.sleep(delay)
          delay = min(delay * 2, .seconds(10))
        }
      }
    }
  }

  private func write(_ block: IPAMBlock) async throws {
    let object = block.calicoObject
    do {
      _ = try await records.merge(
        .ipamBlocks, ResourceName(name: CalicoObjects.name(of: block.cidr)), subresource: nil,
        ["spec": object["spec"]])
    } catch let status as APIStatus where status.isNotFound {
      _ = try await records.create(.ipamBlocks, object)
      await confirm(block.cidr)
    }
  }
}
