#include "VectorTables.h"

#if defined(__x86_64__)

#define GRAFT_WIDTH 64
#define GRAFT_FMA 1
#define GRAFT_SCALEF 1
#define GRAFT_VECTOR_TABLES graft_vector_avx512

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,avx2,f16c"))), apply_to = function)
#include "VectorPath.inc"
#pragma clang attribute pop

#endif
