// Launcher.cpp - bind, key, look up, launch
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/extension/Launcher.h"

#include "frontends/python/extension/Binding.h"
#include "frontends/python/extension/KernelTable.h"
#include "frontends/python/extension/Runtime.h"

#include <cstring>
#include <memory>
#include <new>
#include <structmember.h>

namespace tessera::python {

PyTypeObject *launcherType;

namespace {

// Grows when anything changed that can change what a call compiles to.
uint64_t epoch = 1;
PyObject *enterHook, *exitHook; // null: none

// A global that the function uses, as it was when it was compiled.
struct UsedGlobal {
  Reference name, dictionary, object;
  Reference snapshot; // what it must still equal; empty: the object cannot change, being the same is enough
  Reference inner;    // of a constexpr: as long as it holds this object it has not changed; may be empty
};

// Whether a constexpr still holds the object that it held.
bool holds(PyObject *constant, PyObject *inner) {
  Reference now(PyObject_GetAttr(constant, names.value));
  PyErr_Clear();
  return now.get() == inner;
}

struct State {
  Signature signature;
  std::vector<UsedGlobal> globals;
  Table table;
  Reference lastGrid, lastCallable;
};

struct LauncherObject {
  PyObject_HEAD;
  State *state;
  PyObject *preRunHooks; // a list
  uint64_t generation;
};

LauncherObject *as(PyObject *o) { return reinterpret_cast<LauncherObject *>(o); }

// ---- the way of a call ---------------------------------------------------------------------------------------------

// Puts the parameter's name before what is wrong with its argument.
void nameArgument(const Call &call, const Parameter &parameter) {
  if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_OverflowError))
    return;
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  Reference ofType(type), ofValue(value), ofTrace(trace), function(PyObject_GetAttrString(call.self, "__name__"));
  PyErr_Clear();
  PyErr_Format(type, "argument %R of %S: %S", parameter.name.get(), function ? function.get() : Py_None, value);
}

bool makeFacts(State &state, Call &call, const DeviceObject &device, bool warmup, CallFacts &facts) {
  facts.key.push(reinterpret_cast<uint64_t>(&device));
  int32_t tensorDevice = warmup ? kAnyDevice : device.tensorDevice;
  for (size_t i = 0; i < state.signature.parameters.size(); ++i)
    if (!addArgument(state.signature.parameters[i], call.bound[i], i, tensorDevice, facts)) {
      nameArgument(call, state.signature.parameters[i]);
      return false;
    }
  for (size_t i = 0; i < call.options.size(); ++i) {
    facts.key.push(reinterpret_cast<uint64_t>(call.options[i].first));
    facts.keyObjects.push(call.options[i].first);
    if (!addConstant(call.options[i].second, facts))
      return false;
  }
  return true;
}

bool globalsUnchanged(const State &state) {
  for (const UsedGlobal &g : state.globals) {
    PyObject *now = PyDict_GetItemWithError(g.dictionary.get(), g.name.get());
    if (now == g.object.get() && (!g.snapshot || (g.inner && holds(now, g.inner.get()))))
      continue;
    if (!now && PyErr_Occurred())
      return false;
    PyObject *then = g.snapshot ? g.snapshot.get() : g.object.get();
    int differs = now ? PyObject_RichCompareBool(now, then, Py_NE) : 1;
    if (differs < 0)
      return false;
    if (differs) {
      if (now)
        PyErr_Format(PyExc_RuntimeError, "Global variable %U has changed since we compiled this kernel, from %S to %S",
                     g.name.get(), then, now);
      else
        PyErr_Format(PyExc_RuntimeError, "Global variable %U has changed since we compiled this kernel, from %S to %s",
                     g.name.get(), then, "nothing: it is gone");
      return false;
    }
  }
  return true;
}

Reference describeAll(State &state, Call &call) {
  Reference list(PyList_New(0));
  for (size_t i = 0; list && i < state.signature.parameters.size(); ++i) {
    Reference pair(describeArgument(state.signature.parameters[i], call.bound[i]));
    if (!pair || PyList_Append(list.get(), pair.get()) < 0)
      return {};
  }
  return list;
}

