#ifndef GRAFT_NATIVE_KERNELS_LIBRARY_H
#define GRAFT_NATIVE_KERNELS_LIBRARY_H

#pragma clang assume_nonnull begin

/// The path of the loaded file that `symbol` lies in, as the dynamic loader opened it; NULL when it knows none.
const char *_Nullable graft_library_path(const void *symbol);

#pragma clang assume_nonnull end

#endif
