// CompileClient.cpp - jobs as their owners see them
// SPDX-License-Identifier: Apache-2.0
#include "frontends/worker/CompileClient.h"

#include "frontends/worker/Pool.h"
#include "frontends/worker/Reproducer.h"
#include "plugins/loader/ElfNote.h"
#include "plugins/loader/Manifest.h"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace tessera::worker {

namespace {

uint32_t severityNumber(Severity s) {
  return s == Severity::Error ? 0 : s == Severity::Warning ? 1 : s == Severity::Note ? 2 : 3;
}

struct Deliver {
  const tsc_sink *sink;
  void operator()(const StageMessage &m) const {
    if (sink->size >= offsetof(tsc_sink, stage) + sizeof sink->stage && sink->stage)
      sink->stage(sink->user, view(m.stage), view(m.plugin));
  }
  void operator()(const DiagMessage &m) const {
    if (sink->diag)
      sink->diag(sink->user, m.severity, view(m.text), view(m.json));
  }
  void operator()(const EmitMessage &m) const {
    if (sink->emit)
      sink->emit(sink->user, view(m.kind), view(m.name), m.bytes.data(), m.bytes.size());
  }
  void operator()(const KernelMessage &m) const { m.give(*sink); }
};

// The handle of the last CompileJob: what nobody can ask about any more is not worth finishing.
struct Handle {
  std::shared_ptr<CompileJob::State> state;
  ~Handle() { CompileJob(state).cancel(); }
};

CompileJob handleOf(std::shared_ptr<CompileJob::State> state) {
  auto handle = std::make_shared<Handle>();
  handle->state = std::move(state);
  CompileJob::State *raw = handle->state.get();
  return CompileJob(std::shared_ptr<CompileJob::State>(std::move(handle), raw));
}

std::shared_ptr<CompileJob::State> makeState(CompileClient::Pool &pool, CompileJob::State::Kind kind) {
  static std::atomic<uint64_t> nextJob{1};
  auto state = std::make_shared<CompileJob::State>();
  state->kind = kind;
  state->id = nextJob++;
  state->pid = pool.pid;
  state->wakeUp = pool.wakeUp;
  state->lower.timeoutSeconds = pool.options.loadSeconds; // what a Lower is given replaces it
  return state;
}

// A worker keeps the current folder that it was started in; the caller may have gone elsewhere since.
std::string absolute(const std::string &path) {
  if (path.empty() || path[0] == '/')
    return path;
  std::error_code error;
  std::filesystem::path whole = std::filesystem::absolute(path, error);
  return error ? path : whole.string();
}

std::vector<std::string> absolute(std::vector<std::string> paths) {
  for (std::string &p : paths)
    p = absolute(p);
  return paths;
}

ClientOptions completed(ClientOptions o) {
  if (o.program.empty())
    if (const char *given = secure_getenv("TESSERA_WORKER_PROGRAM"))
      o.program = given;
  // A library that only the system's search path knows has no "beside"; the current folder must not stand in for it.
  if (o.compilerLibrary.find('/') != std::string::npos)
    o.compilerLibrary = absolute(o.compilerLibrary);
  size_t slash = o.compilerLibrary.rfind('/');
  if (o.program.empty() && slash != std::string::npos)
    o.program = o.compilerLibrary.substr(0, slash + 1) + "tessera-worker";
  if (o.reproducers.empty())
    o.reproducers = standardReproducerFolder();
  return o;
}

std::string factsKey(const std::string &target, const std::vector<std::string> &manifests) {
  std::string key = target;
  for (const std::string &m : manifests)
    key += '\0' + m;
  return key;
}

} // namespace

bool CompileJob::State::ofThisProcess() const { return pid == getpid(); }

std::string CompileJob::State::what() const {
  if (kind == Kind::Vet)
    return "loading the " + vet.role + " library of " + vet.manifest;
  return kind == Kind::Lower ? "the compile of kernel '" + lower.kernel + "' for target '" + lower.target + "'"
                             : "loading the plugin of target '" + factsRequest.target + "'";
}

