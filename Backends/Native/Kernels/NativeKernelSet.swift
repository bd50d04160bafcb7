/// All kernels of one path.
package struct NativeKernelSet: Sendable {
  package let path: KernelPath
  let vector: VectorKernels
  let matmul: MatmulKernels

  package init(_ path: KernelPath) {
    self.path = path
    vector = VectorKernels(path)
    matmul = MatmulKernels(path)
  }
}
