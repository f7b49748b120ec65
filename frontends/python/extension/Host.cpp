// Host.cpp - callbacks of the compiler into Python
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/extension/Host.h"

#include "frontends/python/extension/Compiler.h"

#include <cstring>

namespace tessera::python {

namespace {

enum { kFound = 0, kNone = 1, kRaised = 2 };

// Comparison operators by their spelling; -1: none of these.
int comparison(std::string_view op) {
  const std::pair<std::string_view, int> rows[] = {{"<", Py_LT},  {"<=", Py_LE}, {"==", Py_EQ},
                                                   {"!=", Py_NE}, {">", Py_GT},  {">=", Py_GE}};
  for (auto [spelling, number] : rows)
    if (spelling == op)
      return number;
  return -1;
}

PyObject *binary(std::string_view op, PyObject *a, PyObject *b) {
  if (op == "+")
    return PyNumber_Add(a, b);
  if (op == "-")
    return PyNumber_Subtract(a, b);
  if (op == "*")
    return PyNumber_Multiply(a, b);
  if (op == "/")
    return PyNumber_TrueDivide(a, b);
  if (op == "//")
    return PyNumber_FloorDivide(a, b);
  if (op == "%")
    return PyNumber_Remainder(a, b);
  if (op == "**")
    return PyNumber_Power(a, b, Py_None);
  if (op == "<<")
    return PyNumber_Lshift(a, b);
  if (op == ">>")
    return PyNumber_Rshift(a, b);
  if (op == "&")
    return PyNumber_And(a, b);
  if (op == "|")
    return PyNumber_Or(a, b);
  if (op == "^")
    return PyNumber_Xor(a, b);
  if (op == "@")
    return PyNumber_MatrixMultiply(a, b);
  PyErr_Format(PyExc_SystemError, "operator '%s' is not known to the host", std::string(op).c_str());
  return nullptr;
}

PyObject *unary(std::string_view op, PyObject *a) {
  if (op == "-")
    return PyNumber_Negative(a);
  if (op == "+")
    return PyNumber_Positive(a);
  if (op == "~")
    return PyNumber_Invert(a);
  int truth = PyObject_Not(a);
  return truth < 0 ? nullptr : PyBool_FromLong(truth);
}

PyObject *compare(std::string_view op, PyObject *a, PyObject *b) {
  if (op == "is" || op == "is not")
    return PyBool_FromLong((a == b) == (op == "is"));
  if (op == "in" || op == "not in") {
    int found = PySequence_Contains(b, a);
    return found < 0 ? nullptr : PyBool_FromLong((found != 0) == (op == "in"));
  }
  if (int number = comparison(op); number >= 0)
    return PyObject_RichCompare(a, b, number);
  PyErr_Format(PyExc_SystemError, "comparison '%s' is not known to the host", std::string(op).c_str());
  return nullptr;
}

// Whether a class has this attribute as a static method.
bool isStatic(PyObject *type, PyObject *name) {
  PyObject *raw = importedName("inspect", "getattr_static"), *staticMethod = importedName("builtins", "staticmethod");
  Reference found(raw && type ? PyObject_CallFunctionObjArgs(raw, type, name, nullptr) : nullptr);
  bool is = found && staticMethod && PyObject_IsInstance(found.get(), staticMethod) == 1;
  PyErr_Clear();
  return is;
}

// The function behind `emit` of a semantic object. `self`: a capsule with the session.
PyObject *emitFunction(PyObject *self, PyObject *args) {
  auto *session = static_cast<HostSession *>(PyCapsule_GetPointer(self, "tessera.session"));
  const char *path;
  PyObject *arguments, *keywords;
  if (!session || !PyArg_ParseTuple(args, "sOO!", &path, &arguments, &PyDict_Type, &keywords))
    return nullptr;
  return session->emit(path, arguments, keywords);
}
PyMethodDef emitMethod = {"emit", emitFunction, METH_VARARGS, "emit(path, args, kwargs): an operation of the kernel."};

} // namespace

HostSession::HostSession(const CompilerLibrary &library) : library_(library) {
  host_.size = sizeof host_;
  host_.user = this;
  host_.function = [](void *user, uint64_t handle, tsc_host_function *out) -> int32_t {
    GilHold locked;
    return of(user).function(handle, *out);
  };
  host_.global = [](void *user, uint64_t function, tsc_str name, tsc_host_value *out) -> int32_t {
    GilHold locked;
    return of(user).global(function, view(name), *out);
  };
  host_.names = [](void *user, uint64_t function, void *to, void (*onName)(void *, tsc_str)) -> int32_t {
    GilHold locked;
    PyObject *object = of(user).handles_.object(function);
    Reference list(object ? PyObject_CallMethod(object, "_host_names", nullptr) : nullptr);
    if (!list) {
      PyErr_Clear();
      return kNone;
    }
    for (Py_ssize_t i = 0, n = PyList_Size(list.get()); i < n; ++i)
      onName(to, python::view(utf8(PyList_GetItem(list.get(), i))));
    return kFound;
  };
  host_.apply = [](void *user, uint32_t op, const tsc_host_value *operands, uint32_t n, const tsc_str *keywords,
                   uint32_t nKeywords, tsc_host_value *out) -> int32_t {
    GilHold locked;
    return of(user).apply(op, operands, n, keywords, nKeywords, *out);
  };
  host_.error = [](void *user, tsc_str *type, tsc_str *message) {
    HostSession &s = of(user);
    *type = view(std::string_view(s.errorType_));
    *message = view(std::string_view(s.errorText_));
  };
  host_.emitter = [](void *user, tsc_emitter *emitter) { of(user).emitter_ = emitter; };
  host_.poll = [](void *user) -> int32_t {
    GilHold locked;
    return of(user).checkSignals() ? kFound : kRaised;
  };
}

bool HostSession::checkSignals() {
  if (PyErr_CheckSignals() == 0)
    return true;
  takeError();
  return false;
}

// The pending exception becomes the compile's cause (the first one is) and text for the compiler.
void HostSession::takeError() {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  Reference keepType(type), keepValue(value), keepTraceback(traceback);
  if (!value)
    return;
  if (traceback)
    PyException_SetTraceback(value, traceback);
  Reference name(PyObject_GetAttrString(type, "__name__")), shown(PyObject_Str(value));
  errorType_ = name ? utf8(name.get()) : "Exception";
  errorText_ = shown ? utf8(shown.get()) : "";
  PyErr_Clear();
  if (!PyErr_GivenExceptionMatches(type, PyExc_Exception))
    interrupted_ = true;
  if (!cause_ || interrupted_)
    cause_ = keepValue;
}

int32_t HostSession::answered(const Reference &result, tsc_host_value &out) {
  if (result && toHost(result.get(), handles_, arena_, out)) {
    handles_.of(result.get()); // texts and items of containers stay as long as the compile
    return kFound;
  }
  takeError();
  return kRaised;
}

// _host_source() gives (name, file, text, first line, columns cut, flags, defaults, [(has, value) of keyword-only], key).
int32_t HostSession::function(uint64_t handle, tsc_host_function &out) {
  arena_.clear();
  PyObject *object = handles_.object(handle);
  if (!object)
    return kNone;
  Reference row(PyObject_CallMethod(object, "_host_source", nullptr));
  PyObject *name, *file, *source, *defaults, *keywordDefaults, *key;
  unsigned firstLine, column, flags;
  if (!row || !PyArg_ParseTuple(row.get(), "UUUIIIO!O!U", &name, &file, &source, &firstLine, &column, &flags,
                                &PyTuple_Type, &defaults, &PyList_Type, &keywordDefaults, &key)) {
    takeError();
    return kRaised;
  }
  handles_.of(row.get());
  out = {};
  out.name = arena_.text(utf8(name));
  out.file = arena_.text(utf8(file));
  out.text = arena_.text(utf8(source));
  out.key = arena_.text(utf8(key));
  out.first_line = firstLine;
  out.column_offset = column;
  out.flags = flags;
  out.n_defaults = static_cast<uint32_t>(PyTuple_Size(defaults));
  out.n_kw_defaults = static_cast<uint32_t>(PyList_Size(keywordDefaults));
  tsc_host_value *values = arena_.values(out.n_defaults), *keywordValues = arena_.values(out.n_kw_defaults);
  out.defaults = values;
  out.kw_defaults = keywordValues;
  for (uint32_t i = 0; i < out.n_defaults; ++i)
    if (!toHost(PyTuple_GetItem(defaults, i), handles_, arena_, values[i])) {
      takeError();
      return kRaised;
    }
  for (uint32_t i = 0; i < out.n_kw_defaults; ++i) {
    PyObject *has, *value;
    if (!PyArg_ParseTuple(PyList_GetItem(keywordDefaults, i), "OO", &has, &value) ||
        !toHost(value, handles_, arena_, keywordValues[i])) {
      takeError();
      return kRaised;
    }
    if (has != Py_True) {
      keywordValues[i] = {};
      keywordValues[i].flags = TSC_FLAG_ABSENT;
    }
  }
  return kFound;
}

// _host_global(name) gives (value, declared constexpr), or None where there is no such name.
int32_t HostSession::global(uint64_t function, std::string_view name, tsc_host_value &out) {
  arena_.clear();
  PyObject *object = handles_.object(function);
  Reference asked = text(name);
  if (!object || !asked)
    return kNone;
  Reference row(PyObject_CallMethod(object, "_host_global", "O", asked.get()));
  if (row && row.get() == Py_None)
    return kNone;
  PyObject *value = nullptr, *declared = nullptr;
  if (!row || !PyArg_ParseTuple(row.get(), "OO", &value, &declared)) {
    takeError();
    return kRaised;
  }
  int32_t status = answered(Reference::borrow(value), out);
  if (status == kFound && (declared == Py_True || out.kind == TSC_HOST_CONSTEXPR))
    out.flags |= TSC_FLAG_CONSTEXPR;
  return status;
}

Reference HostSession::semantic() {
  if (!semantic_) {
    PyObject *cls = importedName("tessera.language.semantic", "TritonSemantic");
    Reference capsule(cls ? PyCapsule_New(this, "tessera.session", nullptr) : nullptr);
    Reference emit(capsule ? PyCFunction_NewEx(&emitMethod, capsule.get(), nullptr) : nullptr);
    if (emit)
      semantic_ = Reference(PyObject_CallFunctionObjArgs(cls, emit.get(), nullptr));
  }
  return semantic_;
}

Reference HostSession::call(const tsc_host_value *operands, uint32_t n, const tsc_str *keywords, uint32_t nKeywords) {
  Reference callee = fromHost(operands[0], handles_);
  if (!callee)
    return {};
  uint32_t kind = operands[0].kind == TSC_HOST_OBJECT ? operands[0].flags & TSC_OBJECT_MASK : 0;
  bool isBuiltin =
      kind == TSC_OBJECT_BUILTIN || kind == TSC_OBJECT_AGGREGATE_CLASS || operands[0].kind == TSC_HOST_LANGUAGE;
  PyObject *wrap = isBuiltin ? importedName("tessera.language", "constexpr") : nullptr;
  auto argument = [&](const tsc_host_value &v) {
    Reference object = fromHost(v, handles_);
    // In a kernel a constant is a constexpr; user-written builtins expect to see one.
    bool constant = v.kind <= TSC_HOST_STR || v.kind == TSC_HOST_DTYPE;
    if (object && wrap && constant)
      object = Reference(PyObject_CallFunctionObjArgs(wrap, object.get(), nullptr));
    return object;
  };
  uint32_t positional = n - 1 - nKeywords;
  Reference arguments(PyTuple_New(positional)), named(PyDict_New());
  if (!arguments || !named)
    return {};
  for (uint32_t i = 0; i < positional; ++i) {
    Reference object = argument(operands[1 + i]);
    if (!object)
      return {};
    PyTuple_SetItem(arguments.get(), i, object.release());
  }
  for (uint32_t k = 0; k < nKeywords; ++k) {
    Reference object = argument(operands[1 + positional + k]);
    if (!object || PyDict_SetItemString(named.get(), std::string(view(keywords[k])).c_str(), object.get()) < 0)
      return {};
  }
  if (isBuiltin) {
    Reference object = semantic();
    if (!object || PyDict_SetItemString(named.get(), "_semantic", object.get()) < 0)
      return {};
  }
  return Reference(PyObject_Call(callee.get(), arguments.get(), named.get()));
}

int32_t HostSession::apply(uint32_t op, const tsc_host_value *operands, uint32_t n, const tsc_str *keywords,
                           uint32_t nKeywords, tsc_host_value &out) {
  arena_.clear();
  if (op == TSC_OP_CALL)
    return answered(call(operands, n, keywords, nKeywords), out);
  // The operator's spelling comes first where there is one.
  bool spelled = op == TSC_OP_BINARY || op == TSC_OP_COMPARE || op == TSC_OP_UNARY;
  std::string_view spelling = spelled ? view(operands[0].text) : std::string_view();
  Reference a = fromHost(operands[spelled], handles_);
  Reference b = a && n > 1u + spelled ? fromHost(operands[1 + spelled], handles_) : Reference();
  if (!a || (n > 1u + spelled && !b)) {
    takeError();
    return kRaised;
  }
  Reference result;
  switch (op) {
  case TSC_OP_GETATTR:
    result = Reference(PyObject_GetAttr(a.get(), b.get()));
    if (!result && PyErr_ExceptionMatches(PyExc_AttributeError)) {
      PyErr_Clear();
      return kNone;
    }
    if (result && operands[0].kind == TSC_HOST_TUPLE && operands[0].names) {
      PyObject *type = handles_.object(operands[0].handle);
      int32_t status = answered(result, out);
      if (status == kFound && out.kind == TSC_HOST_FUNCTION && isStatic(type, b.get()))
        out.flags |= TSC_FLAG_BOUND;
      return status;
    }
    break;
  case TSC_OP_GETITEM:
    result = Reference(PyObject_GetItem(a.get(), b.get()));
    break;
  case TSC_OP_BINARY:
    result = Reference(binary(spelling, a.get(), b.get()));
    break;
  case TSC_OP_COMPARE:
    result = Reference(compare(spelling, a.get(), b.get()));
    if (result && !PyBool_Check(result.get())) {
      int truth = PyObject_IsTrue(result.get());
      result = truth < 0 ? Reference() : Reference(PyBool_FromLong(truth));
    }
    break;
  case TSC_OP_UNARY:
    result = Reference(unary(spelling, a.get()));
    break;
  case TSC_OP_TRUTH: {
    int truth = PyObject_IsTrue(a.get());
    result = truth < 0 ? Reference() : Reference(PyBool_FromLong(truth));
    break;
  }
  case TSC_OP_REPR:
    result = Reference(PyObject_Repr(a.get()));
    break;
  case TSC_OP_STR:
    result = Reference(PyObject_Str(a.get()));
    break;
  case TSC_OP_FORMAT:
    result = Reference(PyObject_Format(a.get(), b.get()));
    break;
  case TSC_OP_ISINSTANCE: {
    int is = PyObject_IsInstance(a.get(), b.get());
    result = is < 0 ? Reference() : Reference(PyBool_FromLong(is));
    break;
  }
  case TSC_OP_ITERATE:
    result = Reference(PySequence_List(a.get()));
    break;
  case TSC_OP_HASH: {
    Py_hash_t h = PyObject_Hash(a.get());
    result = h == -1 && PyErr_Occurred() ? Reference() : Reference(PyLong_FromSsize_t(h));
    break;
  }
  case TSC_OP_LEN: {
    Py_ssize_t length = PyObject_Size(a.get());
    result = length < 0 ? Reference() : Reference(PyLong_FromSsize_t(length));
    break;
  }
  default:
    return kNone;
  }
  return answered(result, out);
}

PyObject *HostSession::emit(std::string_view path, PyObject *arguments, PyObject *keywords) {
  if (!emitter_) {
    PyErr_SetString(PyExc_RuntimeError, "a value of a kernel was used after its compile ended");
    return nullptr;
  }
  Reference positional(PySequence_List(arguments));
  if (!positional)
    return nullptr;
  emitArena_.clear();
  auto n = static_cast<size_t>(PyList_Size(positional.get())), nKeywords = size_t(0);
  std::vector<tsc_host_value> operands(n + static_cast<size_t>(PyDict_Size(keywords)));
  std::vector<tsc_str> spellings;
  for (size_t i = 0; i < n; ++i)
    if (!toHost(PyList_GetItem(positional.get(), static_cast<Py_ssize_t>(i)), handles_, emitArena_, operands[i]))
      return nullptr;
  PyObject *key, *value;
  Py_ssize_t at = 0;
  while (PyDict_Next(keywords, &at, &key, &value)) {
    std::string_view name = utf8(key);
    if (name == "_semantic" || name == "_generator")
      continue;
    spellings.push_back(emitArena_.text(name));
    if (!toHost(value, handles_, emitArena_, operands[n + nKeywords++]))
      return nullptr;
  }
  tsc_host_value out = {};
  int32_t status;
  {
    GilRelease unlocked;
    status = library_.emitterCall(emitter_, python::view(path), operands.data(), static_cast<uint32_t>(n + nKeywords),
                                  spellings.data(), static_cast<uint32_t>(nKeywords), &out);
  }
  if (status == 0)
    return fromHost(out, handles_).release();
  if (!PyErr_Occurred()) {
    tsc_str type{}, message{};
    library_.emitterError(emitter_, &type, &message);
    raiseNamed(view(type), view(message));
  }
  return nullptr;
}

} // namespace tessera::python
