// Binding.cpp - positional arguments, keywords, defaults; grids
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/extension/Binding.h"

namespace tessera::python {
namespace {

std::string functionName(PyObject *self) {
  Reference name(PyObject_GetAttrString(self, "__name__"));
  if (name && PyUnicode_Check(name.get()))
    return std::string(utf8(name.get()));
  PyErr_Clear();
  return "kernel";
}

const std::vector<int> *mapKeywords(Signature &signature, PyObject *keywords, KeywordMap &scratch) {
  if (const std::vector<int> *known = keywordMap(signature, keywords))
    return known;
  scratch.names = Reference::borrow(keywords);
  int option = -1;
  for (Py_ssize_t k = 0, n = PyTuple_Size(keywords); k < n; ++k) {
    PyObject *name = PyTuple_GetItem(keywords, k);
    int to = option;
    for (size_t p = 0; p < signature.parameters.size(); ++p)
      if (signature.parameters[p].name.get() == name ||
          PyUnicode_Compare(signature.parameters[p].name.get(), name) == 0)
        to = static_cast<int>(p);
    if (to < 0)
      --option;
    scratch.to.push_back(to);
  }
  if (signature.keywords.size() >= 16)
    return &scratch.to;
  signature.keywords.push_back(scratch);
  return &signature.keywords.back().to;
}

// One extent of a grid.
bool readExtent(PyObject *value, int32_t &out) {
  Reference integer(PyNumber_Index(value));
  if (!integer) {
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "a grid is up to three ints; %R is of type %R", value, Py_TYPE(value));
    return false;
  }
  int overflow = 0;
  long long v = PyLong_AsLongLongAndOverflow(integer.get(), &overflow);
  if (overflow || v < 0 || v > INT32_MAX) {
    PyErr_Format(PyExc_ValueError, "the grid has an extent of %R, which is not between 0 and 2147483647",
                 integer.get());
    return false;
  }
  out = static_cast<int32_t>(v);
  return true;
}

} // namespace

const std::vector<int> *keywordMap(const Signature &signature, PyObject *keywords) {
  for (const KeywordMap &m : signature.keywords)
    if (m.names.get() == keywords)
      return &m.to;
  return nullptr;
}

bool bind(Signature &signature, Call &call) {
  if (!signature.variadic.empty()) {
    PyErr_Format(PyExc_TypeError, "kernel %s has a parameter %s: kernels take a fixed list of parameters",
                 functionName(call.self).c_str(), signature.variadic.c_str());
    return false;
  }
  size_t n = signature.parameters.size();
  if (call.nArgs > n) {
    PyErr_Format(PyExc_TypeError, "%s() takes %zu positional arguments but %zu were given",
                 functionName(call.self).c_str(), n, call.nArgs);
    return false;
  }
  for (size_t i = 0; i < n; ++i)
    call.bound.push(i < call.nArgs ? call.args[i] : nullptr);
  if (call.keywords) {
    KeywordMap scratch;
    const std::vector<int> &to = *mapKeywords(signature, call.keywords, scratch);
    for (size_t k = 0; k < to.size(); ++k) {
      PyObject *value = call.args[call.nArgs + k];
      PyObject *name = PyTuple_GetItem(call.keywords, static_cast<Py_ssize_t>(k));
      if (to[k] < 0) {
        call.options.push({name, value});
      } else if (call.bound[static_cast<size_t>(to[k])]) {
        PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'", functionName(call.self).c_str(),
                     name);
        return false;
      } else {
        call.bound[static_cast<size_t>(to[k])] = value;
      }
    }
  }
  std::string missing;
  size_t nMissing = 0;
  for (size_t i = 0; i < n; ++i) {
    if (!call.bound[i])
      call.bound[i] = signature.parameters[i].fallback.get();
    if (!call.bound[i])
      missing += (nMissing++ ? ", '" : "'") + std::string(utf8(signature.parameters[i].name.get())) + "'";
  }
  if (!nMissing)
    return true;
  PyErr_Format(PyExc_TypeError, "%s() missing %zu required positional argument%s: %s", functionName(call.self).c_str(),
               nMissing, nMissing == 1 ? "" : "s", missing.c_str());
  return false;
}

Reference boundDictionary(const Signature &signature, Call &call) {
  Reference dictionary(PyDict_New());
  for (size_t i = 0; dictionary && i < signature.parameters.size(); ++i)
    if (PyDict_SetItem(dictionary.get(), signature.parameters[i].name.get(), call.bound[i]) < 0)
      return {};
  return dictionary;
}

Reference optionsDictionary(Call &call) {
  Reference dictionary(PyDict_New());
  for (size_t i = 0; dictionary && i < call.options.size(); ++i)
    if (PyDict_SetItem(dictionary.get(), call.options[i].first, call.options[i].second) < 0)
      return {};
  return dictionary;
}

bool readGrid(PyObject *grid, int32_t out[3]) {
  out[0] = out[1] = out[2] = 1;
  bool isTuple = PyTuple_Check(grid);
  if (!isTuple && !PyList_Check(grid)) {
    if (PyLong_Check(grid))
      return readExtent(grid, out[0]);
    Reference sequence(PySequence_Check(grid) ? PySequence_Tuple(grid) : nullptr);
    if (!sequence) {
      PyErr_Clear();
      PyErr_Format(PyExc_TypeError,
                   "a grid is a tuple or list of up to three ints, an int, or a callable that gives one; not %R", grid);
      return false;
    }
    return readGrid(sequence.get(), out);
  }
  Py_ssize_t n = isTuple ? PyTuple_Size(grid) : PyList_Size(grid);
  if (n < 1 || n > 3) {
    PyErr_Format(PyExc_ValueError, "a grid has one to three extents, not %zd", n);
    return false;
  }
  for (Py_ssize_t i = 0; i < n; ++i)
    if (!readExtent(isTuple ? PyTuple_GetItem(grid, i) : PyList_GetItem(grid, i), out[i]))
      return false;
  return true;
}

} // namespace tessera::python
