import NetTypes

/// Where routes lead, each set of next hops once, counted by the prefixes that want it and by those
/// that the kernel has by it. A prefix holds four octets instead of a list of addresses.
struct TargetTable {
  typealias ID = UInt32

  struct Entry {
    var target: KernelRoutes.Target
    var wanted = 0
    var installed = 0

    var hops: [IPAddress] {
      if case .nextHops(let hops) = target { hops } else { [] }
    }
  }

  /// The entry at 0 stands for no route.
  private var entries = [Entry(target: .nextHops([]), wanted: 1)]
  private var index: [KernelRoutes.Target: ID] = [:]
  private var free: [ID] = []

  subscript(id: ID) -> Entry {
    get { entries[Int(id)] }
    _modify { yield &entries[Int(id)] }
  }

  /// The id of a target; the order of its next hops does not count.
  mutating func intern(_ target: KernelRoutes.Target) -> ID {
    if let known = index[target] { return known }
    var normal = target
    if case .nextHops(let hops) = target { normal = .nextHops(Array(Set(hops)).sorted()) }
    if let known = index[normal] { return known }
    let id: ID
    if let reused = free.popLast() {
      id = reused
      entries[Int(id)] = Entry(target: normal)
    } else {
      id = ID(entries.count)
      entries.append(Entry(target: normal))
    }
    index[normal] = id
    return id
  }

  /// Every target that is wanted or installed.
  var ids: [ID] { Array(index.values) }

  /// Frees the targets that nothing wants or has any more, and returns them.
  mutating func collect() -> [ID] {
    let gone = index.filter { self[$0.value].wanted == 0 && self[$0.value].installed == 0 }
    for (target, id) in gone {
      index[target] = nil
      free.append(id)
    }
    return gone.map(\.value)
  }
}
