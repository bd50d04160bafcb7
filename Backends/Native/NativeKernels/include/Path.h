#ifndef GRAFT_NATIVE_KERNELS_PATH_H
#define GRAFT_NATIVE_KERNELS_PATH_H

/// Which set of kernels runs; a processor that cannot run a path must not call its kernels.
typedef enum GraftPath {
  /// What every processor of the architecture has: SSE2, or NEON on 64-bit ARM.
  GRAFT_BASELINE,
  /// AVX2 with FMA and F16C.
  GRAFT_AVX2,
  /// AVX-512 F, BW, DQ and VL, with FMA.
  GRAFT_AVX512,
} GraftPath;

#endif
