#ifndef GRAFT_NATIVE_KERNELS_CPU_H
#define GRAFT_NATIVE_KERNELS_CPU_H

#include <stdbool.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// What the processor that runs this can do. A vector extension counts only when the operating system saves its
/// registers as well.
typedef struct {
  bool avx2;
  bool fma;
  bool f16c;
  bool avx512f;
  bool avx512bw;
  bool avx512dq;
  bool avx512vl;
  bool avx512vnni;
  bool avx512bf16;
  bool neon;
  /// The x86 family and model with their extended parts, 0 elsewhere.
  uint32_t family;
  uint32_t model;
  /// NUL-terminated; `AuthenticAMD`, `GenuineIntel`, ..., or empty.
  char vendor[13];
  /// NUL-terminated; the marketing name, or empty.
  char brand[49];
} GraftCPU;

/// Asks the processor.
GraftCPU graft_cpu(void);

#pragma clang assume_nonnull end

#endif