// Asks Python for the compiled kernel. Empty without an error: there is nothing to launch (a hook took it over).
Reference resolve(State &state, Call &call, DeviceObject &device, bool warmup) {
  Reference bound = boundDictionary(state.signature, call), options = optionsDictionary(call);
  Reference facts = bound && options ? describeAll(state, call) : Reference();
  if (!facts)
    return {};
  Reference compiled(PyObject_CallMethodObjArgs(call.self, names.resolve, reinterpret_cast<PyObject *>(&device),
                                                bound.get(), facts.get(), options.get(), warmup ? Py_True : Py_False,
                                                nullptr));
  return compiled && compiled.get() != Py_None ? compiled : Reference();
}

// The kernel of a compiled kernel on the device.
Reference kernelOn(PyObject *compiled, DeviceObject &device) {
  Reference kernel(
      PyObject_CallMethodObjArgs(compiled, names.deviceKernel, reinterpret_cast<PyObject *>(&device), nullptr));
  if (kernel && !PyObject_TypeCheck(kernel.get(), kernelType)) {
    PyErr_SetString(PyExc_TypeError, "_device_kernel gave no Kernel");
    return {};
  }
  return kernel;
}

// With hooks: the metadata goes to both.
bool launchHooked(PyObject *compiled, KernelObject &kernel, TsrStream *stream, const int32_t grid[3],
                  const CallFacts &facts, PyObject *const *bound, size_t n) {
  Reference arguments(PyTuple_New(static_cast<Py_ssize_t>(n + 2)));
  if (!arguments)
    return false;
  PyTuple_SetItem(arguments.get(), 0, Py_BuildValue("(iii)", grid[0], grid[1], grid[2]));
  PyTuple_SetItem(arguments.get(), 1, PyLong_FromVoidPtr(stream));
  for (size_t i = 0; i < n; ++i)
    PyTuple_SetItem(arguments.get(), static_cast<Py_ssize_t>(i + 2), Reference::borrow(bound[i]).release());
  Reference method(PyObject_GetAttr(compiled, names.launchMetadata));
  Reference metadata(method ? PyObject_CallObject(method.get(), arguments.get()) : nullptr);
  if (!metadata)
    return false;
  Reference enter = Reference::borrow(enterHook), exit = Reference::borrow(exitHook);
  if (enter && !Reference(PyObject_CallFunctionObjArgs(enter.get(), metadata.get(), nullptr)))
    return false;
  if (!launch(kernel, stream, grid, facts.values.data(), static_cast<uint32_t>(facts.values.size())))
    return false;
  return !exit || Reference(PyObject_CallFunctionObjArgs(exit.get(), metadata.get(), nullptr));
}

bool countFits(const KernelObject &kernel, const CallFacts &facts) {
  if (kernel.info->n_parameters == facts.values.size())
    return true;
  PyErr_Format(PyExc_SystemError, "kernel %s takes %u runtime arguments, the call has %zu: a defect of tessera",
               kernel.info->name, kernel.info->n_parameters, facts.values.size());
  return false;
}

// What is launched: an object as the program gave it, and its extents where they are read once for many calls.
struct Grid {
  PyObject *object = nullptr;
  const int32_t *extents = nullptr;
};

bool gridOf(State &state, Call &call, const Grid &grid, int32_t out[3]) {
  if (grid.extents) {
    std::memcpy(out, grid.extents, 3 * sizeof *out);
    return true;
  }
  if (PyTuple_Check(grid.object) || !PyCallable_Check(grid.object))
    return readGrid(grid.object, out);
  Reference dictionary = boundDictionary(state.signature, call);
  Reference given(dictionary ? PyObject_CallFunctionObjArgs(grid.object, dictionary.get(), nullptr) : nullptr);
  return given && readGrid(given.get(), out);
}

