// Compiler.cpp - compile and interpret for Python: requests in, outputs and diagnostics out
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/extension/Compiler.h"

#include "frontends/python/extension/Host.h"
#include "frontends/python/extension/WorkerCompile.h"
#include "frontends/worker/CompilerInterface.h"
#include "plugins/loader/Registry.h"
#include "runtime/api/tessera.h"
#include "runtime/cache/ArtifactCache.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <memory>
#include <optional>
#include <sys/stat.h>

namespace tessera::python {

std::string CompilerLibrary::folder() {
  Dl_info info{};
  if (!dladdr(reinterpret_cast<void *>(&tsr_version), &info) || !info.dli_fname)
    return "";
  std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/') + 1);
}

std::string CompilerLibrary::locate() {
  const char *given = std::getenv("TESSERA_COMPILER_LIBRARY");
  return given && *given ? given : folder() + "libtessera_compiler.so";
}

const CompilerLibrary *CompilerLibrary::load() {
  static CompilerLibrary library;
  static bool loaded = false;
  if (loaded)
    return &library;
  std::string path = locate();
  std::string error;
  worker::OpenCompiler opened;
  {
    GilRelease unlocked;
    opened = worker::OpenCompiler::at(path, error);
  }
  if (!opened) {
    PyErr_Format(PyExc_ImportError, "the compiler library cannot be loaded: %s", error.c_str());
    return nullptr;
  }
  auto find = [&](auto &slot, const char *name) {
    bool found = opened.find(slot, name, error);
    if (!found)
      PyErr_SetString(PyExc_ImportError, error.c_str());
    return found;
  };
  library.path = path;
  loaded = find(library.sourceOpenFunction, "tsc_source_open_function") &&
           find(library.sourceClose, "tsc_source_close") && find(library.compile, "tsc_compile") &&
           find(library.lower, "tsc_lower") && find(library.interpret, "tsc_interpret") &&
           find(library.buildId, "tsc_build_id") && find(library.emitterCall, "tsc_emitter_call") &&
           find(library.emitterError, "tsc_emitter_error");
  return loaded ? &library : nullptr;
}

namespace {

// ---- what comes back -----------------------------------------------------------------------------------------------

struct Collected {
  struct Diagnostic {
    uint32_t severity;
    std::string text, json;
  };
  struct Output {
    std::string kind, name, bytes;
  };
  std::vector<Diagnostic> diagnostics;
  std::vector<Output> outputs;
  std::optional<worker::KernelRecord> kernel;
};

std::string owned(tsc_str s) { return std::string(view(s)); }

tsc_sink sinkFor(Collected &to) {
  tsc_sink sink = {};
  sink.size = sizeof sink;
  sink.user = &to;
  sink.diag = [](void *user, uint32_t severity, tsc_str text, tsc_str json) {
    static_cast<Collected *>(user)->diagnostics.push_back({severity, owned(text), owned(json)});
  };
  sink.emit = [](void *user, tsc_str kind, tsc_str name, const void *bytes, uint64_t n) {
    static_cast<Collected *>(user)->outputs.push_back(
        {owned(kind), owned(name), std::string(static_cast<const char *>(bytes), n)});
  };
  sink.kernel = [](void *user, const tsc_kernel_info *info) { static_cast<Collected *>(user)->kernel.emplace(*info); };
  return sink;
}

bool append(const Reference &list, const Reference &item) {
  return list && item && PyList_Append(list.get(), item.get()) == 0;
}

// (status, [(severity, text, json)], [(kind, name, bytes)], facts or None, cause or None)
PyObject *resultOf(int32_t status, const Collected &c, PyObject *cause) {
  Reference diagnostics(PyList_New(0)), outputs(PyList_New(0)), facts = Reference::borrow(Py_None);
  for (const auto &d : c.diagnostics)
    if (!append(diagnostics,
                Reference(Py_BuildValue("(INN)", d.severity, text(d.text).release(), text(d.json).release()))))
      return nullptr;
  for (const auto &o : c.outputs)
    if (!append(outputs, Reference(Py_BuildValue("(ssN)", o.kind.c_str(), o.name.c_str(),
                                                 bytesOf(o.bytes.data(), o.bytes.size()).release()))))
      return nullptr;
  if (c.kernel) {
    const worker::KernelRecord &k = *c.kernel;
    Reference arguments(PyList_New(0));
    for (const auto &a : k.args)
      if (!append(arguments, Reference(Py_BuildValue("(sIIII)", a.name.c_str(), a.offset, a.size, a.kind, a.flags))))
        return nullptr;
    facts = Reference(Py_BuildValue("{sssIsIsIsIsKsKsO}", "name", k.name.c_str(), "arg_bytes", k.argBytes, "n_regs",
                                    k.regs, "n_spills", k.spills, "num_warps", k.numWarps, "shared",
                                    static_cast<unsigned long long>(k.sharedBytes), "scratch",
                                    static_cast<unsigned long long>(k.scratchBytes), "arguments", arguments.get()));
    if (!facts)
      return nullptr;
  }
  return Py_BuildValue("(iOOOO)", status, diagnostics.get(), outputs.get(), facts.get(), cause ? cause : Py_None);
}

// ---- requests ------------------------------------------------------------------------------------------------------

// A request with everything it points to.
struct Request {
  tsc_request raw = {};
  std::deque<std::string> strings;
  std::deque<tsc_host_value> constants;
  std::vector<tsc_binding> bindings;
  std::vector<tsc_str> options;
  ValueArena arena;
  tsc_str keep(std::string_view s) { return view(std::string_view(strings.emplace_back(s))); }
};

// options: [(key, value)].
bool fillOptions(Request &r, const char *kernel, const char *target, const char *emits, PyObject *options) {
  for (Py_ssize_t i = 0, n = PyList_Size(options); i < n; ++i) {
    const char *key, *value;
    if (!PyArg_ParseTuple(PyList_GetItem(options, i), "ss", &key, &value))
      return false;
    r.options.push_back(r.keep(key));
    r.options.push_back(r.keep(value));
  }
  if (PyErr_Occurred())
    return false;
  r.raw.size = sizeof r.raw;
  r.raw.num_options = static_cast<uint32_t>(r.options.size() / 2);
  r.raw.kernel = r.keep(kernel);
  r.raw.target = r.keep(target);
  r.raw.emits = r.keep(emits);
  r.raw.options = r.options.data();
  return true;
}

WorkerRequest workerRequest(const Request &request, double timeout) {
  WorkerRequest w;
  w.kernel = view(request.raw.kernel);
  w.target = view(request.raw.target);
  w.emits = view(request.raw.emits);
  w.timeoutSeconds = timeout;
  for (size_t i = 0; i + 1 < request.options.size(); i += 2)
    w.options.emplace_back(view(request.options[i]), view(request.options[i + 1]));
  return w;
}

// bindings: [(name, type, has_constant, constant, divisibility)], options: [(key, value)].
bool fill(Request &r, HostSession &session, const char *kernel, PyObject *bindings, const char *target,
          const char *emits, PyObject *options) {
  for (Py_ssize_t i = 0, n = PyList_Size(bindings); i < n; ++i) {
    const char *name, *type;
    int hasConstant;
    PyObject *constant;
    long long divisibility;
    if (!PyArg_ParseTuple(PyList_GetItem(bindings, i), "sspOL", &name, &type, &hasConstant, &constant, &divisibility))
      return false;
    tsc_binding b = {};
    b.name = r.keep(name);
    b.type = r.keep(type);
    b.divisibility = divisibility;
    if (hasConstant) {
      tsc_host_value &value = r.constants.emplace_back();
      if (!toHost(constant, session.handles(), r.arena, value))
        return false;
      b.constant = &value;
    }
    r.bindings.push_back(b);
  }
  r.raw.num_bindings = static_cast<uint32_t>(r.bindings.size());
  r.raw.bindings = r.bindings.data();
  return fillOptions(r, kernel, target, emits, options);
}

// What all entry points do around the call: open, call without the GIL, close, pass interrupts on.
template <class Call>
PyObject *withSource(HostSession &session, const CompilerLibrary &library, PyObject *function, Call call) {
  Collected collected;
  tsc_sink sink = sinkFor(collected);
  uint64_t handle = session.handles().of(function);
  int32_t status;
  {
    GilRelease unlocked;
    tsc_source *source = library.sourceOpenFunction(session.host(), handle, &sink);
    status = source ? call(source, &sink) : TSC_USER_ERROR;
    if (source)
      library.sourceClose(source);
  }
  if (session.interrupted()) {
    PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(session.cause())), session.cause());
    return nullptr;
  }
  return resultOf(status, collected, session.cause());
}

