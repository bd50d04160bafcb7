#ifndef GRAFT_NATIVE_KERNELS_H
#define GRAFT_NATIVE_KERNELS_H

#include "CPU.h"
#include "Library.h"
#include "Path.h"
#include "Vector.h"
#include "VectorPool.h"
#include "VectorReductions.h"
#include "VectorRows.h"

#endif
