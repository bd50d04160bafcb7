#if defined(__x86_64__)

#include <immintrin.h>

#include "MatmulTables.h"

#define LANES 16
#define TABLE graft_matmul_avx512

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#include "MatmulTable.h"
#pragma clang attribute pop

#endif
