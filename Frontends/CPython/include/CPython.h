#ifndef GRAFT_CPYTHON_H
#define GRAFT_CPYTHON_H

#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

// The part of CPython's stable ABI (Python 3.10 and later) that Graft calls, found at run time in whichever
// libpython the user has. Nothing here is a link-time symbol: a function of ours named like one of Python's would
// be taken by libpython and every extension module in its place.

#pragma clang assume_nonnull begin

typedef struct _object PyObject;
typedef struct _ts PyThreadState;
typedef intptr_t Py_ssize_t;

/// CPython's buffer description; its layout is fixed since Python 3.3, and part of the stable ABI since 3.11.
typedef struct {
  void *_Nullable buf;
  PyObject *_Nullable obj;
  Py_ssize_t len;
  Py_ssize_t itemsize;
  int readonly;
  int ndim;
  char *_Nullable format;
  Py_ssize_t *_Nullable shape;
  Py_ssize_t *_Nullable strides;
  Py_ssize_t *_Nullable suboffsets;
  void *_Nullable internal;
} Py_buffer;

typedef PyObject *_Nullable (*PyCFunction)(PyObject *_Nullable self, PyObject *_Nullable arguments);

typedef struct {
  const char *_Nullable ml_name;
  PyCFunction _Nullable ml_meth;
  int ml_flags;
  const char *_Nullable ml_doc;
} PyMethodDef;

typedef struct {
  int slot;
  void *_Nullable pfunc;
} PyType_Slot;

typedef struct {
  const char *name;
  int basicsize;
  int itemsize;
  unsigned int flags;
  PyType_Slot *slots;
} PyType_Spec;

/// Flags and constants of the stable ABI.
enum {
  CPYTHON_FILE_INPUT = 257,
  CPYTHON_BUFFER_SIMPLE = 0,
};

/// Every function as `X(result, name, parameters)`. PyObject_GetBuffer, PyBuffer_Release and PyBuffer_FillInfo joined
/// the stable ABI in 3.11; 3.10 exports them under the same names with the same signatures.
#define CPYTHON_FUNCTIONS(X)                                                                                         \
  X(const char *_Nonnull, Py_GetVersion, (void))                                                                      \
  X(int, Py_IsInitialized, (void))                                                                                   \
  X(void, Py_SetProgramName, (const wchar_t *name))                                                                  \
  X(void, Py_InitializeEx, (int install_signal_handlers))                                                            \
  X(PyThreadState *_Nullable, PyEval_SaveThread, (void))                                                             \
  X(void, PyEval_RestoreThread, (PyThreadState *_Nullable state))                                                    \
  X(void, Py_IncRef, (PyObject *_Nullable object))                                                                   \
  X(void, Py_DecRef, (PyObject *_Nullable object))                                                                   \
  X(PyObject *_Nullable, Py_CompileString, (const char *source, const char *filename, int start))                    \
  X(PyObject *_Nullable, PyImport_ExecCodeModule, (const char *name, PyObject *code))                                \
  X(PyObject *_Nullable, PyObject_CallObject, (PyObject *callable, PyObject *_Nullable arguments))                   \
  X(PyObject *_Nullable, PyObject_GetAttrString, (PyObject *object, const char *name))                               \
  X(int, PyObject_SetAttrString, (PyObject *object, const char *name, PyObject *value))                              \
  X(PyObject *_Nullable, PyObject_Str, (PyObject *_Nullable object))                                                 \
  X(int, PyObject_IsTrue, (PyObject *object))                                                                        \
  X(void, PyObject_Free, (void *_Nullable memory))                                                                   \
  X(PyObject *_Nullable, PyTuple_New, (Py_ssize_t size))                                                             \
  X(int, PyTuple_SetItem, (PyObject *tuple, Py_ssize_t index, PyObject *stolen))                                     \
  X(PyObject *_Nullable, PyTuple_GetItem, (PyObject *tuple, Py_ssize_t index))                                       \
  X(Py_ssize_t, PyTuple_Size, (PyObject *tuple))                                                                     \
  X(PyObject *_Nullable, PyDict_New, (void))                                                                         \
  X(int, PyDict_SetItem, (PyObject *dictionary, PyObject *key, PyObject *value))                                     \
  X(int, PyDict_Next,                                                                                                \
    (PyObject *dictionary, Py_ssize_t *position, PyObject *_Nullable *_Nullable key,                                 \
     PyObject *_Nullable *_Nullable value))                                                                          \
  X(PyObject *_Nullable, PyUnicode_FromStringAndSize, (const char *_Nullable utf8, Py_ssize_t size))                 \
  X(const char *_Nullable, PyUnicode_AsUTF8AndSize, (PyObject *text, Py_ssize_t *_Nullable size))                    \
  X(int, PyBytes_AsStringAndSize, (PyObject *bytes, char *_Nullable *_Nonnull start, Py_ssize_t *_Nullable size))     \
  X(Py_ssize_t, PyLong_AsSsize_t, (PyObject *number))                                                                \
  X(double, PyFloat_AsDouble, (PyObject *number))                                                                    \
  X(PyObject *_Nullable, PyErr_Occurred, (void))                                                                     \
  X(void, PyErr_Clear, (void))                                                                                       \
  X(void, PyErr_Fetch,                                                                                               \
    (PyObject *_Nullable *_Nonnull type, PyObject *_Nullable *_Nonnull value,                                        \
     PyObject *_Nullable *_Nonnull traceback))                                                                       \
  X(void, PyErr_NormalizeException,                                                                                  \
    (PyObject *_Nullable *_Nonnull type, PyObject *_Nullable *_Nonnull value,                                        \
     PyObject *_Nullable *_Nonnull traceback))                                                                       \
  X(int, PyObject_GetBuffer, (PyObject *exporter, Py_buffer *view, int flags))                                       \
  X(void, PyBuffer_Release, (Py_buffer *view))                                                                       \
  X(int, PyBuffer_FillInfo,                                                                                          \
    (Py_buffer *view, PyObject *exporter, void *_Nullable memory, Py_ssize_t size, int readonly, int flags))         \
  X(PyObject *_Nullable, PyMemoryView_FromObject, (PyObject *exporter))                                              \
  X(PyObject *_Nullable, PyType_FromSpec, (PyType_Spec *specification))                                              \
  X(PyObject *_Nullable, PyType_GenericAlloc, (PyObject *type, Py_ssize_t items))                                    \
  X(PyObject *_Nullable, PyCFunction_NewEx,                                                                          \
    (PyMethodDef *definition, PyObject *_Nullable self, PyObject *_Nullable module))

