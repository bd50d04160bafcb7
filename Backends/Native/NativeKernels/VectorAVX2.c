#include "VectorTables.h"

#if defined(__x86_64__)

#define GRAFT_WIDTH 32
#define GRAFT_FMA 1
#define GRAFT_VECTOR_TABLES graft_vector_avx2

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "VectorPath.inc"
#pragma clang attribute pop

#endif