// Where this call is like the one before: launches it; `done` says so. Null with `done`: an error is set.
PyObject *callAgain(State &state, Call &call, const Grid &grid, DeviceObject &device, bool &done) {
  if (!state.table.last || state.table.epoch != epoch || enterHook || exitHook)
    return nullptr;
  std::shared_ptr<const Replay> replay = state.table.last; // reading an argument may empty the table
  alignas(16) unsigned char packed[Replay::kMaxBytes];
  if (!replay->matches(call.args, call.nArgs, call.keywords, device, packed))
    return nullptr;
  done = true;
  if (!state.globals.empty() && !globalsUnchanged(state))
    return nullptr;
  int32_t extents[3];
  if ((!grid.extents && PyCallable_Check(grid.object) && !bind(state.signature, call)) ||
      !gridOf(state, call, grid, extents))
    return nullptr;
  TsrStream *stream = nullptr;
  if (extents[0] && extents[1] && extents[2] &&
      (!currentStream(device, stream) || !launchPacked(replay->kernel(), stream, extents, packed)))
    return nullptr;
  return Reference::borrow(replay->compiled()).release();
}

// The next call is compared with this one, which found its kernel by its key. Many shapes of calls in turn are not worth recording.
void recordCall(State &state, Call &call, const DeviceObject &device, const CallFacts &facts, uint64_t hash,
                Entry *entry) {
  constexpr unsigned kMostRecords = 8;
  if (entry->replay && entry->replay != state.table.last) {
    state.table.last = entry->replay;
    return;
  }
  if (entry->records >= kMostRecords)
    return;
  ++entry->records;
  Reference compiled = entry->compiled, kernel = entry->kernel;
  std::shared_ptr<const Replay> replay =
      Replay::record(state.signature, call, device, compiled.get(), *reinterpret_cast<KernelObject *>(kernel.get()));
  if (Entry *still = replay ? state.table.find(facts, hash) : nullptr; still && still->kernel.get() == kernel.get()) {
    std::swap(still->replay, replay); // what was there is let go of last: that may run the program's code
    state.table.last = still->replay;
  }
}

