#define _GNU_SOURCE

#include "Library.h"

#include <dlfcn.h>
#include <stddef.h>

const char *graft_library_path(const void *symbol) {
  Dl_info information;
  return dladdr(symbol, &information) != 0 ? information.dli_fname : NULL;
}
