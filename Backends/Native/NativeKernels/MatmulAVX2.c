#if defined(__x86_64__)

#include <immintrin.h>

#include "MatmulTables.h"

#define LANES 8
#define TABLE graft_matmul_avx2

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "MatmulTable.h"
#pragma clang attribute pop

#endif
