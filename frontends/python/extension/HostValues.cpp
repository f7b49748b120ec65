// HostValues.cpp - conversion of compile-time values, both ways
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/extension/HostValues.h"

#include "frontends/python/extension/Launcher.h"

#include <cstring>
#include <map>

namespace tessera::python {

uint64_t Handles::of(PyObject *object) {
  auto [it, isNew] = numbers_.try_emplace(object, objects_.size() + 1);
  if (isNew)
    objects_.push_back(Reference::borrow(object));
  return it->second;
}

tsc_host_value *ValueArena::values(size_t n) {
  values_.emplace_back(n);
  return values_.back().data();
}
tsc_str *ValueArena::texts(size_t n) {
  texts_.emplace_back(n);
  return texts_.back().data();
}
tsc_str ValueArena::text(std::string_view s) { return view(strings_.emplace_back(s)); }
void ValueArena::clear() {
  values_.clear();
  texts_.clear();
  strings_.clear();
}

Reference attribute(PyObject *object, const char *name) {
  Reference found(PyObject_GetAttrString(object, name));
  if (!found)
    PyErr_Clear();
  return found;
}

PyObject *importedName(const char *module, const char *name) {
  static auto *known = new std::map<std::pair<std::string, std::string>, PyObject *>;
  auto key = std::make_pair(std::string(module), std::string(name));
  if (auto it = known->find(key); it != known->end())
    return it->second;
  Reference m(PyImport_ImportModule(module));
  PyObject *found = m ? PyObject_GetAttrString(m.get(), name) : nullptr;
  if (found)
    known->emplace(std::move(key), found);
  return found;
}

void raiseNamed(std::string_view type, std::string_view message) {
  std::string name(type), shown(message);
  Reference builtins(PyImport_ImportModule("builtins"));
  Reference cls = builtins ? attribute(builtins.get(), name.c_str()) : Reference();
  if (cls && PyExceptionClass_Check(cls.get())) {
    PyErr_SetString(cls.get(), shown.c_str());
    return;
  }
  // A CompilationError wants a place, which the compiler adds when this reaches it.
  PyErr_SetString(PyExc_RuntimeError, shown.c_str());
}

namespace {

std::string_view keep(PyObject *text, Reference &holder) {
  holder = Reference::borrow(text);
  return utf8(text);
}

bool toHostItems(PyObject *sequence, Py_ssize_t n, Handles &handles, ValueArena &arena, tsc_host_value &out) {
  tsc_host_value *items = arena.values(static_cast<size_t>(n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    Reference item(PySequence_GetItem(sequence, i));
    if (!item || !toHost(item.get(), handles, arena, items[i]))
      return false;
  }
  out.items = items;
  out.count = static_cast<uint64_t>(n);
  return true;
}

bool namesOf(PyObject *fields, ValueArena &arena, tsc_host_value &out) {
  Reference list(PySequence_List(fields));
  if (!list)
    return false;
  Py_ssize_t n = PyList_Size(list.get());
  tsc_str *texts = arena.texts(static_cast<size_t>(n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    std::string_view name = utf8(PyList_GetItem(list.get(), i));
    if (PyErr_Occurred())
      return false;
    texts[i] = arena.text(name);
  }
  out.names = texts;
  return true;
}

// A class: as the class of a tuple's names, or as itself.
void nameClass(PyObject *type, Handles &handles, ValueArena &arena, tsc_host_value &out) {
  out.handle = handles.of(type);
  Reference name = attribute(type, "__name__");
  out.text = arena.text(name && PyUnicode_Check(name.get()) ? utf8(name.get()) : std::string_view("object"));
}

bool toHostInt(PyObject *object, ValueArena &arena, tsc_host_value &out) {
  int overflow = 0;
  long long v = PyLong_AsLongLongAndOverflow(object, &overflow);
  out.kind = TSC_HOST_INT;
  out.integer = v;
  if (!overflow)
    return v != -1 || !PyErr_Occurred();
  Reference digits(PyObject_Str(object));
  if (!digits)
    return false;
  out.flags = TSC_FLAG_BIG;
  out.text = arena.text(utf8(digits.get()));
  return true;
}

bool toHostDtype(PyObject *object, ValueArena &arena, tsc_host_value &out) {
  Reference signature(PyObject_GetAttrString(object, "signature"));
  if (!signature)
    return false;
  std::string_view text = utf8(signature.get());
  out.kind = TSC_HOST_DTYPE;
  out.text = arena.text(text == "u1" ? "i1" : text);
  return !PyErr_Occurred();
}

bool toHostAggregate(PyObject *object, PyObject *fields, Handles &handles, ValueArena &arena, tsc_host_value &out) {
  out.kind = TSC_HOST_TUPLE;
  out.flags = TSC_FLAG_AGGREGATE;
  nameClass(reinterpret_cast<PyObject *>(Py_TYPE(object)), handles, arena, out);
  if (!namesOf(fields, arena, out))
    return false;
  Reference list(PySequence_List(fields));
  Py_ssize_t n = list ? PyList_Size(list.get()) : 0;
  tsc_host_value *items = arena.values(static_cast<size_t>(n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    Reference item(PyObject_GetAttr(object, PyList_GetItem(list.get(), i)));
    if (!item || !toHost(item.get(), handles, arena, items[i]))
      return false;
  }
  out.items = items;
  out.count = static_cast<uint64_t>(n);
  return list && !PyErr_Occurred();
}

bool isFunctionObject(PyObject *object) {
  static PyTypeObject *function = [] {
    Reference types(PyImport_ImportModule("types"));
    return reinterpret_cast<PyTypeObject *>(types ? PyObject_GetAttrString(types.get(), "FunctionType") : nullptr);
  }();
  return function && PyObject_TypeCheck(object, function);
}

bool isTrue(PyObject *object, const char *name) {
  Reference found = attribute(object, name);
  return found && PyObject_IsTrue(found.get()) == 1;
}

// The path of an object that the language defines: of a function, class or module its own, of a member of such a class the class's
// with the member's name. Empty: it is none.
std::string languagePath(PyObject *object) {
  Reference name = attribute(object, "__tessera_name__");
  if (!name || !PyUnicode_Check(name.get()))
    return {};
  std::string path(utf8(name.get()));
  if (PyType_Check(object) || PyModule_Check(object) || isFunctionObject(object))
    return path;
  Reference ofClass = attribute(reinterpret_cast<PyObject *>(Py_TYPE(object)), "__tessera_name__");
  if (!ofClass)
    return path;
  Reference member = attribute(object, "name"); // of an enumeration
  return member && PyUnicode_Check(member.get()) ? path + "." + std::string(utf8(member.get())) : std::string();
}

uint32_t classFlags(PyObject *type) {
  if (isTrue(type, "__triton_aggregate__"))
    return TSC_OBJECT_AGGREGATE_CLASS;
  if (PyType_IsSubtype(reinterpret_cast<PyTypeObject *>(type), &PyTuple_Type) && attribute(type, "_fields"))
    return TSC_OBJECT_NAMED_TUPLE_CLASS;
  return TSC_OBJECT_CLASS;
}

} // namespace

bool toHost(PyObject *object, Handles &handles, ValueArena &arena, tsc_host_value &out) {
  out = {};
  if (object == Py_None)
    return true;
  if (PyBool_Check(object)) {
    out.kind = TSC_HOST_BOOL;
    out.integer = object == Py_True;
    return true;
  }
  if (PyLong_CheckExact(object))
    return toHostInt(object, arena, out);
  if (PyFloat_CheckExact(object)) {
    out.kind = TSC_HOST_FLOAT;
    out.real = PyFloat_AsDouble(object);
    return true;
  }
  if (PyUnicode_CheckExact(object)) {
    out.kind = TSC_HOST_STR;
    out.text = arena.text(utf8(object));
    return !PyErr_Occurred();
  }
  if (object == Py_Ellipsis) {
    out.kind = TSC_HOST_ELLIPSIS;
    return true;
  }
  if (PyTuple_Check(object)) {
    out.kind = TSC_HOST_TUPLE;
    if (Reference fields = attribute(object, "_fields"); fields) {
      nameClass(reinterpret_cast<PyObject *>(Py_TYPE(object)), handles, arena, out);
      if (!namesOf(fields.get(), arena, out))
        return false;
    }
    return toHostItems(object, PyTuple_Size(object), handles, arena, out);
  }
  if (PyList_CheckExact(object)) {
    out.kind = TSC_HOST_LIST;
    return toHostItems(object, PyList_Size(object), handles, arena, out);
  }
  if (PyDict_CheckExact(object)) {
    out.kind = TSC_HOST_DICT;
    out.count = static_cast<uint64_t>(PyDict_Size(object));
    tsc_host_value *items = arena.values(2 * out.count);
    out.items = items;
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(object, &at, &key, &value)) {
      if (!toHost(key, handles, arena, items[0]) || !toHost(value, handles, arena, items[1]))
        return false;
      items += 2;
    }
    return true;
  }
  if (PySlice_Check(object)) {
    out.kind = TSC_HOST_SLICE;
    out.count = 3;
    tsc_host_value *items = arena.values(3);
    out.items = items;
    const char *parts[] = {"start", "stop", "step"};
    for (int i = 0; i < 3; ++i)
      if (Reference part(PyObject_GetAttrString(object, parts[i]));
          !part || !toHost(part.get(), handles, arena, items[i]))
        return false;
    return true;
  }
  if (PyObject_TypeCheck(object, launcherType)) {
    out.kind = TSC_HOST_FUNCTION;
    out.handle = handles.of(object);
    return true;
  }
  auto *type = reinterpret_cast<PyObject *>(Py_TYPE(object));
  out.handle = handles.of(object);
  Reference kindHolder;
  std::string_view kind;
  if (Reference k(PyType_Check(object) ? nullptr : PyObject_GetAttr(type, names.tesseraKind));
      k && PyUnicode_Check(k.get()))
    kind = keep(k.get(), kindHolder);
  PyErr_Clear();
  if (kind == "dtype")
    return toHostDtype(object, arena, out);
  if (kind == "constexpr") {
    out.kind = TSC_HOST_CONSTEXPR;
    out.count = 1;
    tsc_host_value *item = arena.values(1);
    out.items = item;
    Reference inner(PyObject_GetAttr(object, names.value));
    if (!inner)
      return false;
    handles.of(inner.get()); // keeps it alive while the arena refers to it
    return toHost(inner.get(), handles, arena, *item);
  }
  if (kind == "runtime") {
    Reference handle(PyObject_GetAttrString(object, "handle"));
    if (!handle)
      return false;
    out.kind = TSC_HOST_RUNTIME;
    out.handle = PyLong_AsUnsignedLongLong(handle.get());
    Reference valueType = attribute(object, "type");
    Reference signature = valueType ? attribute(valueType.get(), "signature") : Reference();
    if (signature && PyUnicode_Check(signature.get()))
      out.text = arena.text(utf8(signature.get()));
    return !PyErr_Occurred();
  }
  if (kind == "tuple") {
    Reference values(PyObject_GetAttrString(object, "values"));
    if (!values)
      return false;
    out.kind = TSC_HOST_TUPLE;
    out.handle = 0;
    Reference tupleType = attribute(object, "type");
    Reference fields = tupleType ? attribute(tupleType.get(), "fields") : Reference();
    if (fields && fields.get() != Py_None && PySequence_Size(fields.get()) > 0 && !namesOf(fields.get(), arena, out))
      return false;
    PyErr_Clear();
    return toHostItems(values.get(), PySequence_Size(values.get()), handles, arena, out);
  }
  out.kind = TSC_HOST_OBJECT;
  if (kind == "constexpr_function") {
    out.flags = TSC_OBJECT_CONSTEXPR_FUNCTION;
    out.text = arena.text("function");
    return true;
  }
  if (std::string path = languagePath(object); !path.empty()) {
    out.kind = TSC_HOST_LANGUAGE;
    out.text = arena.text(path);
    return true;
  }
  if (Reference fields = PyType_Check(object) ? Reference() : attribute(type, "__aggregate_fields__"); fields)
    return toHostAggregate(object, fields.get(), handles, arena, out);
  // Of a class or function its own name, of anything else its type's.
  Reference own =
      PyType_Check(object) || isFunctionObject(object) ? attribute(object, "__name__") : attribute(type, "__name__");
  out.text = arena.text(own && PyUnicode_Check(own.get()) ? utf8(own.get()) : std::string_view("object"));
  if (PyModule_Check(object))
    out.flags = TSC_OBJECT_MODULE;
  else if (PyType_Check(object))
    out.flags = classFlags(object);
  else if (isTrue(object, "__triton_builtin__"))
    out.flags = TSC_OBJECT_BUILTIN;
  else if (isFunctionObject(object))
    out.flags = TSC_OBJECT_FUNCTION;
  // A number or a text by inheritance, or by NumPy.
  Reference plain;
  if (!PyType_Check(object) && !PyModule_Check(object)) {
    if (PyUnicode_Check(object))
      plain = Reference(PyUnicode_FromObject(object));
    else if (PyFloat_Check(object))
      plain = Reference(PyFloat_FromDouble(PyFloat_AsDouble(object)));
    else if (PyLong_Check(object) || (PyIndex_Check(object) && !attribute(object, "__len__")))
      plain = Reference(PyNumber_Index(object));
    PyErr_Clear();
    if (plain && !PyLong_CheckExact(plain.get()) && PyLong_Check(plain.get()))
      plain = Reference(PyNumber_Long(plain.get()));
  }
  if (plain &&
      (PyLong_CheckExact(plain.get()) || PyFloat_CheckExact(plain.get()) || PyUnicode_CheckExact(plain.get()))) {
    tsc_host_value *item = arena.values(1);
    if (!toHost(plain.get(), handles, arena, *item))
      return false;
    out.items = item;
    out.count = 1;
  }
  return true;
}

bool holdsRuntime(const tsc_host_value &value) {
  if (value.kind == TSC_HOST_RUNTIME)
    return true;
  size_t n = value.kind == TSC_HOST_DICT ? 2 * value.count : value.kind == TSC_HOST_OBJECT ? 0 : value.count;
  for (size_t i = 0; i < n; ++i)
    if (holdsRuntime(value.items[i]))
      return true;
  return false;
}

namespace {

// "triton.language.extra.libdevice.sin" -> the object of the package; "builtins.int" -> int.
Reference fromPath(std::string_view path) {
  std::string rest(path);
  Reference object;
  if (rest.rfind("builtins.", 0) == 0) {
    object = Reference(PyImport_ImportModule("builtins"));
    rest.erase(0, 9);
  } else {
    // The longest prefix that is a module of the package, then attributes.
    object = Reference(PyImport_ImportModule("tessera"));
    rest = rest == "triton" ? "" : rest.substr(std::strlen("triton."));
    std::string module = "tessera";
    while (object && !rest.empty()) {
      std::string part = rest.substr(0, rest.find('.'));
      std::string inner = module;
      inner.append(".").append(part);
      Reference sub(PyImport_ImportModule(inner.c_str()));
      if (!sub) {
        PyErr_Clear();
        break;
      }
      object = sub;
      module = inner;
      rest.erase(0, std::min(rest.size(), part.size() + 1));
    }
  }
  while (object && !rest.empty()) {
    std::string part = rest.substr(0, rest.find('.'));
    object = Reference(PyObject_GetAttrString(object.get(), part.c_str()));
    rest.erase(0, std::min(rest.size(), part.size() + 1));
  }
  return object;
}

Reference listOf(const tsc_host_value &value, const Handles &handles) {
  Reference list(PyList_New(0));
  for (uint64_t i = 0; list && i < value.count; ++i) {
    Reference item = fromHost(value.items[i], handles);
    if (!item || PyList_Append(list.get(), item.get()) < 0)
      return {};
  }
  return list;
}

Reference fromHostTuple(const tsc_host_value &value, const Handles &handles) {
  Reference list = listOf(value, handles);
  if (!list)
    return {};
  PyObject *cls = value.names && value.handle ? handles.object(value.handle) : nullptr;
  if (cls && (value.flags & TSC_FLAG_AGGREGATE)) {
    Reference instance(PyObject_CallMethod(cls, "_get_instance", nullptr));
    for (uint64_t i = 0; instance && i < value.count; ++i) {
      std::string name(view(value.names[i]));
      if (PyObject_SetAttrString(instance.get(), name.c_str(), PyList_GetItem(list.get(), static_cast<Py_ssize_t>(i))) <
          0)
        return {};
    }
    return instance;
  }
  Reference plain(PyList_AsTuple(list.get()));
  if (plain && cls)
    return Reference(PyObject_CallObject(cls, plain.get()));
  if (!plain || !holdsRuntime(value))
    return plain;
  PyObject *tupleClass = importedName("tessera.language", "tuple");
  return tupleClass ? Reference(PyObject_CallFunctionObjArgs(tupleClass, list.get(), nullptr)) : Reference();
}

} // namespace

Reference fromHost(const tsc_host_value &value, const Handles &handles) {
  switch (value.kind) {
  case TSC_HOST_NONE:
    return Reference::borrow(Py_None);
  case TSC_HOST_BOOL:
    return Reference(PyBool_FromLong(value.integer != 0));
  case TSC_HOST_INT:
    if (value.flags & TSC_FLAG_BIG)
      return Reference(PyLong_FromString(std::string(view(value.text)).c_str(), nullptr, 10));
    return Reference(PyLong_FromLongLong(value.integer));
  case TSC_HOST_FLOAT:
    return Reference(PyFloat_FromDouble(value.real));
  case TSC_HOST_STR:
    return text(view(value.text));
  case TSC_HOST_ELLIPSIS:
    return Reference::borrow(Py_Ellipsis);
  case TSC_HOST_TUPLE:
    return fromHostTuple(value, handles);
  case TSC_HOST_LIST:
    return listOf(value, handles);
  case TSC_HOST_DICT: {
    Reference dictionary(PyDict_New());
    for (uint64_t i = 0; dictionary && i < value.count; ++i) {
      Reference key = fromHost(value.items[2 * i], handles), item = fromHost(value.items[2 * i + 1], handles);
      if (!key || !item || PyDict_SetItem(dictionary.get(), key.get(), item.get()) < 0)
        return {};
    }
    return dictionary;
  }
  case TSC_HOST_SLICE: {
    Reference parts[3];
    for (int i = 0; i < 3; ++i) {
      parts[i] = fromHost(value.items[i], handles);
      if (!parts[i])
        return {};
    }
    return Reference(PySlice_New(parts[0].get(), parts[1].get(), parts[2].get()));
  }
  case TSC_HOST_DTYPE: {
    PyObject *make = importedName("tessera.language._types", "runtime_type");
    Reference name = text(view(value.text));
    return make && name ? Reference(PyObject_CallFunctionObjArgs(make, name.get(), nullptr)) : Reference();
  }
  case TSC_HOST_CONSTEXPR: {
    PyObject *cls = importedName("tessera.language", "constexpr");
    Reference inner = cls ? fromHost(value.items[0], handles) : Reference();
    return inner ? Reference(PyObject_CallFunctionObjArgs(cls, inner.get(), nullptr)) : Reference();
  }
  case TSC_HOST_LANGUAGE:
    return fromPath(view(value.text));
  case TSC_HOST_RUNTIME: {
    PyObject *make = importedName("tessera.language._values", "runtime_value");
    Reference name = text(view(value.text));
    return make && name
               ? Reference(PyObject_CallFunction(make, "KO", static_cast<unsigned long long>(value.handle), name.get()))
               : Reference();
  }
  default:
    if (PyObject *object = handles.object(value.handle))
      return Reference::borrow(object);
    PyErr_SetString(PyExc_SystemError, "the compiler named an object that it was never given");
    return {};
  }
}

} // namespace tessera::python
