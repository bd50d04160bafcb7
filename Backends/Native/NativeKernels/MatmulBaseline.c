#include "MatmulTables.h"

#define LANES 4
#define TABLE graft_matmul_baseline
#include "MatmulTable.h"
