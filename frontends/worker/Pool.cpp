// Pool.cpp - which worker gets which job, and what becomes of both
// SPDX-License-Identifier: Apache-2.0
#include "frontends/worker/Pool.h"

#include "frontends/worker/Reproducer.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace tessera::worker {

namespace {

// Loading the compiler library takes milliseconds; a machine under load may need much longer.
constexpr auto kStartLimit = std::chrono::seconds(60);
// Outputs of one job that nobody has fetched yet.
constexpr uint64_t kEventLimit = uint64_t(2) << 30;

// What a dying process said: the line that says why, else its last one.
std::string lastWords(const std::string &log) {
  for (const char *mark : {"LLVM ERROR", "Assertion", "terminate called", "what():", "==ERROR"})
    if (size_t at = log.find(mark); at != std::string::npos) {
      size_t begin = log.rfind('\n', at) + 1;
      return log.substr(begin, std::min<size_t>(log.find('\n', at) - begin, 300));
    }
  size_t end = log.find_last_not_of(" \n\t");
  if (end == std::string::npos)
    return {};
  size_t begin = log.rfind('\n', end) + 1;
  return log.substr(begin, std::min<size_t>(end + 1 - begin, 300));
}

std::string seconds(double s) {
  char text[32];
  std::snprintf(text, sizeof text, "%g s", s);
  return text;
}

Diagnostic diagnostic(DiagId id, std::string message, std::string help = {}) {
  DiagnosticList list;
  return list.add(id, {}, std::move(message), std::move(help));
}

// What TESSERA_COMPILE_WORKERS says, at most 200; 0 where it is unset or empty; none: it is no number of at least 1.
std::optional<unsigned> workersOfEnvironment() {
  const char *given = secure_getenv("TESSERA_COMPILE_WORKERS");
  std::string_view text = given ? given : "";
  if (text.empty())
    return 0;
  uint64_t n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument || (n == 0 && error == std::errc()))
    return std::nullopt;
  return error == std::errc::result_out_of_range ? 200u : static_cast<unsigned>(std::min<uint64_t>(n, 200));
}

} // namespace

WakeUp::WakeUp() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
WakeUp::~WakeUp() { close(fd_); }
void WakeUp::signal() const {
  uint64_t one = 1;
  (void)!write(fd_, &one, sizeof one);
}
void WakeUp::clear() const {
  uint64_t count;
  (void)!read(fd_, &count, sizeof count);
}

CompileClient::Pool::Pool(ClientOptions given) : options(std::move(given)), pid(getpid()) {
  for (auto &fd : descriptors_)
    fd = -1;
  remember(wakeUp->fd());
}

CompileClient::Pool::~Pool() {
  std::thread thread;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    thread.swap(thread_);
  }
  wakeUp->signal();
  if (thread.joinable())
    thread.join();
}

bool CompileClient::Pool::isForeign() const { return pid != getpid(); }

void CompileClient::Pool::abandon() {
  for (auto &fd : descriptors_)
    if (int open = fd.exchange(-1); open >= 0)
      close(open);
}

void CompileClient::Pool::remember(int fd) {
  for (auto &slot : descriptors_)
    if (int free = -1; slot.compare_exchange_strong(free, fd))
      return;
}

void CompileClient::Pool::forget(int fd) {
  for (auto &slot : descriptors_)
    if (int mine = fd; slot.compare_exchange_strong(mine, -1))
      return;
}

unsigned CompileClient::Pool::limit() const {
  if (options.maxWorkers)
    return options.maxWorkers;
  if (unsigned n = workersOfEnvironment().value_or(0))
    return n;
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(std::max(1, CPU_COUNT(&set))) : 1;
}

void CompileClient::Pool::submit(std::shared_ptr<CompileJob::State> job) {
  if (!options.maxWorkers && !workersOfEnvironment()) {
    job->add(diagnostic(DiagId::BadUsage,
                        std::string("TESSERA_COMPILE_WORKERS is `") + secure_getenv("TESSERA_COMPILE_WORKERS") +
                            "`, not a number of workers",
                        "give a number of at least 1, or unset it: then there are as many as processors"));
    job->finish(TSC_USAGE);
    return;
  }
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
    counts_.queued = static_cast<unsigned>(queue_.size());
    if (!thread_.joinable()) {
      // Signals are for the host's own threads.
      sigset_t all, before;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
      std::string failure;
      try {
        thread_ = std::thread([this] { run(); });
      } catch (const std::system_error &e) {
        failure = e.what();
      }
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      if (!thread_.joinable()) {
        job = queue_.back();
        queue_.pop_back();
        job->add(diagnostic(DiagId::WorkerUnavailable, "no thread can be started for the compile workers: " + failure));
        job->finish(TSC_UNAVAILABLE);
        return;
      }
    }
  }
  wakeUp->signal();
}