#define CPYTHON_FIELD(result, name, parameters) result(*_Nonnull name) parameters;

/// The functions of the loaded library, under their own names.
typedef struct {
  CPYTHON_FUNCTIONS(CPYTHON_FIELD)
  /// `object` itself, the one data symbol that is needed.
  PyObject *PyBaseObject_Type;
} CPythonFunctions;

#undef CPYTHON_FIELD

/// Loads the libpython at `path` with its symbols global, as extension modules expect, and looks up every function.
/// Returns 0; on failure returns -1, writes a one-line reason of at most `capacity` bytes including the final NUL to
/// `reason`, and leaves no table. May be called again after a failure; after a success, only by nobody.
int cpython_load(const char *path, char *reason, size_t capacity);

/// The table that `cpython_load` filled; meaningless before that succeeded.
const CPythonFunctions *cpython(void);

/// Runs when Python lets go of the last reference to the memory that `context` owns, on a thread that holds the GIL.
typedef void (*CPythonRelease)(void *_Nullable context);

/// A new `memoryview` of `size` bytes at `memory`, without a copy. It and everything that Python makes from it keep
/// `context` alive; `release(context)` is called once, after the last of them is gone, also when this function fails.
/// Returns NULL with a Python exception set on failure. Needs the GIL.
PyObject *_Nullable cpython_export(
    const void *memory, Py_ssize_t size, int readonly, CPythonRelease release, void *context);

/// Receives a progress report: UTF-8 text of `size` bytes, and a fraction that is negative when unknown.
typedef void (*CPythonProgress)(const char *message, Py_ssize_t size, double fraction);

/// A new Python function of (message: str, fraction: float) that calls `handler`. Returns NULL with a Python exception
/// set on failure. Needs the GIL.
PyObject *_Nullable cpython_progress_function(CPythonProgress handler);

#pragma clang assume_nonnull end

#endif