// Frontend in this process, the rest in a worker.
int32_t compileSplit(const CompilerLibrary &library, const tsc_source *source, Request &request, const tsc_sink *sink,
                     double timeout, HostSession &session) {
  WorkerRequest w = workerRequest(request, timeout);
  bool isTimed = ("," + w.emits + ",").find(",timing,") != std::string::npos;
  auto frontend = [&](const std::vector<std::pair<std::string, std::string>> &more, std::string &tile) {
    std::vector<tsc_str> pairs = request.options;
    for (const auto &[key, value] : more) {
      pairs.push_back(view(std::string_view(key)));
      pairs.push_back(view(std::string_view(value)));
    }
    tsc_request r = request.raw;
    r.emits = view(std::string_view(isTimed ? "tile_bytes,timing" : "tile_bytes"));
    r.options = pairs.data();
    r.num_options = static_cast<uint32_t>(pairs.size() / 2);
    Collected collected;
    tsc_sink inner = sinkFor(collected);
    int32_t status = library.compile(source, &r, &inner);
    for (const auto &d : collected.diagnostics)
      sink->diag(sink->user, d.severity, view(std::string_view(d.text)), view(std::string_view(d.json)));
    for (auto &o : collected.outputs)
      if (o.kind == "tile_bytes")
        tile = std::move(o.bytes);
      else if (o.kind == "timing")
        sink->emit(sink->user, view(std::string_view(o.kind)), view(std::string_view(o.name)), o.bytes.data(),
                   o.bytes.size());
    return status;
  };
  auto interrupted = [&] {
    GilHold locked;
    return !session.checkSignals();
  };
  return compileInWorker(library, w, sink, frontend, interrupted);
}