PyObject *callKernel(PyObject *self, const Grid &grid, PyObject *const *args, size_t nArgs, PyObject *keywords,
                     bool warmup) {
  State &state = *as(self)->state;
  DeviceObject *device = activeDevice();
  if (!device)
    return nullptr;
  Reference keepDevice = Reference::borrow(reinterpret_cast<PyObject *>(device)), keepSelf = Reference::borrow(self);
  Call call;
  call.self = self;
  call.args = args;
  call.nArgs = nArgs;
  call.keywords = keywords;
  if (PyObject *hooks = as(self)->preRunHooks; hooks && PyList_Size(hooks) > 0) {
    Reference positional(PyTuple_New(static_cast<Py_ssize_t>(nArgs))), named(PyDict_New());
    if (!positional || !named)
      return nullptr;
    for (size_t i = 0; i < nArgs; ++i)
      PyTuple_SetItem(positional.get(), static_cast<Py_ssize_t>(i), Reference::borrow(args[i]).release());
    for (Py_ssize_t k = 0, n = keywords ? PyTuple_Size(keywords) : 0; k < n; ++k)
      if (PyDict_SetItem(named.get(), PyTuple_GetItem(keywords, k), args[nArgs + static_cast<size_t>(k)]) < 0)
        return nullptr;
    for (Py_ssize_t i = 0; i < PyList_Size(hooks); ++i)
      if (!Reference(PyObject_Call(PyList_GetItem(hooks, i), positional.get(), named.get())))
        return nullptr;
  }
  if (bool done = false; !warmup) {
    PyObject *result = callAgain(state, call, grid, *device, done);
    if (done)
      return result;
  }
  if (!bind(state.signature, call))
    return nullptr;
  CallFacts facts;
  if (!makeFacts(state, call, *device, warmup, facts))
    return nullptr;
  if (state.table.epoch != epoch) {
    state.table.clear();
    state.table.epoch = epoch;
  }
  uint64_t hash = hashOf(facts);
  Entry *entry = facts.keyIsExact ? state.table.find(facts, hash) : nullptr;
  Reference compiled, kernel;
  if (entry) {
    compiled = entry->compiled;
    kernel = entry->kernel;
    if (!warmup)
      recordCall(state, call, *device, facts, hash, entry);
  } else {
    uint64_t before = epoch;
    compiled = resolve(state, call, *device, warmup);
    if (!compiled) {
      if (PyErr_Occurred())
        return nullptr;
      Py_RETURN_NONE;
    }
    // What an asynchronous compile gives is waited for only where it must run.
    PyObject *future = warmup ? nullptr : PyObject_GetAttr(compiled.get(), names.result);
    if (future) {
      Reference call(future);
      compiled = Reference(PyObject_CallNoArgs(future));
      if (!compiled)
        return nullptr;
    }
    PyErr_Clear();
    if (!warmup) {
      kernel = kernelOn(compiled.get(), *device);
      if (!kernel || !countFits(*reinterpret_cast<KernelObject *>(kernel.get()), facts))
        return nullptr;
      if (facts.keyIsExact && before == epoch) {
        auto fresh = std::make_unique<Entry>();
        fresh->hash = hash;
        fresh->key.assign(facts.key.data(), facts.key.data() + facts.key.size());
        for (size_t i = 0; i < facts.keyObjects.size(); ++i)
          fresh->kept.push_back(Reference::borrow(facts.keyObjects[i]));
        fresh->compiled = compiled;
        fresh->kernel = kernel;
        state.table.insert(std::move(fresh));
      }
    }
  }
  if (!state.globals.empty() && !globalsUnchanged(state))
    return nullptr;
  if (warmup)
    return compiled.release();
  int32_t extents[3];
  if (!gridOf(state, call, grid, extents))
    return nullptr;
  if (!extents[0] || !extents[1] || !extents[2])
    return compiled.release();
  TsrStream *stream = nullptr;
  if (!currentStream(*device, stream))
    return nullptr;
  auto &k = *reinterpret_cast<KernelObject *>(kernel.get());
  bool done = enterHook || exitHook
                  ? launchHooked(compiled.get(), k, stream, extents, facts, call.bound.data(), call.bound.size())
                  : launch(k, stream, extents, facts.values.data(), static_cast<uint32_t>(facts.values.size()));
  return done ? compiled.release() : nullptr;
}

// ---- kernel[grid] --------------------------------------------------------------------------------------------------

struct GridObject {
  PyObject_HEAD;
  PyObject *launcher, *grid;
  int32_t extents[3];
  bool known; // the extents: a tuple of ints cannot change
};
PyTypeObject *gridType;

PyObject *callGrid(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
  auto *g = reinterpret_cast<GridObject *>(self);
  return callKernel(g->launcher, {g->grid, g->known ? g->extents : nullptr}, args, static_cast<size_t>(n), keywords,
                    false);
}
PyMethodDef gridCall = {"launch", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&callGrid)),
                        METH_FASTCALL | METH_KEYWORDS, "Launches the kernel on the grid; gives the compiled kernel."};

void gridDealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  Py_XDECREF(reinterpret_cast<GridObject *>(self)->launcher);
  Py_XDECREF(reinterpret_cast<GridObject *>(self)->grid);
  PyObject_GC_Del(self);
  Py_DECREF(type);
}
int gridTraverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(reinterpret_cast<GridObject *>(self)->launcher);
  Py_VISIT(reinterpret_cast<GridObject *>(self)->grid);
  return 0;
}

// A callable. The last one is kept for a tuple, which holds nothing large.
PyObject *subscript(PyObject *self, PyObject *grid) {
  State &state = *as(self)->state;
  if (state.lastGrid.get() == grid)
    return Reference(state.lastCallable).release();
  auto *g = PyObject_GC_New(GridObject, gridType);
  if (!g)
    return nullptr;
  Py_INCREF(self);
  Py_INCREF(grid);
  g->launcher = self;
  g->grid = grid;
  g->known = PyTuple_CheckExact(grid);
  for (Py_ssize_t i = 0, n = g->known ? PyTuple_Size(grid) : 0; i < n; ++i)
    g->known = g->known && PyLong_CheckExact(PyTuple_GetItem(grid, i));
  if (g->known && !readGrid(grid, g->extents)) { // the call says what is wrong
    PyErr_Clear();
    g->known = false;
  }
  auto *object = reinterpret_cast<PyObject *>(g);
  PyObject_GC_Track(object);
  PyObject *callable = PyCFunction_NewEx(&gridCall, object, nullptr);
  Py_DECREF(object);
  if (callable && PyTuple_CheckExact(grid)) {
    state.lastGrid = Reference::borrow(grid);
    state.lastCallable = Reference::borrow(callable);
  }
  return callable;
}

