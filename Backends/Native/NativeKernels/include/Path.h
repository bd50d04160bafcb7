#ifndef GRAFT_NATIVE_KERNELS_PATH_H
#define GRAFT_NATIVE_KERNELS_PATH_H

/// A set of kernels, by what the processor must have.
typedef enum GraftPath {
  /// What every processor of the architecture has: SSE2, or NEON on 64-bit ARM.
  GRAFT_BASELINE,
  /// AVX2 with FMA and F16C.
  GRAFT_AVX2,
  /// AVX-512 F, BW, DQ and VL, with FMA.
  GRAFT_AVX512,
} GraftPath;

#endif