void CompileJob::State::add(JobEvent event, uint64_t bytes) {
  {
    std::lock_guard lock(mutex);
    eventBytes += bytes;
    events.push_back(std::move(event));
  }
  changed.notify_all();
}

void CompileJob::State::add(DiagMessage m) {
  if (kind == Kind::Facts) {
    std::lock_guard lock(mutex);
    kept.push_back(std::move(m));
    return;
  }
  uint64_t bytes = m.text.size() + m.json.size();
  add(JobEvent(std::move(m)), bytes);
}

void CompileJob::State::add(const Diagnostic &d) {
  add(DiagMessage{id, severityNumber(d.severity), renderDiagnostic(d, colour()), renderDiagnosticJson(d)});
}

void CompileJob::State::finish(int32_t with) {
  // Under the lock: the waiter may drop the last reference as soon as it is released.
  std::lock_guard lock(mutex);
  status = with;
  done = true;
  changed.notify_all();
}

bool CompileJob::wait(const tsc_sink *sink, std::chrono::milliseconds atMost) {
  State *s = state_.get();
  if (!s || !s->ofThisProcess())
    return true;
  using Clock = std::chrono::steady_clock;
  bool forEver = atMost == kForever;
  Clock::time_point until = Clock::now() + (forEver ? std::chrono::milliseconds(0) : atMost);
  for (;;) {
    std::deque<JobEvent> events;
    bool done;
    {
      std::unique_lock lock(s->mutex);
      auto something = [&] { return s->done || !s->events.empty(); };
      if (forEver)
        s->changed.wait(lock, something);
      else
        s->changed.wait_until(lock, until, something);
      events.swap(s->events);
      s->eventBytes = 0;
      done = s->done;
    }
    if (sink)
      for (const JobEvent &e : events)
        std::visit(Deliver{sink}, e);
    if (done)
      return true;
    if (!forEver && Clock::now() >= until)
      return false;
  }
}

int32_t CompileJob::status() const {
  if (!state_)
    return TSC_INTERNAL;
  if (!state_->ofThisProcess())
    return kCancelled;
  std::lock_guard lock(state_->mutex);
  return state_->status;
}

void CompileJob::cancel() {
  if (!state_ || !state_->ofThisProcess())
    return;
  state_->cancelled = true;
  state_->wakeUp->signal();
}

std::pair<std::string, std::string> CompileJob::stage() const {
  if (!state_ || !state_->ofThisProcess())
    return {};
  std::lock_guard lock(state_->mutex);
  return {state_->stage, state_->plugin};
}

CompileClient::CompileClient(ClientOptions options) : pool_(new Pool(completed(std::move(options)))) {}

CompileClient::~CompileClient() {
  Pool *p = pool_.load();
  // A forked child has no thread to join and no children to kill: the parent's pool is only left alone.
  if (!p->isForeign())
    delete p;
}

bool CompileClient::isInstalled(const ClientOptions &options) {
  std::string program = completed(options).program;
  return !program.empty() && access(program.c_str(), X_OK) == 0;
}

CompileClient &CompileClient::ofProcess(const ClientOptions &options) {
  // Never destroyed: other static objects may compile while the process ends; its end ends the workers.
  static auto *client = new CompileClient(options);
  return *client;
}

CompileClient::Pool &CompileClient::pool() const {
  Pool *p = pool_.load();
  if (!p->isForeign())
    return *p;
  p->abandon();
  auto *own = new Pool(p->options);
  if (pool_.compare_exchange_strong(p, own))
    return *own;
  delete own;
  return *p;
}

CompileJob CompileClient::submit(LowerRequest request) {
  Pool &p = pool();
  auto state = makeState(p, CompileJob::State::Kind::Lower);
  state->lower = std::move(request);
  for (auto &[key, value] : state->lower.options)
    if (key == "plugin" || key == "dump_dir")
      value = absolute(value);
  p.submit(state);
  return handleOf(std::move(state));
}