// compile(function, kernel, bindings, target, emits, options, in_process=True, timeout=0)
PyObject *compile(PyObject *, PyObject *args) {
  PyObject *function, *bindings, *options;
  const char *kernel, *target, *emits;
  int inProcess = 1;
  double timeout = 0;
  if (!PyArg_ParseTuple(args, "OsO!ssO!|pd", &function, &kernel, &PyList_Type, &bindings, &target, &emits, &PyList_Type,
                        &options, &inProcess, &timeout))
    return nullptr;
  const CompilerLibrary *library = CompilerLibrary::load();
  if (!library)
    return nullptr;
  HostSession session(*library);
  Request request;
  if (!fill(request, session, kernel, bindings, target, emits, options))
    return nullptr;
  return withSource(session, *library, function, [&](tsc_source *source, tsc_sink *sink) {
    return inProcess ? library->compile(source, &request.raw, sink)
                     : compileSplit(*library, source, request, sink, timeout, session);
  });
}

// lower(tile, kernel, target, emits, options, in_process=True, timeout=0): as compile, from tile IR as bytes of text
PyObject *lower(PyObject *, PyObject *args) {
  PyObject *options;
  const char *tile, *kernel, *target, *emits;
  Py_ssize_t n;
  int inProcess = 1;
  double timeout = 0;
  if (!PyArg_ParseTuple(args, "y#sssO!|pd", &tile, &n, &kernel, &target, &emits, &PyList_Type, &options, &inProcess,
                        &timeout))
    return nullptr;
  const CompilerLibrary *library = CompilerLibrary::load();
  if (!library)
    return nullptr;
  Request request;
  if (!fillOptions(request, kernel, target, emits, options))
    return nullptr;
  Collected collected;
  tsc_sink sink = sinkFor(collected);
  bool interrupted = false;
  int32_t status;
  {
    GilRelease unlocked;
    if (inProcess) {
      status = library->lower(tile, static_cast<uint64_t>(n), &request.raw, &sink);
    } else {
      WorkerRequest w = workerRequest(request, timeout);
      status = lowerInWorker(*library, w, std::string(tile, static_cast<size_t>(n)), &sink, [&] {
        GilHold locked;
        return interrupted = interrupted || PyErr_CheckSignals() < 0;
      });
    }
  }
  if (interrupted)
    return nullptr;
  return resultOf(status, collected, nullptr);
}