// run(*args, grid, warmup=False, **kwargs)
PyObject *run(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
  PyObject *grid = nullptr;
  bool warmup = false;
  std::vector<PyObject *> values(args, args + n), kept;
  Py_ssize_t nKeywords = keywords ? PyTuple_Size(keywords) : 0;
  for (Py_ssize_t k = 0; k < nKeywords; ++k) {
    PyObject *name = PyTuple_GetItem(keywords, k), *value = args[n + k];
    if (name == names.grid || PyUnicode_Compare(name, names.grid) == 0) {
      grid = value;
    } else if (name == names.warmup || PyUnicode_Compare(name, names.warmup) == 0) {
      int truth = PyObject_IsTrue(value);
      if (truth < 0)
        return nullptr;
      warmup = truth;
    } else {
      kept.push_back(name);
      values.push_back(value);
    }
  }
  if (!grid || (grid == Py_None && !warmup)) {
    PyErr_SetString(PyExc_TypeError, "run() needs a grid: run(*args, grid=…, warmup=False)");
    return nullptr;
  }
  Reference rest(kept.empty() ? nullptr : PyTuple_New(static_cast<Py_ssize_t>(kept.size())));
  if (!kept.empty() && !rest)
    return nullptr;
  for (size_t i = 0; i < kept.size(); ++i)
    PyTuple_SetItem(rest.get(), static_cast<Py_ssize_t>(i), Reference::borrow(kept[i]).release());
  return callKernel(self, {grid, nullptr}, values.data(), static_cast<size_t>(n), rest.get(), warmup);
}

// _bind(*args, **kwargs): (arguments by name, specialisation, options), without launching anything.
PyObject *bindOnly(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
  State &state = *as(self)->state;
  Call call;
  call.self = self;
  call.args = args;
  call.nArgs = static_cast<size_t>(n);
  call.keywords = keywords;
  DeviceObject *device = activeDevice();
  if (!device || !bind(state.signature, call))
    return nullptr;
  Reference bound = boundDictionary(state.signature, call), options = optionsDictionary(call);
  Reference facts = bound && options ? describeAll(state, call) : Reference();
  return facts ? PyTuple_Pack(3, bound.get(), facts.get(), options.get()) : nullptr;
}

// ---- what jit.py sets ----------------------------------------------------------------------------------------------

// _set_variadic(text): the function has such a parameter, "*args".
PyObject *setVariadic(PyObject *self, PyObject *text) {
  const char *name = PyUnicode_AsUTF8AndSize(text, nullptr);
  if (!name)
    return nullptr;
  as(self)->state->signature.variadic = name;
  Py_RETURN_NONE;
}

// _configure([(name, has_default, default, is_constexpr, is_const, do_not_specialize, …_on_alignment, type), …])
PyObject *configure(PyObject *self, PyObject *rows) {
  Py_ssize_t n = PyList_Check(rows) ? PyList_Size(rows) : -1;
  std::vector<Parameter> parameters;
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject *name, *fallback;
    const char *type;
    int hasDefault, isConstexpr, isConst, plain, plainAlignment;
    if (!PyArg_ParseTuple(PyList_GetItem(rows, i), "UpOpppps", &name, &hasDefault, &fallback, &isConstexpr, &isConst,
                          &plain, &plainAlignment, &type))
      return nullptr;
    Parameter p;
    PyObject *interned = name;
    Py_INCREF(interned);
    PyUnicode_InternInPlace(&interned);
    p.name = Reference(interned);
    if (hasDefault)
      p.fallback = Reference::borrow(fallback);
    p.isConstexpr = isConstexpr;
    p.isConst = isConst;
    p.specialise = !plain;
    p.specialiseAlignment = !plainAlignment;
    p.forced = type;
    p.forcedPlain = !p.forced.empty() &&
                    (plain || p.forced == "u1" || p.forced.rfind("fp", 0) == 0 || p.forced.rfind("bf", 0) == 0);
    parameters.push_back(std::move(p));
  }
  State &state = *as(self)->state;
  std::swap(state.signature.parameters, parameters);
  state.signature.keywords.clear();
  state.table.clear();
  Py_RETURN_NONE;
}

