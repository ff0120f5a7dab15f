import Delivery

/// Counters of the kernel as they were read last, by the names of `KernelRuleset`.
struct KernelCounts {
  private var values: [String: (packets: UInt64, bytes: UInt64)] = [:]

  mutating func take(_ read: [String: (packets: UInt64, bytes: UInt64)]) { values = read }

  /// Forgets those of objects that have gone.
  mutating func keep(_ names: Set<String>) { values = values.filter { names.contains($0.key) } }

  func connections(_ egress: Egress) -> UInt64 { values[egress.counter]?.packets ?? 0 }

  /// By the mark's name.
  func of(_ name: String) -> EngineSnapshot.Counts {
    var counts = EngineSnapshot.Counts()
    counts.connections = values["c-\(name)"]?.packets ?? 0
    if let received = values["r-\(name)"] {
      (counts.packetsIn, counts.bytesIn) = received
    }
    if let sent = values["s-\(name)"] { (counts.packetsOut, counts.bytesOut) = sent }
    return counts
  }
}
