import Glibc
import Kubernetes

/// What the machine says of itself, for a Node object.
package struct MachineFacts: Hashable, Sendable {
  package var processors: Int
  /// Bytes.
  package var memory: Int64
  /// Bytes of the file system that holds the node's state.
  package var storage: Int64
  package var kernel = ""
  package var architecture = "amd64"
  package var system = "Linux"
  package var machineID = ""
  package var bootID = ""

  package init(processors: Int, memory: Int64, storage: Int64) {
    self.processors = processors
    self.memory = memory
    self.storage = storage
  }

  /// This machine's.
  package static func read(stateDirectory: String) -> MachineFacts {
    var storage = statvfs()
    let blocks = statvfs(stateDirectory, &storage) == 0 ? UInt64(storage.f_blocks) : 0
    let bytes = Int64(
      clamping: blocks.multipliedReportingOverflow(by: UInt64(storage.f_frsize)).partialValue)
    let pages = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
    var facts = MachineFacts(
      processors: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), memory: max(0, pages),
      storage: bytes)
    let line = { (path: String) in
      String((Files.text(path) ?? "").prefix { $0 != "\n" })
    }
    facts.kernel = line("/proc/sys/kernel/osrelease")
    facts.machineID = line("/etc/machine-id")
    facts.bootID = line("/proc/sys/kernel/random/boot_id")
    for entry in (Files.text("/etc/os-release") ?? "").split(separator: "\n")
    where entry.hasPrefix("PRETTY_NAME=") {
      facts.system = String(entry.dropFirst(12)).filter { $0 != "\"" }
    }
    #if arch(arm64)
      facts.architecture = "arm64"
    #endif
    return facts
  }

  package var allocatable: [String: Quantity] {
    [
      "cpu": Quantity(milli: Int64(processors) * 1000),
      "memory": Quantity(milli: memory.multipliedReportingOverflow(by: 1000).partialValue),
    ]
  }

  /// `capacity` and `allocatable`. Nodes of one machine share it: each offers the whole.
  var resources: JSON {
    [
      "cpu": .string(String(processors)), "memory": .string("\(memory / 1024)Ki"),
      "ephemeral-storage": .string("\(storage / 1024)Ki"), "pods": "110", "hugepages-2Mi": "0",
    ]
  }
}