// _set_globals([(name, dictionary, object, snapshot or None, inner or None), …])
PyObject *setGlobals(PyObject *self, PyObject *rows) {
  std::vector<UsedGlobal> globals;
  for (Py_ssize_t i = 0, n = PyList_Size(rows); i < n; ++i) {
    PyObject *name, *dictionary, *object, *snapshot, *inner;
    if (!PyArg_ParseTuple(PyList_GetItem(rows, i), "UO!OOO", &name, &PyDict_Type, &dictionary, &object, &snapshot,
                          &inner))
      return nullptr;
    globals.push_back({Reference::borrow(name), Reference::borrow(dictionary), Reference::borrow(object),
                       snapshot == Py_None ? Reference() : Reference::borrow(snapshot),
                       inner == Py_None ? Reference() : Reference::borrow(inner)});
  }
  if (PyErr_Occurred())
    return nullptr;
  std::swap(as(self)->state->globals, globals);
  Py_RETURN_NONE;
}

PyObject *forget(PyObject *self, PyObject *) {
  as(self)->state->table.clear();
  ++as(self)->generation;
  Py_RETURN_NONE;
}

PyObject *launcherNew(PyTypeObject *type, PyObject *, PyObject *) {
  auto alloc = reinterpret_cast<allocfunc>(PyType_GetSlot(type, Py_tp_alloc));
  PyObject *self = alloc(type, 0);
  if (!self)
    return nullptr;
  as(self)->state = new (std::nothrow) State;
  as(self)->preRunHooks = PyList_New(0);
  if (!as(self)->state || !as(self)->preRunHooks) {
    Py_DECREF(self);
    return PyErr_NoMemory();
  }
  return self;
}

int launcherClear(PyObject *self) {
  if (State *state = as(self)->state) {
    state->table.clear();
    std::vector<Parameter> parameters = std::move(state->signature.parameters);
    std::vector<UsedGlobal> globals = std::move(state->globals);
    state->signature.parameters.clear();
    state->globals.clear();
    Reference grid = std::move(state->lastGrid), callable = std::move(state->lastCallable);
  }
  Py_CLEAR(as(self)->preRunHooks);
  return 0;
}

int launcherTraverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as(self)->preRunHooks);
  if (State *state = as(self)->state) {
    for (const Parameter &p : state->signature.parameters)
      Py_VISIT(p.fallback.get());
    for (const UsedGlobal &g : state->globals) {
      Py_VISIT(g.dictionary.get());
      Py_VISIT(g.object.get());
      Py_VISIT(g.snapshot.get());
    }
    Py_VISIT(state->lastCallable.get());
    return state->table.traverse(visit, arg);
  }
  return 0;
}

void launcherDealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  launcherClear(self);
  delete as(self)->state;
  auto release = reinterpret_cast<freefunc>(PyType_GetSlot(type, Py_tp_free));
  release(self);
  Py_DECREF(type);
}

PyObject *getHooks(PyObject *self, void *) { return Reference::borrow(as(self)->preRunHooks).release(); }
int setHooks(PyObject *self, PyObject *value, void *) {
  if (!value || !PyList_Check(value)) {
    PyErr_SetString(PyExc_TypeError, "pre_run_hooks is a list");
    return -1;
  }
  Py_INCREF(value);
  PyObject *old = std::exchange(as(self)->preRunHooks, value);
  Py_XDECREF(old);
  return 0;
}

