// Library.cpp - from a file name to checked tables; a reason at every step
// SPDX-License-Identifier: Apache-2.0
#include "plugins/loader/Library.h"

#include <cstring>
#include <dlfcn.h>
#include <map>
#include <mutex>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TSR_HOST_SANITIZER TSR_SANITIZE_ADDRESS
#elif __has_feature(thread_sanitizer)
#define TSR_HOST_SANITIZER TSR_SANITIZE_THREAD
#endif
#endif
#ifndef TSR_HOST_SANITIZER
#define TSR_HOST_SANITIZER 0u
#endif

namespace tessera::plugin {

namespace {

template <typename T> constexpr uint32_t firstSize = 0;
#define TSR_STRUCT(type, first, last, Kind) template <> constexpr uint32_t firstSize<type> = first;
#include "plugins/abi/structs.def"

std::string versionText(uint32_t v) { return std::to_string(v >> 16) + "." + std::to_string(v & 0xffff); }

// Text of a note's field, which a hostile file need not have terminated.
template <size_t N> std::string fieldText(const char (&field)[N]) { return {field, strnlen(field, N)}; }

bool saneText(tsr_str s) { return s.n <= 4096 && (s.p || s.n == 0); }

const std::string &libraryOf(const Manifest &m, Role role) { return role == Role::Compiler ? m.compiler : m.driver; }

std::string checkNote(const Manifest &m, Role role, const HostFacts &host, const LibraryFacts &facts) {
  const tsr_note &n = facts.note;
  if (!facts.hasNote)
    return "is no Tessera plugin: it has no note of one";
  if (std::memcmp(n.magic, TSR_NOTE_MAGIC, sizeof n.magic) != 0)
    return "has a plugin note with the wrong magic";
  if (n.abi_major != TSR_ABI_MAJOR)
    return "was built for major " + std::to_string(n.abi_major) + " of the plugin ABI, this host has " +
           std::to_string(TSR_ABI_MAJOR);
  if (n.size < sizeof n)
    return "has a plugin note of " + std::to_string(n.size) + " bytes instead of " + std::to_string(sizeof n);
  std::string build = fieldText(n.abi_build), name = fieldText(n.name), version = fieldText(n.version);
  if (build != TSR_ABI_BUILD)
    return "(" + name + " " + version + ") was built for plugin ABI " + build +
           ", this host has " TSR_ABI_BUILD ": rebuild the plugin";
  if (name != m.name || version != m.version)
    return "says that it is " + name + " " + version + ", its manifest says " + m.name + " " + m.version;
  if (!(n.roles & static_cast<uint32_t>(role)))
    return "does not have the " + std::string(roleName(role)) + " role that its manifest names it for";
  if (n.sanitizer != TSR_HOST_SANITIZER)
    return "was built with other sanitizers than this program";
  if (role == Role::Compiler && (n.ir_min > n.ir_max || n.ir_max < host.irMin || n.ir_min > host.irMax))
    return "reads bytecode " + versionText(n.ir_min) + " to " + versionText(n.ir_max) + ", this host writes " +
           versionText(host.irMin) + " to " + versionText(host.irMax);
  return {};
}

struct LogTarget {
  std::mutex mutex;
  std::function<void(int32_t, std::string_view, std::string_view)> log;
};
LogTarget &logTarget() {
  static auto *target = new LogTarget; // plugins may log while the process exits
  return *target;
}
void hostLog(void *, int32_t severity, tsr_str component, tsr_str message) {
  LogTarget &t = logTarget();
  std::lock_guard lock(t.mutex);
  if (t.log && saneText(component))
    t.log(severity, view(component), view(message));
}
const void *hostExtension(void *, const char *, uint32_t) { return nullptr; }

const tsr_host_api *hostApi(const HostFacts &facts) {
  struct Host {
    std::string version;
    tsr_host_api api{};
  };
  // Plugins keep the pointer for the life of the process; hosts with equal facts share one.
  static std::mutex mutex;
  static auto *made = new std::vector<Host *>;
  std::lock_guard lock(mutex);
  for (Host *h : *made)
    if (h->version == facts.version && h->api.ir_min == facts.irMin && h->api.ir_max == facts.irMax)
      return &h->api;
  auto *h = new Host;
  h->version = facts.version;
  h->api.h.size = sizeof h->api;
  h->api.abi_minor = TSR_ABI_MINOR;
  h->api.ir_min = facts.irMin;
  h->api.ir_max = facts.irMax;
  h->api.host_version = str(h->version);
  h->api.abi_build = str(TSR_ABI_BUILD);
  h->api.log = hostLog;
  h->api.get_extension = hostExtension;
  made->push_back(h);
  return &h->api;
}

// Missing required slots and half-filled groups of one table, by name.
struct SlotCheck {
  std::string missing;
  unsigned events = 0, eventSlots = 0, graphs = 0, graphSlots = 0;

