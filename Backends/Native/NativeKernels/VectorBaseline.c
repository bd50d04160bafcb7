#include "VectorTables.h"

#define GRAFT_WIDTH 16
#if defined(__aarch64__)
#define GRAFT_FMA 1
#else
#define GRAFT_FMA 0
#endif
#define GRAFT_VECTOR_TABLES graft_vector_baseline

#include "VectorPath.inc"
