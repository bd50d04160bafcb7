// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
]

/// A Swift target whose name says where it lives: `Sources/<name>` unless a path is given.
func module(
  _ name: String, path: String? = nil, exclude: [String] = [], _ dependencies: [Target.Dependency] = [],
  resources: [Resource]? = nil
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: path ?? "Sources/\(name)", exclude: exclude,
    resources: resources, swiftSettings: settings)
}

func tests(_ name: String, exclude: [String] = [], _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)Tests",
    exclude: exclude, swiftSettings: settings)
}

let collections: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")

let package = Package(
  name: "Graft",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Graft", targets: ["Graft"]),
    .executable(name: "graft", targets: ["GraftCLI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
  ],
  targets: [
    // The representation and what is known about it.
    module("GraftIR", [collections]),
    module("GraftOps", ["GraftIR", collections]),
    module("GraftTransform", ["GraftIR", "GraftOps", collections]),
    module("GraftFiles", ["GraftIR", collections]),

    // Writing source.
    module("GraftSyntax"),
    module("GraftEmit", ["GraftIR", "GraftOps", "GraftTransform", "GraftSyntax", collections]),

    // Frontends.
    .target(
      name: "CPython", path: "Frontends/CPython",
      linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    module("GraftPython", path: "Frontends/Python", ["CPython"], resources: [.embedInCode("Bridge")]),
    module("GraftTrace", path: "Frontends/Trace", ["GraftIR", "GraftOps", collections]),
    module(
      "GraftTorch", path: "Frontends/Torch", ["GraftIR", "GraftOps", "GraftPython", "GraftTrace", collections],
      resources: [.embedInCode("Tracer")]),

    // Backends.
    module(
      "GraftJAX", path: "Backends/JAX",
      ["GraftIR", "GraftOps", "GraftTransform", "GraftSyntax", "GraftEmit", collections],
      resources: [.embedInCode("Runner"), .embedInCode("Helpers")]),
    .target(name: "NativeKernels", path: "Backends/Native/NativeKernels"),
    module(
      "GraftNative", path: "Backends/Native", exclude: ["NativeKernels"],
      ["GraftIR", "GraftOps", "GraftTransform", "GraftFiles", "NativeKernels"]),

    // What people use.
    module(
      "Graft",
      [
        "GraftIR", "GraftOps", "GraftTransform", "GraftFiles", "GraftSyntax", "GraftEmit", "GraftPython", "GraftTrace",
        "GraftTorch",
        "GraftJAX", "GraftNative", collections,
      ]),
    .executableTarget(
      name: "GraftCLI",
      dependencies: ["Graft", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Sources/GraftCLI", swiftSettings: settings),

    // Tests.
    .executableTarget(
      name: "graft-conformance",
      dependencies: ["Graft", "TestSupport", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Tests/Conformance", exclude: ["Cases"], swiftSettings: settings),
    .executableTarget(
      name: "native-worker", dependencies: ["Graft"], path: "Tests/Benchmarks/Native/Worker", swiftSettings: settings),
    .executableTarget(
      name: "train-worker",
      dependencies: ["Graft", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Tests/Benchmarks/Training/Worker", swiftSettings: settings),
    .executableTarget(
      name: "emit-trace", dependencies: ["Graft"], path: "Tests/Support/EmitTrace", swiftSettings: settings),
    module("TestSupport", path: "Tests/Support/TestSupport"),
    // The source of Docs/Examples/FineTune, which is a package of its own, for its test.
    .executableTarget(
      name: "fine-tune-example", dependencies: ["Graft"], path: "Docs/Examples/FineTune/Sources/FineTune",
      swiftSettings: settings),
    tests("GraftIR", ["GraftIR"]),
    tests("GraftOps", ["GraftOps", "GraftIR", collections]),
    tests("GraftTransform", ["GraftTransform", "GraftOps", "GraftIR", collections]),
    tests("GraftSyntax", ["GraftSyntax"]),
    tests("GraftFiles", ["GraftFiles", "GraftIR"]),
    tests("GraftPython", ["GraftPython"]),
    tests("GraftNative", exclude: ["JAX"], ["GraftNative", "NativeKernels", "Graft", "GraftJAX", "TestSupport"]),
    tests("GraftTrace", ["GraftTrace", "GraftIR", "GraftOps"]),
    tests("GraftEmit", ["GraftEmit", "GraftSyntax", "GraftIR", "GraftOps"]),
    tests("GraftJAX", ["GraftJAX", "GraftEmit", "GraftSyntax", "GraftIR", "GraftOps", collections]),
    tests(
      "Graft", exclude: ["Training/Torch"],
      ["Graft", "GraftCLI", "GraftNative", "fine-tune-example", "GraftFiles", "GraftIR", "GraftOps", "TestSupport"]),
    tests("GraftCLI", exclude: ["Golden"], ["GraftCLI"]),
  ]
)
