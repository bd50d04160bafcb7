#include "CPython.h"

// Slot numbers and flags of the stable ABI (CPython's typeslots.h and object.h).
enum {
  SLOT_BUFFER_GET = 1,
  SLOT_DEALLOC = 52,
  FLAG_DISALLOW_INSTANTIATION = 1 << 7,
  METHOD_VARARGS = 1,
};

/// What an exporting object holds, behind the object header whose size only the running Python knows.
typedef struct {
  const void *memory;
  Py_ssize_t size;
  int readonly;
  CPythonRelease release;
  void *context;
} Exported;

static PyObject *exporter_type;
static Py_ssize_t header_size;

static Exported *exported(PyObject *self) { return (Exported *)((char *)self + header_size); }

static int exporter_get_buffer(PyObject *self, Py_buffer *view, int flags) {
  Exported *held = exported(self);
  return cpython()->PyBuffer_FillInfo(view, self, (void *)held->memory, held->size, held->readonly, flags);
}

static void exporter_dealloc(PyObject *self) {
  Exported *held = exported(self);
  if (held->release != NULL) held->release(held->context);
  cpython()->PyObject_Free(self);
  cpython()->Py_DecRef(exporter_type);
}

static int make_exporter_type(void) {
  if (exporter_type != NULL) return 0;
  PyObject *basic_size = cpython()->PyObject_GetAttrString(cpython()->PyBaseObject_Type, "__basicsize__");
  if (basic_size == NULL) return -1;
  Py_ssize_t size = cpython()->PyLong_AsSsize_t(basic_size);
  cpython()->Py_DecRef(basic_size);
  if (size < 0) return -1;
  Py_ssize_t alignment = (Py_ssize_t)_Alignof(Exported);
  header_size = (size + alignment - 1) / alignment * alignment;

  static PyType_Slot slots[] = {
      {SLOT_BUFFER_GET, (void *)exporter_get_buffer},
      {SLOT_DEALLOC, (void *)exporter_dealloc},
      {0, NULL},
  };
  static PyType_Spec specification = {
      .name = "graft.Memory", .itemsize = 0, .flags = FLAG_DISALLOW_INSTANTIATION, .slots = slots};
  specification.basicsize = (int)(header_size + (Py_ssize_t)sizeof(Exported));
  exporter_type = cpython()->PyType_FromSpec(&specification);
  return exporter_type == NULL ? -1 : 0;
}

PyObject *cpython_export(const void *memory, Py_ssize_t size, int readonly, CPythonRelease release, void *context) {
  PyObject *exporter = NULL;
  if (make_exporter_type() == 0) exporter = cpython()->PyType_GenericAlloc(exporter_type, 0);
  if (exporter == NULL) {
    release(context);
    return NULL;
  }
  *exported(exporter) = (Exported){memory, size, readonly, release, context};
  PyObject *view = cpython()->PyMemoryView_FromObject(exporter);
  cpython()->Py_DecRef(exporter);
  return view;
}

static CPythonProgress progress_handler;

static PyObject *report_progress(PyObject *self, PyObject *arguments) {
  (void)self;
  PyObject *text = cpython()->PyTuple_GetItem(arguments, 0);
  PyObject *number = text == NULL ? NULL : cpython()->PyTuple_GetItem(arguments, 1);
  if (number == NULL) return NULL;
  Py_ssize_t size = 0;
  const char *message = cpython()->PyUnicode_AsUTF8AndSize(text, &size);
  if (message == NULL) return NULL;
  double fraction = cpython()->PyFloat_AsDouble(number);
  if (cpython()->PyErr_Occurred() != NULL) return NULL;
  progress_handler(message, size, fraction);
  cpython()->Py_IncRef(number);
  return number;
}

PyObject *cpython_progress_function(CPythonProgress handler) {
  static PyMethodDef definition = {"report_progress", report_progress, METHOD_VARARGS, NULL};
  progress_handler = handler;
  return cpython()->PyCFunction_NewEx(&definition, NULL, NULL);
}
