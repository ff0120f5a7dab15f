import Glibc
import Kubernetes
import Linux
import NetTypes

/// Where a node keeps what belongs to its pods.
///
/// ```
/// STATE/pods/UID/pod.json            the object with its last status: a restart begins from it
/// STATE/pods/UID/volumes/NAME/       emptyDir, configMap, secret, projected, downwardAPI
/// STATE/pods/UID/logs/CONTAINER/N.log
/// STATE/pods/UID/hosts               /etc/hosts of the pod
/// STATE/pods/UID/resolv.conf         its /etc/resolv.conf
/// RUNTIME/memory/UID/NAME/           emptyDir with medium Memory: RUNTIME is a tmpfs
/// ```
package struct PodFiles: Sendable {
  package let state: String
  package let runtime: String

  package init(state: String, runtime: String) {
    self.state = state
    self.runtime = runtime
  }

  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  func directory(_ uid: String) -> String { "\(state)/pods/\(uid)" }
  private func memory(_ uid: String) -> String { "\(runtime)/memory/\(uid)" }

  // MARK: The object

  /// Keeps the object with its status.
  package func save(_ pod: JSON) throws {
    let uid = pod.at("metadata.uid").string ?? ""
    guard Self.isSafe(uid) else { throw Failure(description: "pod uid \"\(uid)\" is no file name") }
    try Files.makeDirectory(directory(uid))
    try Files.write(pod.bytes, to: directory(uid) + "/pod.json", mode: 0o600)
  }

  /// Every pod kept; what cannot be read is left out.
  package func saved() -> [JSON] {
    Files.names(in: state + "/pods").compactMap { uid in
      guard let bytes = try? FileSystem.read(directory(uid) + "/pod.json") else { return nil }
      return try? JSON(parsing: bytes)
    }
  }

  package func remove(podUID uid: String) {
    guard Self.isSafe(uid) else { return }
    Files.removeTree(directory(uid))
    Files.removeTree(memory(uid))
  }

  /// One path component and no more.
  private static func isSafe(_ name: String) -> Bool {
    !name.isEmpty && !name.contains("/") && !name.contains("\0") && name != "." && name != ".."
  }

  // MARK: Logs

  package func logPath(_ pod: PodSpecification, container: String, attempt: Int) -> String {
    "\(directory(pod.uid))/logs/\(container)/\(attempt).log"
  }

  // MARK: Volumes

  /// Makes or refreshes the pod's volumes.
  package func prepare(
    _ pod: PodSpecification, volumes: [(name: String, source: VolumeSource)]
  ) throws {
    for (name, source) in volumes {
      guard Self.isSafe(name) else {
        throw Failure(description: "volume name \"\(name)\" is no file name")
      }
      switch source {
      case .emptyDirectory(let isMemory, _):
        try Files.makeDirectory(path(of: name, isMemory: isMemory, pod.uid), mode: 0o777)
      case .hostPath(let path, let type): try check(path, type, volume: name)
      case .files(let files):
        let root = path(of: name, isMemory: false, pod.uid)
        try Files.makeDirectory(root)
        for file in files {
          let target = root + "/" + file.path
          if let slash = target.lastIndex(of: "/") {
            try Files.makeDirectory(String(target[..<slash]))
          }
          if (try? FileSystem.read(target)) != file.bytes {
            try Files.write(file.bytes, to: target, mode: mode_t(file.mode & 0o777))
          }
        }
      }
    }
  }

  private func path(of volume: String, isMemory: Bool, _ uid: String) -> String {
    isMemory ? "\(memory(uid))/\(volume)" : "\(directory(uid))/volumes/\(volume)"
  }

  private func check(_ path: String, _ type: String, volume: String) throws {
    func fail(_ text: String) -> Failure {
      Failure(
        description: "MountVolume.SetUp failed for volume \"\(volume)\" : "
          + "hostPath type check failed: \(path) \(text)")
    }
    switch type {
    case "DirectoryOrCreate": try Files.makeDirectory(path)
    case "FileOrCreate": if !FileSystem.exists(path) { try Files.write([], to: path) }
    case "Directory": if !FileSystem.isDirectory(path) { throw fail("is not a directory") }
    case "File":
      if !FileSystem.exists(path) || FileSystem.isDirectory(path) { throw fail("is not a file") }
    case "": break
    default: if !FileSystem.exists(path) { throw fail("does not exist") }
    }
  }

  /// What a container's `volumeMounts` bind, its /etc/hosts and its /etc/resolv.conf.
  package func mounts(
    of container: ContainerSpecification, in pod: PodSpecification, addresses: [IPAddress] = [],
    resolver: ResolverConfiguration = ResolverConfiguration()
  ) throws -> [ContainerLaunch.Mount] {
    let volumes = pod.spec["volumes"].elements
    var mounts: [ContainerLaunch.Mount] = []
    for mount in container.json["volumeMounts"].elements {
      let name = mount["name"].string ?? ""
      guard let target = mount["mountPath"].string, target.hasPrefix("/") else {
        throw Failure(
          description: "volumeMounts of \(container.name): mountPath is "
            + "\(mount["mountPath"].text), expected an absolute path")
      }
      guard let volume = volumes.first(where: { $0["name"].string == name }) else {
        throw Failure(description: "volume \"\(name)\" of container \(container.name) not found")
      }
      var source =
        volume.at("hostPath.path").string
        ?? path(
          of: name, isMemory: volume.at("emptyDir.medium").string == "Memory", pod.uid)
      if let sub = mount["subPath"].string, !sub.isEmpty {
        guard !sub.hasPrefix("/"), !sub.split(separator: "/").contains("..") else {
          throw Failure(description: "subPath \"\(sub)\" leaves volume \"\(name)\"")
        }
        source += "/" + sub
        if !FileSystem.exists(source) { try Files.makeDirectory(source, mode: 0o777) }
      }
      let isWritable = volume["emptyDir"].object != nil || volume["hostPath"].object != nil
      mounts.append(
        .init(
          source: source, target: target,
          isReadOnly: mount["readOnly"].bool ?? false || !isWritable))
    }
    if !pod.isHostNetwork, !mounts.contains(where: { $0.target == "/etc/hosts" }) {
      mounts.append(
        .init(source: try hosts(pod, addresses), target: "/etc/hosts", isReadOnly: false))
    }
    if !mounts.contains(where: { $0.target == "/etc/resolv.conf" }) {
      let path = try write(resolver.text, "resolv.conf", of: pod)
      mounts.append(.init(source: path, target: "/etc/resolv.conf", isReadOnly: false))
    }
    return mounts
  }

  private func hosts(_ pod: PodSpecification, _ addresses: [IPAddress]) throws -> String {
    var text = """
      # Kubernetes-managed hosts file.
      127.0.0.1\tlocalhost
      ::1\tlocalhost ip6-localhost ip6-loopback

      """
    for address in addresses { text += "\(address)\t\(pod.hostname(node: ""))\n" }
    for alias in pod.spec["hostAliases"].elements {
      let names = alias["hostnames"].elements.compactMap(\.string).joined(separator: "\t")
      text += "\(alias["ip"].string ?? "")\t\(names)\n"
    }
    return try write(text, "hosts", of: pod)
  }

  /// - Returns: The file's path.
  private func write(_ text: String, _ name: String, of pod: PodSpecification) throws -> String {
    let path = "\(directory(pod.uid))/\(name)"
    try Files.makeDirectory(directory(pod.uid))
    if Files.text(path) != text { try Files.write(Array(text.utf8), to: path) }
    return path
  }
}
