// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because every module in it is built with libFuzzer's and AddressSanitizer's
// instrumentation. The modules are the project's, by links.

let instrumented: [SwiftSetting] = [
  .unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library"]),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "fuzz",
  dependencies: [.package(url: "https://github.com/jpsim/Yams", from: "6.2.2")],
  targets: [
    .target(name: "NetTypes", swiftSettings: instrumented),
    .target(name: "Wire", swiftSettings: instrumented),
    .target(name: "BGP", dependencies: ["NetTypes", "Wire"], swiftSettings: instrumented),
    .target(name: "Delivery", dependencies: ["NetTypes", "Wire"], swiftSettings: instrumented),
    // The configuration texts alone.
    .target(
      name: "Intent",
      dependencies: [
        "NetTypes", "BGP", "DNS", "Delivery", "GSLB", "Kubernetes", .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: instrumented),
    .target(name: "BFD", dependencies: ["NetTypes", "Wire"], swiftSettings: instrumented),
    .target(name: "DNS", dependencies: ["NetTypes", "Wire"], swiftSettings: instrumented),
    .target(
      name: "GSLB", dependencies: ["DNS", "Delivery", "NetTypes", "Wire"],
      swiftSettings: instrumented),
    .target(name: "HTTP", dependencies: ["Wire"], swiftSettings: instrumented),
    .target(name: "Kubernetes", dependencies: ["NetTypes"], swiftSettings: instrumented),
    .target(name: "CFuzzer"),
    .executableTarget(
      name: "atoll-fuzz",
      dependencies: [
        "CFuzzer", "NetTypes", "Wire", "BGP", "BFD", "DNS", "GSLB", "HTTP", "Delivery", "Intent",
        "Kubernetes",
      ],
      swiftSettings: instrumented,
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
  ],
  swiftLanguageModes: [.v6]
)