PyMethodDef launcherMethods[] = {
    {"run", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&run)), METH_FASTCALL | METH_KEYWORDS,
     "run(*args, grid, warmup=False, **kwargs): launches, or with warmup only compiles; gives the compiled kernel."},
    {"_bind", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&bindOnly)), METH_FASTCALL | METH_KEYWORDS,
     "_bind(*args, **kwargs): (arguments by name, specialisation, options)."},
    {"_configure", configure, METH_O, nullptr},
    {"_set_variadic", setVariadic, METH_O, nullptr},
    {"_set_globals", setGlobals, METH_O, nullptr},
    {"_forget", forget, METH_NOARGS, "Drops every compiled kernel that launches know; the source has changed."},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef launcherFields[] = {
    {"pre_run_hooks", getHooks, setHooks, "Called before every run with its arguments.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyObject *setLaunchHooks(PyObject *, PyObject *args) {
  PyObject *enter, *exit;
  if (!PyArg_ParseTuple(args, "OO", &enter, &exit))
    return nullptr;
  auto assign = [](PyObject *&slot, PyObject *value) {
    PyObject *old = std::exchange(slot, value == Py_None ? nullptr : Reference::borrow(value).release());
    Py_XDECREF(old);
  };
  assign(enterHook, enter);
  assign(exitHook, exit);
  Py_RETURN_NONE;
}

PyObject *bumpEpoch(PyObject *, PyObject *) {
  ++epoch;
  Py_RETURN_NONE;
}

PyObject *setActive(PyObject *, PyObject *args) {
  PyObject *device, *activate = Py_None, *refresh = Py_None, *stream = Py_None, *nativeStream = Py_None;
  if (!PyArg_ParseTuple(args, "OOOO|O", &device, &activate, &refresh, &stream, &nativeStream))
    return nullptr;
  if ((device != Py_None && !PyObject_TypeCheck(device, deviceType)) ||
      (stream != Py_None && !PyObject_TypeCheck(stream, streamType))) {
    PyErr_SetString(PyExc_TypeError, "set_active(Device or None, activate, refresh, Stream or None, native_stream)");
    return nullptr;
  }
  auto assign = [](PyObject *&slot, PyObject *value) {
    PyObject *old = std::exchange(slot, value == Py_None ? nullptr : Reference::borrow(value).release());
    Py_XDECREF(old);
  };
  assign(active.device, device);
  assign(active.activate, activate);
  assign(active.refresh, refresh);
  assign(active.stream, stream);
  assign(active.nativeStream, nativeStream);
  Py_RETURN_NONE;
}

// launch(kernel, grid, stream, arguments): arguments that are already runtime values, for CompiledKernel[grid](…).
PyObject *launchArguments(PyObject *, PyObject *args) {
  PyObject *kernel, *grid, *stream, *given;
  if (!PyArg_ParseTuple(args, "O!OOO!", kernelType, &kernel, &grid, &stream, &PyTuple_Type, &given))
    return nullptr;
  auto &k = *reinterpret_cast<KernelObject *>(kernel);
  // Where the kernel is loaded, which need not be the device that is active now.
  DeviceObject *device = deviceOf(k);
  int32_t extents[3];
  if (!readGrid(grid, extents))
    return nullptr;
  Parameter plain;
  plain.specialise = false;
  CallFacts facts;
  for (Py_ssize_t i = 0; i < PyTuple_Size(given); ++i) {
    // A null pointer is an argument here, not a constant.
    if (PyTuple_GetItem(given, i) == Py_None)
      facts.values.push(tsr_arg_pointer(nullptr));
    else if (!addArgument(plain, PyTuple_GetItem(given, i), static_cast<size_t>(i), device->tensorDevice, facts))
      return nullptr;
  }
  if (!countFits(k, facts))
    return nullptr;
  TsrStream *on = nullptr;
  if (PyObject_TypeCheck(stream, streamType))
    on = reinterpret_cast<StreamObject *>(stream)->stream;
  else if (PyLong_Check(stream) && device->tensorDevice != 1) {
    if (!wrappedStream(*device, stream, on))
      return nullptr;
  } else {
    DeviceObject *current = activeDevice();
    if (!current || !(current->device == device->device ? currentStream(*device, on) : defaultStream(*device, on)))
      return nullptr;
  }
  if (extents[0] && extents[1] && extents[2] &&
      !launch(k, on, extents, facts.values.data(), static_cast<uint32_t>(facts.values.size())))
    return nullptr;
  Py_RETURN_NONE;
}

// specialization(value, is_const=False, specialize=True, align=True): (type, key) of an argument.
PyObject *specialization(PyObject *, PyObject *args) {
  PyObject *value;
  int isConst = 0, specialise = 1, align = 1;
  if (!PyArg_ParseTuple(args, "O|ppp", &value, &isConst, &specialise, &align))
    return nullptr;
  Parameter p;
  p.isConst = isConst;
  p.specialise = specialise;
  p.specialiseAlignment = align;
  p.specialiseNegative = true; // as Triton answers
  return describeArgument(p, value);
}

PyObject *addressOf(PyObject *, PyObject *value) {
  Tensor t;
  const TypeInfo &info = typeInfo(value);
  if (!isTensor(info.handler)) {
    PyErr_Format(PyExc_TypeError, "%R has no address", Py_TYPE(value));
    return nullptr;
  }
  return readTensor(value, info, t) ? PyLong_FromUnsignedLongLong(t.address) : nullptr;
}

PyObject *canonicalDtype(PyObject *, PyObject *dtype) {
  std::string name = dtypeName(dtype);
  return name.empty() ? nullptr : text(name).release();
}

} // namespace

