import Kubernetes

/// The OCI runtime specification of one container, config.json of its bundle.
enum RuntimeBundle {
  /// What a container may do by default: the set Docker grants.
  static let defaultCapabilities = [
    "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
    "CAP_MKNOD", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID",
    "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
  ]
  static let privilegedCapabilities =
    defaultCapabilities + [
      "CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_RESOURCE", "CAP_SYS_NICE",
      "CAP_SYS_TIME", "CAP_IPC_LOCK", "CAP_DAC_READ_SEARCH", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
      "CAP_LINUX_IMMUTABLE", "CAP_NET_BROADCAST", "CAP_SYSLOG",
    ]

  static func configuration(of spec: ContainerSpec, root: String) throws(ContainerError) -> JSON {
    let capabilities = JSON(capabilities(of: spec))
    let user = try ContainerUser(of: spec)
    return [
      "ociVersion": "1.0.2",
      "hostname": JSON(spec.hostname),
      "root": ["path": JSON(root), "readonly": JSON(spec.hasReadOnlyRoot)],
      "process": [
        "terminal": false,
        "user": [
          "uid": .integer(Int64(user.userID)), "gid": .integer(Int64(user.groupID)),
          "additionalGids": .array(user.additionalGroups.map { .integer(Int64($0)) }),
        ],
        "args": JSON(spec.process),
        "env": JSON(spec.fullEnvironment),
        "cwd": JSON(spec.workingDirectory ?? spec.image.workingDirectory),
        "noNewPrivileges": JSON(!spec.isPrivileged),
        "capabilities": [
          "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
        ],
        "rlimits": [["type": "RLIMIT_NOFILE", "hard": 16384, "soft": 16384]],
      ],
      "mounts": .array(mounts(of: spec)),
      "linux": [
        "namespaces": .array(namespaces(of: spec)),
        "cgroupsPath": JSON(spec.controlGroup),
        "resources": resources(of: spec),
        "sysctl": sysctl(of: spec),
        "maskedPaths": spec.isPrivileged
          ? []
          : [
            "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
            "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware",
            "/proc/scsi",
          ],
        "readonlyPaths": spec.isPrivileged
          ? [] : ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
      ],
    ]
  }

  private static func capabilities(of spec: ContainerSpec) -> [String] {
    var granted = spec.isPrivileged ? privilegedCapabilities : defaultCapabilities
    func named(_ name: String) -> String { name.hasPrefix("CAP_") ? name : "CAP_\(name)" }
    if spec.droppedCapabilities.contains("ALL") {
      granted = []
    } else {
      granted.removeAll { spec.droppedCapabilities.map(named).contains($0) }
    }
    for name in spec.addedCapabilities.map(named) where !granted.contains(name) {
      granted.append(name)
    }
    return granted
  }

  private static func namespaces(of spec: ContainerSpec) -> [JSON] {
    var kinds: [JSON] = [["type": "pid"], ["type": "ipc"], ["type": "uts"], ["type": "mount"]]
    if let path = spec.networkNamespace { kinds.append(["type": "network", "path": JSON(path)]) }
    return kinds
  }

  /// As other runtimes do in a pod's own namespace: any user may take a low port, and ping.
  private static func sysctl(of spec: ContainerSpec) -> JSON {
    guard spec.networkNamespace != nil else { return [:] }
    return [
      "net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647",
    ]
  }

  private static func mounts(of spec: ContainerSpec) -> [JSON] {
    let fixed: [(String, String, String, [String])] = [
      ("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
      ("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
      (
        "/dev/pts", "devpts", "devpts",
        ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
      ),
      ("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
      ("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
      ("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
    ]
    let system = fixed.map { target, type, source, options -> JSON in
      [
        "destination": JSON(target), "type": JSON(type), "source": JSON(source),
        "options": JSON(options),
      ]
    }
    return system
      + spec.mounts.map { mount in
        [
          "destination": JSON(mount.target), "type": "bind", "source": JSON(mount.source),
          "options": ["rbind", "rprivate", mount.isReadOnly ? "ro" : "rw"],
        ]
      }
  }

  private static func resources(of spec: ContainerSpec) -> JSON {
    var resources: JSON = [
      "pids": ["limit": .integer(spec.processLimit)],
      "devices": [["allow": JSON(spec.isPrivileged), "access": "rwm"]],
    ]
    if let bytes = spec.memoryLimit { resources["memory"] = ["limit": .integer(bytes)] }
    var processor: [String: JSON] = [:]
    if let millicores = spec.cpuLimit {
      processor["period"] = 100_000
      processor["quota"] = .integer(max(1000, millicores * 100))
    }
    if let millicores = spec.cpuRequest {
      processor["shares"] = .integer(max(2, millicores * 1024 / 1000))
    }
    if !processor.isEmpty { resources["cpu"] = .object(processor) }
    return resources
  }
}
