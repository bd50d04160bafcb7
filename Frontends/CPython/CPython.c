#include "CPython.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static CPythonFunctions functions;

const CPythonFunctions *cpython(void) { return &functions; }

int cpython_load(const char *path, char *reason, size_t capacity) {
  void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL) {
    const char *cause = dlerror();
    snprintf(reason, capacity, "%s", cause != NULL ? cause : "the dynamic loader gives no cause");
    return -1;
  }
  CPythonFunctions table;
  memset(&table, 0, sizeof table);
  const char *missing = NULL;
#define LOOK_UP(result, name, parameters)                                  \
  if (missing == NULL) {                                                   \
    *(void **)(&table.name) = dlsym(library, #name);                       \
    if (table.name == NULL) missing = #name;                               \
  }
  CPYTHON_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
  if (missing == NULL) {
    table.PyBaseObject_Type = dlsym(library, "PyBaseObject_Type");
    if (table.PyBaseObject_Type == NULL) missing = "PyBaseObject_Type";
  }
  if (missing != NULL) {
    snprintf(reason, capacity, "%s has no symbol %s", path, missing);
    dlclose(library);
    return -1;
  }
  functions = table;
  return 0;
}