CompileClient::Counts CompileClient::Pool::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

void CompileClient::Pool::run() {
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (stop_)
        break;
    }
    dispatch();
    poll();
  }
  std::deque<std::shared_ptr<CompileJob::State>> left;
  {
    std::lock_guard lock(mutex_);
    left.swap(queue_);
  }
  for (auto &w : workers_) {
    w->process->kill();
    if (w->job)
      left.push_back(std::move(w->job));
  }
  for (const auto &job : left) {
    job->add(diagnostic(DiagId::CompileCancelled, job->what() + " was cancelled"));
    job->finish(kCancelled);
  }
  workers_.clear();
}

// Jobs in order to workers, as long as there are any.
void CompileClient::Pool::dispatch() {
  for (;;) {
    std::shared_ptr<CompileJob::State> job;
    {
      std::lock_guard lock(mutex_);
      unsigned idle = 0;
      for (const auto &w : workers_)
        idle += !w->job;
      counts_.workers = static_cast<unsigned>(workers_.size());
      counts_.idle = idle;
      std::erase_if(queue_, [&](const auto &j) {
        if (!j->cancelled)
          return false;
        j->add(diagnostic(DiagId::CompileCancelled, j->what() + " was cancelled before it began"));
        j->finish(kCancelled);
        return true;
      });
      counts_.queued = static_cast<unsigned>(queue_.size());
      if (queue_.empty())
        return;
      job = queue_.front();
    }
    Worker *worker = choose(*job);
    if (!worker && (workers_.size() < limit() || job->kind == CompileJob::State::Kind::Vet)) {
      worker = start(*job);
      if (!worker) { // the job has its diagnostic
        std::lock_guard lock(mutex_);
        queue_.pop_front();
        continue;
      }
    }
    if (!worker)
      return;
    {
      std::lock_guard lock(mutex_);
      queue_.pop_front();
    }
    give(*worker, std::move(job));
  }
}

// An idle one: best one that has the target's plugin loaded. A library is vetted in a worker of its own.
CompileClient::Pool::Worker *CompileClient::Pool::choose(const CompileJob::State &job) {
  if (job.kind == CompileJob::State::Kind::Vet)
    return nullptr;
  Worker *any = nullptr;
  for (const auto &w : workers_) {
    if (w->job || !w->gone.empty())
      continue;
    if (w->target == job.targetName())
      return w.get();
    any = any ? any : w.get();
  }
  return any;
}

CompileClient::Pool::Worker *CompileClient::Pool::start(CompileJob::State &job) {
  std::string error;
  auto process = WorkerProcess::spawn(options.program, options.compilerLibrary, error);
  if (!process) {
    job.add(diagnostic(DiagId::WorkerUnavailable, "the compile worker cannot be started: " + error));
    job.finish(TSC_UNAVAILABLE);
    return nullptr;
  }
  auto worker = std::make_unique<Worker>();
  worker->descriptors = {process->socket(), process->logPipe()};
  for (int fd : worker->descriptors)
    remember(fd);
  worker->process = std::move(process);
  worker->startBy = Clock::now() + kStartLimit;
  workers_.push_back(std::move(worker));
  std::lock_guard lock(mutex_);
  ++counts_.spawned;
  return workers_.back().get();
}

void CompileClient::Pool::give(Worker &worker, std::shared_ptr<CompileJob::State> job) {
  using Kind = CompileJob::State::Kind;
  bool sent = false;
  worker.jobBy = Clock::time_point::max();
  if (double limit = job->lower.timeoutSeconds; limit > 0)
    worker.jobBy =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(limit, 1e8)));
  switch (job->kind) {
  case Kind::Lower: {
    LowerRequest &r = job->lower;
    LowerMessage m{job->id, r.colour, r.kernel, r.target, r.emits, r.options, std::move(r.tileBytes)};
    sent = worker.process->send(MessageType::Lower, m.encode());
    r.tileBytes = std::move(m.tileBytes); // kept for the reproducer
    break;
  }
  case Kind::Facts:
    sent = worker.process->send(MessageType::TargetFacts, job->factsRequest.encode());
    break;
  case Kind::Vet:
    sent = worker.process->send(MessageType::VetLibrary, job->vet.encode());
    break;
  }
  worker.target = job->targetName();
  worker.job = std::move(job);
  if (!sent)
    worker.gone = "ended";
}

