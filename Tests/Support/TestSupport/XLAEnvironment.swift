/// Environments of processes that compile with XLA.
package enum XLAEnvironment {
  /// For programs that run once: XLA's optimiser takes half of the time of the larger ones, and is not what is tested.
  package static let unoptimised = [
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
  ]
}
