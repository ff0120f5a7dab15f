// swift-tools-version: 6.2
import PackageDescription

// Levels, lowest first; imports go downward only. ARCHITECTURE.md holds the same table,
// and ArchitectureTests compares the two with the imports in the sources.

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")
let sqlite = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// Every module of ours: Swift 6 mode, no warning left standing.
let common: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]
/// The data plane's release does without the run-time checks of exclusive access, which debug builds
/// and so tests have: a fiftieth of a request.
let dataPlane: [SwiftSetting] =
  common + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]
/// Cores touch no raw memory, and the compiler holds them to it.
let core: [SwiftSetting] = common + [.strictMemorySafety()]

func module(
  _ name: String, _ dependencies: [Target.Dependency], settings: [SwiftSetting] = common
) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, swiftSettings: common)
}

let package = Package(
  name: "atoll",
  products: [
    .executable(name: "atoll", targets: ["atoll"]),
    .executable(name: "atoll-sample", targets: ["atoll-sample"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    // Level 0: vocabulary and system headers.
    module("NetTypes", [], settings: core),
    module("Wire", []),
    .target(name: "CLinux"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CCrypt", pkgConfig: "libxcrypt", providers: [.apt(["libcrypt-dev"])]),
    .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    .systemLibrary(
      name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(
      name: "CMaxMindDB", pkgConfig: "libmaxminddb", providers: [.apt(["libmaxminddb-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),

    // Level 1: cores, sans I/O.
    module("BGP", ["NetTypes", "Wire"], settings: core),
    module("BFD", ["NetTypes", "Wire"], settings: core),
    module("HTTP", ["Wire"]),
    module("DNS", ["NetTypes", "Wire"], settings: core),
    module("Delivery", ["NetTypes", "Wire"], settings: core),
    module("Addressing", ["NetTypes"], settings: core),
    module("GSLB", ["DNS", "Delivery", "NetTypes", "Wire"], settings: core),
    module("Kubernetes", ["NetTypes", "Wire"]),

    // Level 2: translation between the models; the operating system.
    module(
      "Intent",
      ["NetTypes", "BGP", "DNS", "GSLB", "Delivery", "Addressing", "Kubernetes", yaml]),
    module("Linux", ["CLinux", "NetTypes", "Wire"]),

    // Level 3: engines on top of the operating system.
    module("Transport", ["Linux", "CLinux", "HTTP", "NetTypes", "COpenSSL"]),
    module(
      "Engine",
      [
        "Transport", "Linux", "CLinux", "CNGHTTP2", "COpenSSL", "CPCRE2", "CCrypt", "CZlib",
        "Delivery",
        "HTTP",
        "NetTypes", "Wire",
      ], settings: dataPlane),
    module("Containers", ["Linux", "CLinux", "Kubernetes", "NetTypes"]),
    module("Telemetry", [logging]),

    // Level 4: the Kubernetes API, both ends; the BGP speaker on real sockets.
    module(
      "KubeClient", ["Wire", "Transport", "Linux", "HTTP", "Kubernetes", "NetTypes", yaml, logging]),
    module(
      "KubeServer",
      ["Wire", "Transport", "Linux", "HTTP", "Kubernetes", "NetTypes", sqlite, yaml, logging]),
    module(
      "RouterService",
      [
        "Transport", "Telemetry", "Linux", "CLinux", "HTTP", "Intent", "BGP", "BFD", "Kubernetes",
        "NetTypes", "Wire", logging,
      ]),

    // Level 5: one long-running service each.
    module(
      "EdgeService",
      [
        "RouterService", "Engine", "KubeClient", "Transport", "HTTP", "Intent", "Delivery",
        "Addressing", "BGP", "Linux", "Kubernetes", "NetTypes", "Telemetry", logging,
      ]),
    module(
      "NodeService",
      [
        "RouterService", "Containers", "KubeClient", "Transport", "HTTP", "Intent", "Addressing",
        "BGP", "Delivery", "Linux", "Kubernetes", "NetTypes", "Wire", "Telemetry", logging,
      ]),
    module(
      "NameService",
      [
        "KubeClient", "Engine", "Transport", "Telemetry", "Linux", "CLinux", "CMaxMindDB", "Intent",
        "DNS", "GSLB", "Delivery", "HTTP", "Kubernetes", "NetTypes", "Wire", logging,
      ]),
    module(
      "ControlPlane",
      [
        "KubeServer", "Transport", "Linux", "Intent", "Kubernetes", "NetTypes", "Telemetry",
        logging,
      ]),

    // Level 6: units, as a whole.
    module(
      "Unit",
      [
        "KubeClient", "Containers", "Transport", "HTTP", "Intent", "Addressing", "Delivery", "BGP",
        "DNS", "Linux", "Kubernetes", "NetTypes", "Telemetry", yaml, logging,
      ]),

    // Level 7: the command line.
    .executableTarget(
      name: "atoll",
      dependencies: [
        "Unit", "EdgeService", "NodeService", "NameService", "ControlPlane", "RouterService",
        "KubeClient",
        "Engine", "Containers", "Telemetry", "Linux", "Intent", "NetTypes", arguments,
      ],
      swiftSettings: common),

    // Loads and measures parts of the program; `make bench` builds it, nothing else does.
    .executableTarget(
      name: "atoll-bench",
      dependencies: [
        "Engine", "RouterService", "Transport", "BGP", "DNS", "Delivery", "HTTP", "Linux",
        "NetTypes",
      ],
      swiftSettings: common),

    // The sample image's one file: static, so that it runs in an empty root.
    .executableTarget(
      name: "atoll-sample",
      dependencies: ["DNS", "HTTP", "Kubernetes", "NetTypes"],
      swiftSettings: common + [.unsafeFlags(["-static-executable"])],
      linkerSettings: [.unsafeFlags(["-static-executable"])]),

    tests("NetTypes"),
    tests("Wire"),
    tests("BGP", ["NetTypes", "Wire"]),
    tests("BFD", ["NetTypes", "Wire"]),
    tests("HTTP", ["NetTypes", "Wire"]),
    tests("DNS", ["NetTypes", "Wire"]),
    tests("Delivery", ["NetTypes", "Wire"]),
    tests("GSLB", ["DNS", "Delivery", "NetTypes"]),
    tests("Addressing", ["NetTypes"]),
    tests("Kubernetes", ["NetTypes", "Wire"]),
    tests("Intent", ["BGP", "DNS", "GSLB", "Delivery", "Addressing", "Kubernetes", "NetTypes"]),
    tests("Linux", ["NetTypes", "Wire"]),
    tests("Transport", ["Linux", "HTTP", "NetTypes"]),
    tests(
      "Engine",
      ["CNGHTTP2", "COpenSSL", "CZlib", "Transport", "Linux", "Delivery", "HTTP", "NetTypes"]),
    tests("Containers", ["Linux", "Kubernetes"]),
    tests("Telemetry"),
    tests("KubeClient", ["Transport", "Linux", "HTTP", "Kubernetes", "NetTypes"]),
    tests(
      "KubeServer", ["Wire", "KubeClient", "Transport", "Linux", "HTTP", "Kubernetes", "NetTypes"]),
    tests("RouterService", ["Linux", "BGP", "BFD", "Intent", "NetTypes"]),
    // Other implementations as peers, in namespaces of their own.
    .testTarget(
      name: "InteropTests",
      dependencies: ["RouterService", "Linux", "Intent", "BGP", "BFD", "NetTypes"],
      swiftSettings: common),
    tests(
      "EdgeService",
      [
        "Wire", "Kubernetes", "KubeClient", "Addressing", "Delivery", "Transport", "HTTP", "Linux",
        "NetTypes", "Telemetry",
      ]),
    tests(
      "NodeService",
      [
        "Wire", "Containers", "Delivery", "Intent", "Kubernetes", "KubeClient", "Addressing",
        "Transport",
        "HTTP", "Linux",
        "NetTypes", logging,
      ]),
    tests(
      "NameService",
      ["DNS", "HTTP", "Intent", "Kubernetes", "Linux", "NetTypes", "Transport", logging]),
    tests("ControlPlane", ["Kubernetes", "KubeServer"]),
    tests(
      "Unit",
      ["KubeClient", "KubeServer", "Transport", "Intent", "BGP", "Linux", "Kubernetes", "NetTypes"]),
    // Apart from whole units, whose commands keep a process's threads waiting.
    .testTarget(
      name: "CalicoctlTests",
      dependencies: [
        "Unit", "Intent", "KubeClient", "KubeServer", "Kubernetes", "Linux", "NetTypes",
        "Transport",
      ], swiftSettings: common),
    .testTarget(name: "ArchitectureTests", swiftSettings: common),
  ],
  swiftLanguageModes: [.v6]
)