PyMethodDef launcherFunctions[] = {
    {"set_launch_hooks", setLaunchHooks, METH_VARARGS, "set_launch_hooks(enter, exit): callables, or None."},
    {"bump_epoch", bumpEpoch, METH_NOARGS,
     "Something changed that compiles depend on: launches look everything up anew."},
    {"set_active", setActive, METH_VARARGS,
     "set_active(device, activate, refresh, stream, native_stream=None): where launches go."},
    {"launch", launchArguments, METH_VARARGS, "launch(kernel, grid, stream, arguments)."},
    {"specialization", specialization, METH_VARARGS,
     "specialization(value, is_const=False, specialize=True, align=True): (type, key) of an argument."},
    {"address_of", addressOf, METH_O, "The address of a tensor's first element."},
    {"canonical_dtype", canonicalDtype, METH_O, "\"fp32\" of a dtype of torch, NumPy or this package."},
    {nullptr, nullptr, 0, nullptr}};

uint64_t generationOf(PyObject *function) { return as(function)->generation; }

bool addLauncherType(PyObject *module) {
  PyType_Slot gridSlots[] = {{Py_tp_dealloc, reinterpret_cast<void *>(&gridDealloc)},
                             {Py_tp_traverse, reinterpret_cast<void *>(&gridTraverse)},
                             {0, nullptr}};
  PyType_Spec gridSpec = {"tessera._tessera.Grid", sizeof(GridObject), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, gridSlots};
  gridType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&gridSpec));
  if (!gridType)
    return false;
  PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void *>(&launcherNew)},
                         {Py_tp_dealloc, reinterpret_cast<void *>(&launcherDealloc)},
                         {Py_tp_traverse, reinterpret_cast<void *>(&launcherTraverse)},
                         {Py_tp_clear, reinterpret_cast<void *>(&launcherClear)},
                         {Py_mp_subscript, reinterpret_cast<void *>(&subscript)},
                         {Py_tp_methods, launcherMethods},
                         {Py_tp_getset, launcherFields},
                         {Py_tp_doc, const_cast<char *>("Base of jit functions: the launch path.")},
                         {0, nullptr}};
  PyType_Spec spec = {"tessera._tessera.Launcher", sizeof(LauncherObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
  launcherType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  return launcherType && PyModule_AddObjectRef(module, "Launcher", reinterpret_cast<PyObject *>(launcherType)) == 0;
}

} // namespace tessera::python