// interpret(function, kernel, bindings, options, grid, values, print): values: [(is_pointer, bits or address, start, bytes)] with
// the memory that a pointer points into; print: a callable that takes text.
PyObject *interpret(PyObject *, PyObject *args) {
  PyObject *function, *bindings, *options, *grid, *values, *print;
  const char *kernel;
  if (!PyArg_ParseTuple(args, "OsO!O!O!O!O", &function, &kernel, &PyList_Type, &bindings, &PyList_Type, &options,
                        &PyTuple_Type, &grid, &PyList_Type, &values, &print))
    return nullptr;
  const CompilerLibrary *library = CompilerLibrary::load();
  if (!library)
    return nullptr;
  HostSession session(*library);
  Request request;
  if (!fill(request, session, kernel, bindings, "", "", options))
    return nullptr;
  std::vector<tsc_value> raw;
  for (Py_ssize_t i = 0, n = PyList_Size(values); i < n; ++i) {
    tsc_value v = {};
    int isPointer;
    unsigned long long bits, start, bytes;
    if (!PyArg_ParseTuple(PyList_GetItem(values, i), "pKKK", &isPointer, &bits, &start, &bytes))
      return nullptr;
    v.is_pointer = isPointer;
    v.bits = bits;
    v.buffer = isPointer ? reinterpret_cast<void *>(start) : nullptr;
    v.bytes = bytes;
    raw.push_back(v);
  }
  tsc_interpretation run = {};
  run.size = sizeof run;
  run.num_values = static_cast<uint32_t>(raw.size());
  run.values = raw.data();
  long long extents[3];
  if (!PyArg_ParseTuple(grid, "LLL", extents, extents + 1, extents + 2))
    return nullptr;
  std::memcpy(run.grid, extents, sizeof run.grid);
  run.user = print;
  run.print = [](void *user, const char *p, uint64_t n) {
    GilHold locked;
    Reference line = text({p, n});
    Reference done(line ? PyObject_CallFunctionObjArgs(static_cast<PyObject *>(user), line.get(), nullptr) : nullptr);
    if (!done)
      PyErr_WriteUnraisable(static_cast<PyObject *>(user));
  };
  return withSource(session, *library, function, [&](tsc_source *source, tsc_sink *sink) {
    return library->interpret(source, &request.raw, &run, sink);
  });
}

// What a compiled kernel depends on besides source and options, without loading anything: the files of the compiler and of the
// target's plugin, by size and time. plugin_build(target): text.
PyObject *pluginBuild(PyObject *, PyObject *args) {
  const char *target;
  if (!PyArg_ParseTuple(args, "s", &target))
    return nullptr;
  std::string out;
  {
    GilRelease unlocked;
    auto add = [&](const std::string &library) {
      struct stat st;
      if (!library.empty() && stat(library.c_str(), &st) == 0)
        out += library + ":" + std::to_string(st.st_size) + ":" + std::to_string(st.st_mtim.tv_sec) + "." +
               std::to_string(st.st_mtim.tv_nsec) + ";";
    };
    add(CompilerLibrary::folder() + "libtessera_compiler.so");
    auto options = plugin::RegistryOptions::standard([](const char *name) { return secure_getenv(name); });
    // The registry knows the folder of the code that it is linked into; the plugins lie beside libtessera.
    options.directories.push_back(CompilerLibrary::folder() + "tessera/plugins.d");
    plugin::Registry registry(std::move(options));
    if (auto resolved = registry.resolveOne(target); resolved) {
      add(resolved->candidate->manifest.compiler);
      add(resolved->candidate->manifest.driver);
    }
  }
  return text(out).release();
}

// Of the package's compiler alone, without loading it.
PyObject *buildId(PyObject *, PyObject *) {
  std::string path = CompilerLibrary::folder() + "libtessera_compiler.so";
  struct stat st;
  if (stat(path.c_str(), &st) != 0)
    return PyUnicode_FromString(tsr_version());
  return PyUnicode_FromFormat("%s:%lld:%lld.%ld", tsr_version(), static_cast<long long>(st.st_size),
                              static_cast<long long>(st.st_mtim.tv_sec), st.st_mtim.tv_nsec);
}