void CompileClient::Pool::poll() {
  std::vector<pollfd> fds{{wakeUp->fd(), POLLIN, 0}};
  Clock::time_point next = Clock::time_point::max();
  for (const auto &w : workers_) {
    short events = POLLIN | (w->process->hasUnsent() ? POLLOUT : 0);
    fds.push_back({w->process->socket(), events, 0});
    fds.push_back({w->process->logPipe(), POLLIN, 0});
    if (!w->ready)
      next = std::min(next, w->startBy);
    if (w->job)
      next = std::min(next, w->jobBy);
    if (!w->gone.empty())
      next = Clock::now();
  }
  int wait = -1;
  if (next != Clock::time_point::max())
    wait = static_cast<int>(std::clamp<int64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now()).count() + 1, 0, 3600 * 1000));
  if (::poll(fds.data(), fds.size(), wait) < 0 && errno != EINTR)
    usleep(1000); // out of kernel memory: nothing better to do than to try again
  if (fds[0].revents)
    wakeUp->clear();
  for (size_t i = 0; i < workers_.size(); ++i) {
    serve(*workers_[i], fds[2 * i + 1].revents, fds[2 * i + 2].revents);
    checkLimits(*workers_[i]);
  }
  for (auto &w : workers_)
    if (!w->gone.empty())
      bury(*w);
  std::erase_if(workers_, [](const auto &w) { return !w->gone.empty(); });
}

void CompileClient::Pool::serve(Worker &worker, short socketEvents, short logEvents) {
  if (logEvents)
    worker.process->readLog();
  if (!worker.gone.empty())
    return;
  if (socketEvents & POLLOUT && !worker.process->flush())
    worker.gone = "ended";
  if (!(socketEvents & (POLLIN | POLLHUP | POLLERR)))
    return;
  bool alive = worker.process->receive();
  while (worker.gone.empty()) {
    std::optional<Frame> frame = worker.process->nextFrame();
    if (!frame)
      break;
    take(worker, *frame);
  }
  if (!worker.gone.empty())
    return;
  if (const std::string &why = worker.process->protocolError(); !why.empty())
    worker.gone = "sent " + why;
  else if (!alive)
    worker.gone = "ended";
}

// Anything that is not what the protocol says ends the worker.
void CompileClient::Pool::take(Worker &worker, const Frame &frame) {
  CompileJob::State *job = worker.job.get();
  auto nonsense = [&] {
    if (worker.gone.empty())
      worker.gone =
          "sent a message of type " + std::to_string(static_cast<unsigned>(frame.type)) + " that makes no sense";
  };
  auto with = [&](auto message, auto use) {
    if (!message || !job || message->job != job->id)
      return nonsense();
    use(std::move(*message));
  };
  switch (frame.type) {
  case MessageType::Ready: {
    auto m = ReadyMessage::decode(frame.payload);
    if (!m || worker.ready)
      return nonsense();
    worker.ready = true;
    worker.unusable = !options.buildId.empty() && m->buildId != options.buildId;
    if (worker.unusable)
      worker.gone = "is of another build than this process (" + m->buildId + ", not " + options.buildId +
                    "): start the program again";
    return;
  }
  case MessageType::Stage:
    return with(StageMessage::decode(frame.payload), [&](StageMessage m) {
      {
        std::lock_guard lock(job->mutex);
        job->stage = m.stage;
        job->plugin = m.plugin;
      }
      job->add(std::move(m), 64);
    });
  case MessageType::Diag:
    return with(DiagMessage::decode(frame.payload), [&](DiagMessage m) { job->add(std::move(m)); });
  case MessageType::Emit:
    return with(EmitMessage::decode(frame.payload), [&](EmitMessage m) {
      uint64_t bytes = m.bytes.size();
      job->add(std::move(m), bytes);
    });
  case MessageType::Kernel:
    return with(KernelMessage::decode(frame.payload), [&](KernelMessage m) { job->add(std::move(m), 1024); });
  case MessageType::Facts:
    return with(FactsMessage::decode(frame.payload), [&](FactsMessage m) {
      std::lock_guard lock(job->mutex);
      job->facts = std::move(m);
    });
  case MessageType::Done:
    return with(DoneMessage::decode(frame.payload), [&](DoneMessage m) {
      bool known = m.status <= TSC_UNAVAILABLE; // the last one of tessera_compiler.h
      finish(worker, known ? static_cast<int32_t>(m.status) : TSC_INTERNAL);
    });
  case MessageType::Lower:
  case MessageType::TargetFacts:
  case MessageType::VetLibrary:
    return nonsense();
  }
}