  void required(bool there, const char *table, const char *slot) {
    if (!there)
      missing += std::string(missing.empty() ? "" : ", ") + table + "." + slot;
  }
  std::string text() const {
    if (!missing.empty())
      return "lacks the required functions " + missing;
    if (events != 0 && events != eventSlots)
      return "has " + std::to_string(events) + " of the " + std::to_string(eventSlots) +
             " functions of group event: all or none";
    if (graphs != 0 && graphs != graphSlots)
      return "has " + std::to_string(graphs) + " of the " + std::to_string(graphSlots) +
             " functions of group graph: all or none";
    return {};
  }
};

std::string checkSlots(const tsr_plugin_api &api) {
  SlotCheck c;
  const tsr_target_api *target = api.target;
  const tsr_compiler_api *compiler = api.compiler;
  const tsr_driver_api *driver = api.driver;
#define TSR_SLOT(table, slot, Need)                                                                                    \
  if (table) {                                                                                                         \
    enum { Required, Optional, Layout, Event, Graph };                                                                 \
    bool there = TSR_HAS(std::remove_const_t<std::remove_pointer_t<decltype(table)>>, table, slot);                    \
    if (Need == Required)                                                                                              \
      c.required(there, #table, #slot);                                                                                \
    if (Need == Event)                                                                                                 \
      ++c.eventSlots, c.events += there;                                                                               \
    if (Need == Graph)                                                                                                 \
      ++c.graphSlots, c.graphs += there;                                                                               \
  }
#include "plugins/abi/slots.def"
  return c.text();
}

Failure refused(const Manifest &m, const std::string &library, const std::string &why) {
  return {DiagId::PluginRefused, "plugin " + m.name + ": " + (library.empty() ? m.path : library) + " " + why, {}};
}

} // namespace

std::string statusName(tsr_status status) {
  static constexpr const char *names[] = {"OK",         "INVALID",     "UNSUPPORTED",   "NOT_FOUND",   "OOM_HOST",
                                          "OOM_DEVICE", "TOO_NEW",     "TOO_OLD",       "CAPTURE",     "CANCELLED",
                                          "TIMEOUT",    "DEVICE_LOST", "LAUNCH_FAILED", "UNAVAILABLE", "BAD_ARTIFACT",
                                          "INTERNAL",   "ASSERT"};
  if (status == TSR_NOT_READY)
    return "NOT_READY";
  if (status <= 0 && status > -static_cast<tsr_status>(std::size(names)))
    return names[-status];
  return "INTERNAL (status " + std::to_string(status) + ", which the ABI does not know)";
}

std::string_view roleName(Role role) { return role == Role::Compiler ? "compiler" : "driver"; }

void setPluginLog(std::function<void(int32_t, std::string_view, std::string_view)> log) {
  LogTarget &t = logTarget();
  std::lock_guard lock(t.mutex);
  t.log = std::move(log);
}

std::string Library::inspect(const Manifest &manifest, Role role, const HostFacts &host, LibraryFacts &facts) {
  std::string problem = readLibraryFacts(libraryOf(manifest, role), facts);
  if (problem.empty())
    problem = checkNote(manifest, role, host, facts);
  if (problem.empty()) {
    std::vector<std::string> lint = lintLibrary(facts);
    for (const std::string &l : lint)
      problem += (problem.empty() ? "" : "; ") + l;
  }
  return problem;
}

std::string Library::negotiate(const HostFacts &host, void *function) {
  tsr_negotiate io{};
  io.h.size = sizeof io;
  io.host = hostApi(host);
  auto call = reinterpret_cast<tsr_negotiate_fn>(function);
  bool threw = false;
  tsr_status s = contain([&] { return call(&io); }, &threw);
  if (threw)
    return "threw a C++ exception out of " TSR_NEGOTIATE_SYMBOL;
  if (s != TSR_OK) {
    std::string reason = saneText(io.reason) ? std::string(view(io.reason)) : std::string();
    return "refuses this host: " + (reason.empty() ? "no reason given" : reason) + " (" + statusName(s) + ")";
  }
  if (!io.api)
    return "negotiated, but gave no table";
  if (io.api->h.size < firstSize<tsr_plugin_api>)
    return "gave a table of " + std::to_string(io.api->h.size) + " bytes, the first version has " +
           std::to_string(firstSize<tsr_plugin_api>);
  api_ = io.api;
  return {};
}

std::string Library::checkTables(const LibraryFacts &facts) const {
  for (tsr_str s : {api_->name, api_->vendor, api_->version, api_->build_id, api_->cts_level})
    if (!saneText(s))
      return "gave a table with a NULL or endless text in it";
  if (view(api_->name) != name_ || view(api_->version) != version_)
    return "says " + name_ + " " + version_ + " in its note, but " + std::string(view(api_->name)) + " " +
           std::string(view(api_->version)) + " in its table";
  uint32_t roles = (api_->compiler ? TSR_ROLE_COMPILER : 0u) | (api_->driver ? TSR_ROLE_DRIVER : 0u);
  if (roles != facts.note.roles)
    return "has other roles in its table than in its note";
  if (api_->compiler && !api_->target)
    return "has the compiler role without a table of targets";
  for (const tsr_hdr *h : {api_->target ? &api_->target->h : nullptr, api_->compiler ? &api_->compiler->h : nullptr,
                           api_->driver ? &api_->driver->h : nullptr})
    if (h && h->size < sizeof(tsr_hdr))
      return "gave a table of functions without a size";
  return checkSlots(*api_);
}

Expected<const Library *> Library::load(const Manifest &manifest, Role role, const HostFacts &host) {
  const std::string &path = libraryOf(manifest, role);
  if (path.empty())
    return refused(manifest, {}, "names no library with the " + std::string(roleName(role)) + " role");
  LibraryFacts facts;
  std::string problem = inspect(manifest, role, host, facts);
  if (!problem.empty())
    return refused(manifest, path, problem);
  // One negotiation and one init a process, however many registries there are; libraries live for ever (R8).
  static std::mutex mutex;
  static auto *loaded = new std::map<std::string, const Library *>;
  std::lock_guard lock(mutex);
  if (auto it = loaded->find(path); it != loaded->end())
    return it->second;
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle) {
    const char *text = dlerror();
    return refused(manifest, path, std::string("cannot be loaded: ") + (text ? text : "no reason given"));
  }
  void *function = dlsym(handle, TSR_NEGOTIATE_SYMBOL);
  if (!function)
    return refused(manifest, path, "does not export " TSR_NEGOTIATE_SYMBOL);
  std::unique_ptr<Library> lib(new Library);
  lib->path_ = path;
  lib->name_ = fieldText(facts.note.name);
  lib->version_ = fieldText(facts.note.version);
  lib->buildId_ = fieldText(facts.note.build_id);
  if (lib->buildId_.empty())
    lib->buildId_ = facts.gnuBuildId;
  lib->irMin_ = facts.note.ir_min;
  lib->irMax_ = facts.note.ir_max;
  problem = lib->negotiate(host, function);
  if (problem.empty())
    problem = lib->checkTables(facts);
  if (problem.empty() && TSR_HAS(tsr_plugin_api, lib->api_, init)) {
    MessageSink sink;
    bool threw = false;
    tsr_status s = contain([&] { return lib->api_->init(sink.raw(), nullptr, 0); }, &threw);
    if (threw)
      problem = "threw a C++ exception out of init";
    else if (s < 0)
      problem =
          "cannot start: " + statusName(s) + ": " + (sink.firstError().empty() ? "no reason given" : sink.firstError());
  }
  if (!problem.empty())
    return refused(manifest, path, problem);
  return loaded->emplace(path, lib.release()).first->second;
}

std::string Library::lastError() const {
  if (!TSR_HAS(tsr_plugin_api, api_, last_error))
    return {};
  tsr_str s{};
  contain([&] {
    s = api_->last_error();
    return TSR_OK;
  });
  return saneText(s) ? std::string(view(s)) : std::string();
}

Failure Library::failure(std::string_view what, tsr_status status, DiagId id) const {
  std::string text = lastError();
  return {id,
          "plugin " + name_ + ": " + std::string(what) + ": " + (text.empty() ? "no reason given" : text) + " (" +
              statusName(status) + ")",
          {}};
}

MessageSink::MessageSink() {
  sink_.h.size = sizeof sink_;
  sink_.user = this;
  sink_.diag = [](void *user, const tsr_diag *d) {
    auto *self = static_cast<MessageSink *>(user);
    // A plugin that floods is cut off; one that lies about sizes is not believed.
    if (!d || d->h.size < firstSize<tsr_diag> || self->messages.size() >= 1000)
      return;
    auto text = [](tsr_str s) { return s.p && s.n <= (1u << 20) ? std::string(s.p, s.n) : std::string(); };
    self->messages.push_back({d->severity, text(d->message), text(d->file), text(d->ir_op), d->line, d->col, d->depth});
  };
  sink_.emit = [](void *user, uint32_t kind, tsr_str name, tsr_bytes bytes) -> tsr_status {
    auto *self = static_cast<MessageSink *>(user);
    if (!saneText(name) || (!bytes.p && bytes.n))
      return TSR_E_INVALID;
    if (bytes.n > self->maxBytes - self->bytes_)
      return TSR_E_OOM_HOST;
    try {
      self->blobs.push_back({kind, std::string(view(name)), std::string(static_cast<const char *>(bytes.p), bytes.n)});
    } catch (const std::bad_alloc &) {
      return TSR_E_OOM_HOST;
    }
    self->bytes_ += bytes.n;
    return TSR_OK;
  };
  sink_.cancelled = [](void *user) -> int32_t {
    auto *self = static_cast<MessageSink *>(user);
    return self->cancelled && self->cancelled() ? 1 : 0;
  };
}

std::string MessageSink::firstError() const {
  for (const Message &m : messages)
    if (m.severity == TSR_SEV_ERROR)
      return m.text;
  return {};
}

} // namespace tessera::plugin
