#ifndef GRAFT_NATIVE_KERNELS_H
#define GRAFT_NATIVE_KERNELS_H

#include "AttentionShape.h"
#include "CPU.h"
#include "ConvShape.h"
#include "Library.h"
#include "MatmulEpilogue.h"
#include "MatmulKernels.h"
#include "Path.h"
#include "Pause.h"
#include "Vector.h"
#include "VectorPool.h"
#include "VectorReductions.h"
#include "VectorRows.h"

#endif