// ---- the cache -----------------------------------------------------------------------------------------------------

std::unique_ptr<runtime::ArtifactCache> openCache(const char *directory) {
  TsrCacheStats stats = {};
  stats.size = sizeof stats;
  // Asks for an empty folder's statistics: only place and limit are wanted, not a walk over the entries.
  if (tsr_cache_stats("/nonexistent", &stats) < 0)
    return nullptr;
  return std::make_unique<runtime::ArtifactCache>(directory, stats.limit_bytes);
}

bool digestOf(PyObject *fields, runtime::Digest &out) {
  runtime::Sha256 hash;
  for (Py_ssize_t i = 0, n = PyTuple_Size(fields); i < n; ++i) {
    std::string_view field = utf8(PyTuple_GetItem(fields, i));
    if (PyErr_Occurred())
      return false;
    hash.field(field);
  }
  out = hash.finish();
  return true;
}

// cache_find(directory, fields): bytes or None; cache_store(directory, fields, bytes): False where they could not be kept.
PyObject *cacheFind(PyObject *, PyObject *args) {
  const char *directory;
  PyObject *fields;
  runtime::Digest digest;
  if (!PyArg_ParseTuple(args, "sO!", &directory, &PyTuple_Type, &fields) || !digestOf(fields, digest))
    return nullptr;
  std::optional<std::vector<uint8_t>> found;
  bool opened = false;
  {
    GilRelease unlocked;
    if (auto cache = openCache(directory)) {
      opened = true;
      found = cache->find(digest);
    }
  }
  if (!opened)
    return PyErr_SetString(PyExc_ValueError, tsr_error_message()), nullptr;
  if (!found)
    Py_RETURN_NONE;
  return bytesOf(found->data(), found->size()).release();
}

PyObject *cacheStore(PyObject *, PyObject *args) {
  const char *directory, *bytes;
  Py_ssize_t n;
  PyObject *fields;
  runtime::Digest digest;
  if (!PyArg_ParseTuple(args, "sO!y#", &directory, &PyTuple_Type, &fields, &bytes, &n) || !digestOf(fields, digest))
    return nullptr;
  bool kept = false;
  {
    GilRelease unlocked;
    if (auto cache = openCache(directory))
      kept = cache->limitBytes() == 0 || // it is switched off: nothing is kept, and that is as asked
             cache->store(digest, {reinterpret_cast<const uint8_t *>(bytes), static_cast<size_t>(n)});
  }
  return PyBool_FromLong(kept);
}

PyObject *digest(PyObject *, PyObject *fields) {
  runtime::Digest out;
  if (!PyTuple_Check(fields)) {
    PyErr_SetString(PyExc_TypeError, "digest takes a tuple of str");
    return nullptr;
  }
  return digestOf(fields, out) ? text(runtime::hexText(out)).release() : nullptr;
}

PyObject *folder(PyObject *, PyObject *) { return text(CompilerLibrary::folder()).release(); }

} // namespace

PyMethodDef compilerFunctions[] = {
    {"compile", compile, METH_VARARGS,
     "compile(function, kernel, bindings, target, emits, options, in_process=True, timeout=0): (status, diagnostics, "
     "outputs, facts, cause)."},
    {"lower", lower, METH_VARARGS,
     "lower(tile, kernel, target, emits, options, in_process=True, timeout=0): as compile, from tile IR as text in "
     "bytes."},
    {"interpret", interpret, METH_VARARGS,
     "interpret(function, kernel, bindings, options, grid, values, print): runs the reference interpreter."},
    {"build_id", buildId, METH_NOARGS, "Changes with the compiler of this package."},
    {"plugin_build", pluginBuild, METH_VARARGS, "plugin_build(target): changes with the files of compiler and plugin."},
    {"cache_find", cacheFind, METH_VARARGS, "cache_find(directory, fields): the entry under these texts, or None."},
    {"cache_store", cacheStore, METH_VARARGS,
     "cache_store(directory, fields, bytes): False where it could not be kept."},
    {"digest", digest, METH_O, "SHA-256 of a tuple of texts, hexadecimal."},
    {"library_folder", folder, METH_NOARGS, "Where the shared libraries of the package are."},
    {nullptr, nullptr, 0, nullptr}};

} // namespace tessera::python
