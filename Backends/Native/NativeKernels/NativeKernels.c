#include "NativeKernels.h"
int graft_kernels_placeholder(void) { return 0; }