void CompileClient::Pool::finish(Worker &worker, int32_t status) {
  std::shared_ptr<CompileJob::State> job = std::move(worker.job);
  worker.job = nullptr;
  if (std::string log = worker.process->takeLog(); !log.empty()) {
    uint64_t bytes = log.size();
    job->add(EmitMessage{job->id, "log", "worker", std::move(log)}, bytes);
  }
  if (job->kind == CompileJob::State::Kind::Vet)
    worker.gone = "has served its purpose";
  // Before the owner of the job hears of it, and looks.
  {
    std::lock_guard lock(mutex_);
    ++counts_.idle;
  }
  job->finish(status);
}

void CompileClient::Pool::checkLimits(Worker &worker) {
  if (!worker.gone.empty())
    return;
  Clock::time_point now = Clock::now();
  if (!worker.ready && now >= worker.startBy) {
    worker.gone = "did not start within " + seconds(static_cast<double>(kStartLimit.count()));
    return;
  }
  if (!worker.job)
    return;
  if (worker.job->cancelled)
    worker.gone = "was cancelled";
  else if (now >= worker.jobBy) {
    worker.gone = "ran out of time";
    worker.timedOut = true;
  } else {
    std::lock_guard lock(worker.job->mutex);
    if (worker.job->eventBytes > kEventLimit)
      worker.gone = "sent more output than there is room for";
  }
}

void CompileClient::Pool::bury(Worker &worker) {
  bool ended = worker.gone == "ended";
  if (!ended)
    worker.process->kill();
  std::string end = worker.process->waitForEnd();
  std::string log = worker.process->takeLog();
  for (int fd : worker.descriptors)
    forget(fd);
  // An idle one that ends harms nobody; the next job gets another.
  if (!worker.job)
    return;
  bool began;
  {
    std::lock_guard lock(worker.job->mutex);
    began = !worker.job->stage.empty();
  }
  if (ended && worker.ready && !began && !worker.job->retried) {
    // It was dead, or about to be, when it got the job: that tells nothing about the job.
    worker.job->retried = true;
    std::lock_guard lock(mutex_);
    queue_.push_front(std::move(worker.job));
    return;
  }
  reportEnd(worker, ended ? end : worker.gone, log);
}

void CompileClient::Pool::reportEnd(Worker &worker, const std::string &end, const std::string &log) {
  CompileJob::State &job = *worker.job;
  std::string stage, plugin;
  {
    std::lock_guard lock(job.mutex);
    stage = job.stage;
    plugin = job.plugin;
  }
  std::string where =
      (stage.empty() ? "" : " in stage '" + stage + "'") + (plugin.empty() ? "" : " of plugin " + plugin);
  if (job.cancelled) {
    job.add(diagnostic(DiagId::CompileCancelled, job.what() + " was cancelled" + where));
    return job.finish(kCancelled);
  }
  if (worker.timedOut) {
    job.add(diagnostic(DiagId::CompileTimedOut,
                       job.what() + " took longer than " + seconds(job.lower.timeoutSeconds) + where));
    return job.finish(kCancelled);
  }
  std::string words = lastWords(log);
  if (!worker.ready || worker.unusable) {
    job.add(diagnostic(DiagId::WorkerUnavailable,
                       "the compile worker " + options.program + " " + end + (words.empty() ? "" : ": " + words)));
    return job.finish(TSC_UNAVAILABLE);
  }
  {
    std::lock_guard lock(mutex_);
    ++counts_.crashed;
  }
  Diagnostic d = diagnostic(DiagId::WorkerCrashed, job.what() + " crashed" + where + ": the worker " + end +
                                                       (words.empty() ? "" : ": " + words));
  if (job.kind == CompileJob::State::Kind::Lower) {
    Reproducer r = writeReproducer(options.reproducers, job.lower, log);
    if (r.directory.empty()) {
      d.help = "no reproducer could be written; set TESSERA_CACHE_DIR or TMPDIR to a folder that can be";
    } else {
      d.notes.push_back({{}, "reproducer: " + r.directory});
      d.help = "run it again with: " + r.command + "; report it with that folder to " +
               (plugin.empty() ? "Tessera" : "the makers of plugin " + plugin);
    }
  } else {
    d.help = "`tessera plugins` lists the plugins; TESSERA_PLUGINS_DISABLE leaves one out";
  }
  job.add(d);
  job.finish(TSC_INTERNAL);
}

} // namespace tessera::worker
