#include "CPython.h"
int graft_cpython_placeholder(void) { return 0; }
