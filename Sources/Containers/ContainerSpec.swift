/// One container to run, every reference resolved: what becomes an OCI bundle.
package struct ContainerSpec: Hashable, Sendable {
  package struct Mount: Hashable, Sendable {
    package var source: String
    package var target: String
    package var isReadOnly: Bool

    package init(source: String, target: String, isReadOnly: Bool = false) {
      self.source = source
      self.target = target
      self.isReadOnly = isReadOnly
    }
  }

  /// Unique for one runtime root.
  package var id: String
  /// Kept with the container, given back by `containers`.
  package var labels: [String: String] = [:]
  package var image: Image
  /// Replaces the image's entry point and its arguments; empty keeps both.
  package var command: [String] = []
  /// Replaces the image's arguments; empty keeps them, unless the command is replaced.
  package var arguments: [String] = []
  /// `NAME=value`, over the image's own.
  package var environment: [(name: String, value: String)] = []
  package var workingDirectory: String?
  package var userID: UInt32?
  package var groupID: UInt32?
  package var supplementaryGroups: [UInt32] = []
  /// Refuse to start as root, whoever says so.
  package var mustNotBeRoot = false
  package var mounts: [Mount] = []
  package var hostname = ""
  /// The file that holds the network namespace; nil to share the caller's.
  package var networkNamespace: String?
  /// A file; standard output and error are appended to it.
  package var logPath: String
  /// The path of its control group, from the hierarchies' roots.
  package var controlGroup: String
  /// Thousandths of a core.
  package var cpuLimit: Int64?
  package var cpuRequest: Int64?
  /// Bytes.
  package var memoryLimit: Int64?
  package var processLimit: Int64 = 4096
  package var isPrivileged = false
  package var hasReadOnlyRoot = false
  package var addedCapabilities: [String] = []
  package var droppedCapabilities: [String] = []

  package init(id: String, image: Image, logPath: String, controlGroup: String) {
    self.id = id
    self.image = image
    self.logPath = logPath
    self.controlGroup = controlGroup
  }

  package static func == (a: Self, b: Self) -> Bool { a.id == b.id }
  package func hash(into hasher: inout Hasher) { hasher.combine(id) }

  /// What runs: Kubernetes' rule for command and arguments over the image's.
  package var process: [String] {
    if !command.isEmpty { return command + arguments }
    return image.entrypoint + (arguments.isEmpty ? image.command : arguments)
  }

  /// The image's environment with the container's over it.
  package var fullEnvironment: [String] {
    var order: [String] = []
    var values: [String: String] = [:]
    func set(_ name: String, _ value: String) {
      if values.updateValue(value, forKey: name) == nil { order.append(name) }
    }
    set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    for pair in image.environment {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      set(String(sides[0]), sides.count > 1 ? String(sides[1]) : "")
    }
    if !hostname.isEmpty { set("HOSTNAME", hostname) }
    for (name, value) in environment { set(name, value) }
    return order.map { "\($0)=\(values[$0] ?? "")" }
  }
}
