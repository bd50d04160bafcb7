// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "FineTune",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "Graft", path: "../../..")],
  targets: [.executableTarget(name: "FineTune", dependencies: [.product(name: "Graft", package: "Graft")])]
)