CompileJob CompileClient::askFacts(Pool &p, const std::string &target,
                                   const std::vector<std::string> &manifests) const {
  std::lock_guard lock(p.factsMutex);
  CompileJob &job = p.facts[factsKey(target, manifests)];
  if (!job) {
    auto state = makeState(p, CompileJob::State::Kind::Facts);
    state->factsRequest = {state->id, 0, target, manifests};
    p.submit(state);
    job = handleOf(std::move(state));
  }
  return job;
}

void CompileClient::prepare(const std::string &target, const std::vector<std::string> &manifests) {
  askFacts(pool(), target, absolute(manifests));
}

std::optional<TargetFacts> CompileClient::targetFacts(const std::string &target,
                                                      const std::vector<std::string> &manifests, const tsc_sink *sink,
                                                      int32_t *status, const std::function<bool()> &interrupted) {
  Pool &p = pool();
  std::vector<std::string> paths = absolute(manifests);
  CompileJob job = askFacts(p, target, paths);
  while (!job.wait(nullptr, interrupted ? std::chrono::milliseconds(20) : CompileJob::kForever))
    if (interrupted()) {
      if (status)
        *status = kCancelled;
      return std::nullopt;
    }
  int32_t code = job.status();
  if (status)
    *status = code;
  if (code != TSC_OK) {
    // The next call asks again.
    std::lock_guard lock(p.factsMutex);
    auto it = p.facts.find(factsKey(target, paths));
    if (it != p.facts.end() && it->second.state_ == job.state_)
      p.facts.erase(it);
  }
  std::vector<DiagMessage> diags;
  FactsMessage f;
  {
    std::lock_guard lock(job.state_->mutex);
    diags = job.state_->kept;
    f = job.state_->facts;
  }
  if (sink)
    for (const DiagMessage &d : diags)
      Deliver{sink}(d);
  if (code != TSC_OK)
    return std::nullopt;
  return TargetFacts{f.name, f.plugin, f.pluginVersion, f.pluginBuild, f.unsupportedFp8, f.takesLayouts != 0};
}

int32_t CompileClient::vetLibrary(const std::string &manifest, const std::string &role, const tsc_sink *sink,
                                  const std::function<bool()> &interrupted) {
  Pool &p = pool();
  // By build id: the same bytes need no second look. A library without one is looked at every time.
  std::string known;
  if (auto read = plugin::readManifest(manifest)) {
    plugin::LibraryFacts facts;
    const std::string &library = role == "driver" ? read->driver : read->compiler;
    if (plugin::readLibraryFacts(library, facts).empty() && !facts.gnuBuildId.empty() && !p.options.reproducers.empty())
      known = p.options.reproducers.substr(0, p.options.reproducers.rfind('/') + 1) + "vetted/" + facts.gnuBuildId +
              "-" + role;
  }
  if (!known.empty() && access(known.c_str(), F_OK) == 0)
    return TSC_OK;
  auto state = makeState(p, CompileJob::State::Kind::Vet);
  state->vet = {state->id, 0, absolute(manifest), role};
  p.submit(state);
  CompileJob job = handleOf(std::move(state));
  if (!interrupted)
    job.wait(sink);
  else
    while (!job.wait(sink, std::chrono::milliseconds(20)))
      if (interrupted())
        job.cancel();
  int32_t status = job.status();
  if (status == TSC_OK && !known.empty()) {
    std::string folder = known.substr(0, known.rfind('/'));
    mkdir(folder.substr(0, folder.rfind('/')).c_str(), 0700);
    mkdir(folder.c_str(), 0700);
    if (int fd = open(known.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600); fd >= 0)
      close(fd);
  }
  return status;
}

CompileClient::Counts CompileClient::counts() const { return pool().counts(); }

} // namespace tessera::worker
