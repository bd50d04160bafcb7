#include "MatmulKernels.h"

#include "MatmulTables.h"

const GraftMatmulKernels *graft_matmul_kernels(GraftPath path) {
#if defined(__x86_64__)
  switch (path) {
    case GRAFT_BASELINE: return &graft_matmul_baseline;
    case GRAFT_AVX2: return &graft_matmul_avx2;
    case GRAFT_AVX512: return &graft_matmul_avx512;
  }
#endif
  return &graft_matmul_baseline;
}
