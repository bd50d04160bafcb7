#ifndef GRAFT_NATIVE_KERNELS_MATMUL_TABLES_H
#define GRAFT_NATIVE_KERNELS_MATMUL_TABLES_H

#include "MatmulKernels.h"

extern const GraftMatmulKernels graft_matmul_baseline;
#if defined(__x86_64__)
extern const GraftMatmulKernels graft_matmul_avx2;
extern const GraftMatmulKernels graft_matmul_avx512;
#endif

#endif
