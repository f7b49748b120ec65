// Binding.h - the arguments of a call onto a function's parameters; grids
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/extension/Arguments.h"

namespace tessera::python {

// Which parameter a keyword names; options below zero. Kept for the tuples that call sites pass again and again.
struct KeywordMap {
  Reference names;
  std::vector<int> to;
};

// A function's parameters, and how its call sites name them.
struct Signature {
  std::vector<Parameter> parameters;
  std::vector<KeywordMap> keywords;
  std::string
      variadic; // its *args or **kwargs, with the stars: it can be called from kernels, not launched; empty: none
};

// One call. Borrows everything.
struct Call {
  PyObject *self;
  PyObject *const *args;
  size_t nArgs;                                         // positional
  PyObject *keywords;                                   // tuple of names, or null; their values follow args
  Inline<PyObject *, 64> bound;                         // by parameter
  Inline<std::pair<PyObject *, PyObject *>, 8> options; // keywords that are no parameters
};

// Where the values of a tuple of names go: parameters, or options below zero. Null: it is none of those that are kept.
const std::vector<int> *keywordMap(const Signature &signature, PyObject *keywords);

// Fills `bound`, defaults included, and `options`. False: TypeError is set, worded as Python does.
bool bind(Signature &signature, Call &call);
// What a bound call has: parameter -> value, keyword -> value. Empty: an error is set.
Reference boundDictionary(const Signature &signature, Call &call);
Reference optionsDictionary(Call &call);

// An int, or a sequence of one to three: extents from 0 to 2147483647. False: TypeError or ValueError is set.
bool readGrid(PyObject *grid, int32_t out[3]);

} // namespace tessera::python
