// swift-tools-version: 6.2

import PackageDescription

/// What every Swift target is built with.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
  name: "millrace",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "MillraceIO", targets: ["MillraceIO"]),
    .library(name: "MillraceSimulation", targets: ["MillraceSimulation"]),
    .library(name: "MillraceTypes", targets: ["MillraceTypes"]),
    .library(name: "MillraceStorage", targets: ["MillraceStorage"]),
    .library(name: "MillraceWAL", targets: ["MillraceWAL"]),
    .library(name: "MillraceEngine", targets: ["MillraceEngine"]),
    .library(name: "MillraceSQL", targets: ["MillraceSQL"]),
    .library(name: "Millrace", targets: ["Millrace"]),
    .library(name: "MillraceServer", targets: ["MillraceServer"]),
    .executable(name: "millrace", targets: ["MillraceCommand"]),
    .executable(name: "millrace-counts", targets: ["HotPathCounts"]),
  ],
  traits: [
    .trait(
      name: "IOUring", description: "Builds io_method=io_uring (Linux). Whether it can run is found out at run time."),
    .default(enabledTraits: ["IOUring"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/ordo-one/TextTable", from: "0.0.2"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    // Floor 0: what Swift cannot express, and the settings that every floor reads.
    .target(name: "CMillrace"),
    // Waiting for many sockets.
    .target(name: "CMillraceSockets"),
    // The rows of PostgreSQL's catalogs in a new cluster, as text.
    .target(name: "CPostgresCatalog", exclude: ["data"]),
    .target(name: "MillraceSettings", swiftSettings: settings),

    // Floor 1: everything that touches the kernel for I/O. The simulation stands beside it.
    .target(
      name: "MillraceIO",
      dependencies: [
        "CMillrace",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: settings),
    .target(name: "MillraceSimulation", dependencies: ["MillraceIO"], swiftSettings: settings),

    // Floor 1 too, and beside nobody: the values of SQL.
    .target(name: "MillraceTypes", swiftSettings: settings),

    // Floor 2: pages in memory.
    .target(name: "MillraceStorage", dependencies: ["CMillrace", "MillraceIO"], swiftSettings: settings),

    // Floor 3: the write-ahead log.
    .target(
      name: "MillraceWAL", dependencies: ["CMillrace", "MillraceIO", "MillraceStorage"], swiftSettings: settings),

    // Floor 4: the users of streams and WAL.
    .target(
      name: "MillraceEngine",
      dependencies: [
        "CMillrace", "CPostgresCatalog", "MillraceSettings", "MillraceIO", "MillraceTypes", "MillraceStorage",
        "MillraceWAL",
      ],
      swiftSettings: settings),

    // Floor 5: PostgreSQL's own parser, and what is made of its trees. The installed library is linked statically, so
    // that a program does not need it where it runs.
    .systemLibrary(
      name: "CLibPGQuery", providers: [.apt(["libpg-query-dev", "postgresql-server-dev-15"])]),
    .target(
      name: "CPostgresParser", dependencies: ["CLibPGQuery"], exclude: ["postgresql"],
      cSettings: [.headerSearchPath("postgresql")],
      linkerSettings: [.linkedLibrary(":libpg_query.a", .when(platforms: [.linux]))]),
    .target(
      name: "MillraceSQL",
      dependencies: [
        "CPostgresParser", "MillraceSettings", "MillraceIO", "MillraceTypes", "MillraceStorage", "MillraceWAL",
        "MillraceEngine",
      ],
      swiftSettings: settings),

    // Floor 6: programs that embed it, and clients.
    .target(
      name: "Millrace",
      dependencies: [
        "MillraceSettings", "MillraceIO", "MillraceTypes", "MillraceStorage", "MillraceEngine", "MillraceSQL",
      ],
      swiftSettings: settings),
    .target(
      name: "MillraceServer",
      dependencies: [
        "CMillrace", "CMillraceSockets", "MillraceSettings", "MillraceIO", "MillraceTypes", "MillraceStorage",
        "MillraceWAL", "MillraceEngine", "MillraceSQL",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "NIOTLS", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: settings),

    // Floor 7: the command line.
    .executableTarget(
      name: "MillraceCommand",
      dependencies: [
        "Millrace", "MillraceSettings", "MillraceIO", "MillraceStorage", "MillraceWAL", "MillraceEngine", "MillraceSQL",
        "MillraceServer",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
        .product(name: "TextTable", package: "TextTable"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: settings),

    // What the tests of several targets need: places for files, seeds, clusters of real servers.
    .target(
      name: "MillraceTestSupport", dependencies: ["MillraceIO", "MillraceStorage"], path: "Tests/Support",
      swiftSettings: settings),
    .testTarget(name: "MillraceSettingsTests", dependencies: ["MillraceSettings"], swiftSettings: settings),
    .testTarget(
      name: "MillraceIOTests",
      dependencies: [
        "CMillrace", "MillraceIO", "MillraceSimulation", "MillraceTestSupport",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "MillraceSimulationTests", dependencies: ["MillraceIO", "MillraceSimulation", "MillraceTestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "MillraceTypesTests", dependencies: ["MillraceTypes", "MillraceTestSupport"], swiftSettings: settings),
    .testTarget(
      name: "MillraceStorageTests",
      dependencies: [
        "CMillrace", "MillraceStorage", "MillraceSimulation", "MillraceTestSupport",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "MillraceWALTests",
      dependencies: ["MillraceIO", "MillraceSimulation", "MillraceStorage", "MillraceWAL", "MillraceTestSupport"],
      swiftSettings: settings),
    // A cluster whose rows are bytes, and a process that changes them until it is killed.
    .target(
      name: "MillraceEngineTestSupport",
      dependencies: ["MillraceSettings", "MillraceIO", "MillraceStorage", "MillraceEngine"],
      path: "Tests/EngineSupport", swiftSettings: settings),
    .executableTarget(
      name: "CrashWriter", dependencies: ["MillraceEngine", "MillraceEngineTestSupport", "MillraceTestSupport"],
      path: "Tests/CrashWriter", swiftSettings: settings),
    .testTarget(
      name: "MillraceEngineTests",
      dependencies: [
        "CrashWriter", "MillraceSettings", "MillraceIO", "MillraceSimulation", "MillraceTypes", "MillraceStorage",
        "MillraceWAL", "MillraceEngine", "MillraceEngineTestSupport", "MillraceTestSupport",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "MillraceSQLTests",
      dependencies: [
        "CPostgresParser", "MillraceSettings", "MillraceIO", "MillraceTypes", "MillraceStorage", "MillraceEngine",
        "MillraceSQL", "MillraceEngineTestSupport", "MillraceTestSupport",
      ],
      swiftSettings: settings),
    .testTarget(name: "MillraceTests", dependencies: ["Millrace", "MillraceTestSupport"], swiftSettings: settings),
    .testTarget(
      name: "MillraceServerTests",
      dependencies: [
        "MillraceSettings", "MillraceIO", "MillraceStorage", "MillraceWAL", "MillraceEngine", "MillraceServer",
        "MillraceTestSupport",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "MillraceCommandTests",
      dependencies: ["MillraceCommand", "MillraceIO", "MillraceStorage", "MillraceEngine", "MillraceTestSupport"],
      swiftSettings: settings),
    // What a release build does on hot paths, counted; HotPathCountsTests runs it.
    .target(name: "CInterposition", path: "Tests/HotPathCounts/CInterposition"),
    .executableTarget(
      name: "HotPathCounts", dependencies: ["CInterposition", "MillraceIO", "MillraceStorage", "MillraceWAL"],
      path: "Tests/HotPathCounts/Program", swiftSettings: settings),
    .testTarget(name: "HouseTests", exclude: ["unsafe-files.txt"], swiftSettings: settings),
  ]
)

// Floors 1 to 3 with their tests and nothing else, for a build of its own that need not wait for the rest:
// ThreadSanitizer's (scripts/test.sh).
if Context.environment["MILLRACE_LOWER_FLOORS"] != nil {
  let lower: Set = [
    "CMillrace", "MillraceIO", "MillraceSimulation", "MillraceStorage", "MillraceWAL", "MillraceTestSupport",
    "MillraceIOTests", "MillraceStorageTests", "MillraceWALTests",
  ]
  package.targets.removeAll { !lower.contains($0.name) }
  package.products.removeAll { !lower.contains($0.name) }
}
