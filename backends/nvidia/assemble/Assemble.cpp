// Assemble.cpp - nvJitLink by dlopen, ptxas and nvdisasm as programs, and what their logs say
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/assemble/Assemble.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <sstream>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace tessera::nvidia {

namespace fs = std::filesystem;

namespace {

// ---- where things are ----------------------------------------------------------------------------------------------

// The folder of packages that this library may have been installed into: …/site-packages for …/site-packages/tessera/lib/libtessera_nvidia.so.
std::vector<fs::path> packageFolders() {
  std::vector<fs::path> folders;
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void *>(&packageFolders), &info) && info.dli_fname) {
    std::error_code ignored;
    fs::path p = fs::weakly_canonical(info.dli_fname, ignored).parent_path();
    for (int i = 0; i < 3 && p.has_parent_path(); ++i) {
      p = p.parent_path();
      folders.push_back(p);
    }
  }
  return folders;
}

std::vector<std::string> toolkitPrefixes() {
  return {"/usr/local/cuda", "/usr/local/cuda-13.0", "/usr/local/cuda-12", "/opt/cuda"};
}

std::string firstExisting(const std::vector<std::string> &candidates) {
  for (const std::string &c : candidates) {
    std::error_code ignored;
    if (fs::is_regular_file(c, ignored))
      return c;
  }
  return {};
}

std::string findTool(const std::string &tool) {
  std::vector<std::string> candidates;
  for (const std::string &prefix : toolkitPrefixes())
    candidates.push_back(prefix + "/bin/" + tool);
  for (const fs::path &folder : packageFolders()) {
    candidates.push_back((folder / "nvidia/cu13/bin" / tool).string());
    candidates.push_back((folder / "nvidia/cuda_nvcc/bin" / tool).string());
    candidates.push_back((folder / "triton/backends/nvidia/bin" / tool).string());
  }
  candidates.push_back("/usr/bin/" + tool);
  return firstExisting(candidates);
}

// ---- programs ------------------------------------------------------------------------------------------------------

// A file without a name in any folder: it goes with the process, however that ends. `path` serves programs that this process starts and
// theirs, whatever they do to what they inherit.
struct MemoryFile {
  int fd;
  std::string path;
  explicit MemoryFile(std::string_view text = {}) : fd(memfd_create("tessera", MFD_CLOEXEC)) {
    path = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd);
    while (fd >= 0 && !text.empty()) {
      ssize_t n = write(fd, text.data(), text.size());
      if (n < 0 && errno != EINTR)
        close(std::exchange(fd, -1));
      text.remove_prefix(n > 0 ? static_cast<size_t>(n) : 0);
    }
  }
  ~MemoryFile() {
    if (fd >= 0)
      close(fd);
  }
  MemoryFile(const MemoryFile &) = delete;
  MemoryFile &operator=(const MemoryFile &) = delete;

  // All of it; the programs' own places in it are theirs.
  std::string text() const {
    std::string all(1 << 16, '\0');
    size_t size = 0;
    for (ssize_t n = 1; n != 0;) {
      if (size == all.size())
        all.resize(2 * size);
      n = pread(fd, all.data() + size, all.size() - size, static_cast<off_t>(size));
      if (n < 0 && errno != EINTR)
        break;
      size += n > 0 ? static_cast<size_t>(n) : 0;
    }
    all.resize(size);
    return all;
  }
};

// What the program that failed to start would say itself (POSIX, "command not found").
constexpr int kNotStarted = 127;

// Runs a program (a path, or a name to look for in PATH) to its end; both of its streams go to `log`. The exit status, -1 where it
// could not start. It ends with the thread that calls this: a large kernel may keep ptxas busy for minutes that nobody waits for any more.
int run(const std::vector<std::string> &command, const MemoryFile &log) {
  std::vector<char *> argv;
  for (const std::string &word : command)
    argv.push_back(const_cast<char *>(word.c_str()));
  argv.push_back(nullptr);
  pid_t parent = getpid(), pid = fork();
  if (pid < 0)
    return -1;
  if (pid == 0) { // nothing here takes a lock
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && dup2(log.fd, 1) == 1 && dup2(log.fd, 2) == 2)
      execvp(argv[0], argv.data());
    _exit(kNotStarted);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) != kNotStarted ? WEXITSTATUS(status) : -1;
}

// ---- logs ----------------------------------------------------------------------------------------------------------

uint32_t numberBefore(const std::string &line, const char *what) {
  size_t at = line.find(what);
  if (at == std::string::npos)
    return 0;
  size_t end = at;
  while (end > 0 && line[end - 1] == ' ')
    --end;
  size_t begin = end;
  while (begin > 0 && isdigit(static_cast<unsigned char>(line[begin - 1])))
    --begin;
  return begin < end ? static_cast<uint32_t>(std::strtoul(line.substr(begin, end - begin).c_str(), nullptr, 10)) : 0;
}

// "ptxas info : Compiling entry function 'k' for 'sm_90a'", then a line of spills, then one of registers.
void readLog(const std::string &log, AssembleResult &r) {
  std::istringstream lines(log);
  std::string line, kernel;
  auto use = [&]() -> KernelUse & {
    if (r.kernels.empty() || r.kernels.back().first != kernel)
      r.kernels.emplace_back(kernel, KernelUse{});
    return r.kernels.back().second;
  };
  while (std::getline(lines, line)) {
    size_t entry = line.find("entry function '");
    if (entry != std::string::npos) {
      size_t from = entry + std::strlen("entry function '");
      kernel = line.substr(from, line.find('\'', from) - from);
    } else if (line.find("bytes spill stores") != std::string::npos) {
      use().stack = numberBefore(line, " bytes stack frame");
      use().spillStores = numberBefore(line, " bytes spill stores");
      use().spillLoads = numberBefore(line, " bytes spill loads");
    } else if (line.find("Used ") != std::string::npos && line.find(" registers") != std::string::npos) {
      use().registers = numberBefore(line, " registers");
      use().shared = numberBefore(line, " bytes smem");
    } else if (line.find("warning") != std::string::npos || line.find("wgmma") != std::string::npos ||
               line.find("setmaxnreg") != std::string::npos) {
      r.warnings.push_back(line);
    }
  }
}

// ---- nvJitLink -----------------------------------------------------------------------------------------------------

// The library's names carry its version since 12.0 ("__nvJitLinkCreate_13_0"); nvJitLinkVersion is plain.
struct JitLink {
  using Handle = void *;
  int (*create)(Handle *, uint32_t, const char **) = nullptr;
  int (*destroy)(Handle *) = nullptr;
  int (*addData)(Handle, int, const void *, size_t, const char *) = nullptr;
  int (*complete)(Handle) = nullptr;
  int (*cubinSize)(Handle, size_t *) = nullptr;
  int (*cubin)(Handle, void *) = nullptr;
  int (*errorSize)(Handle, size_t *) = nullptr;
  int (*errorLog)(Handle, char *) = nullptr;
  int (*infoSize)(Handle, size_t *) = nullptr;
  int (*infoLog)(Handle, char *) = nullptr;
  unsigned major = 0, minor = 0;

  bool load(void *library) {
    auto version = reinterpret_cast<int (*)(unsigned *, unsigned *)>(dlsym(library, "nvJitLinkVersion"));
    if (!version || version(&major, &minor) != 0)
      return false;
    auto get = [&](auto &slot, const std::string &name) {
      void *symbol = nullptr;
      for (int m = static_cast<int>(minor); m >= 0 && !symbol; --m)
        symbol = dlsym(library, ("__" + name + "_" + std::to_string(major) + "_" + std::to_string(m)).c_str());
      if (!symbol)
        symbol = dlsym(library, name.c_str());
      slot = reinterpret_cast<std::remove_reference_t<decltype(slot)>>(symbol);
      return symbol != nullptr;
    };
    return get(create, "nvJitLinkCreate") && get(destroy, "nvJitLinkDestroy") && get(addData, "nvJitLinkAddData") &&
           get(complete, "nvJitLinkComplete") && get(cubinSize, "nvJitLinkGetLinkedCubinSize") &&
           get(cubin, "nvJitLinkGetLinkedCubin") && get(errorSize, "nvJitLinkGetErrorLogSize") &&
           get(errorLog, "nvJitLinkGetErrorLog") && get(infoSize, "nvJitLinkGetInfoLogSize") &&
           get(infoLog, "nvJitLinkGetInfoLog");
  }
};

constexpr int kInputPtx = 2; // NVJITLINK_INPUT_PTX

std::string logOf(JitLink::Handle handle, int (*size)(JitLink::Handle, size_t *), int (*get)(JitLink::Handle, char *)) {
  size_t n = 0;
  if (size(handle, &n) != 0 || n == 0)
    return {};
  std::string text(n, '\0');
  if (get(handle, text.data()) != 0)
    return {};
  while (!text.empty() && text.back() == '\0')
    text.pop_back();
  return text;
}

} // namespace

Assembler::Assembler() {
  std::vector<std::string> libraries;
  for (const fs::path &folder : packageFolders())
    for (const char *name : {"nvidia/cu13/lib/libnvJitLink.so.13", "nvidia/nvjitlink/lib/libnvJitLink.so.12"})
      libraries.push_back((folder / name).string());
  for (const std::string &prefix : toolkitPrefixes())
    for (const char *name : {"/lib64/libnvJitLink.so.13", "/lib64/libnvJitLink.so.12"})
      libraries.push_back(prefix + name);
  std::string library = firstExisting(libraries);
  bool opened = (!library.empty() && openLibrary(library)) || openLibrary("libnvJitLink.so.13") ||
                openLibrary("libnvJitLink.so.12");
  std::string program = findProgram(findTool("ptxas"));
  if (!program.empty())
    name_ = opened ? name_ + " and " + program : program;
}

Assembler::Assembler(const std::string &path) {
  if (path.find("nvJitLink") != std::string::npos)
    openLibrary(path);
  else if (std::string program = findProgram(path); !program.empty())
    name_ = program;
}

const Assembler &Assembler::installed() {
  static const Assembler found;
  return found;
}

bool Assembler::openLibrary(const std::string &path) {
  library_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  JitLink link;
  if (!library_ || !link.load(library_))
    return false;
  kind_ = Kind::Library;
  name_ = "nvJitLink " + std::to_string(link.major) + "." + std::to_string(link.minor);
  return true;
}

std::string Assembler::findProgram(const std::string &path) {
  MemoryFile log;
  if (path.empty() || log.fd < 0 || run({path, "--version"}, log) != 0)
    return {};
  std::string text = log.text();
  size_t at = text.find(", V");
  if (kind_ == Kind::None)
    kind_ = Kind::Program;
  program_ = path;
  return "ptxas " +
         (at == std::string::npos ? std::string("of unknown version")
                                  : text.substr(at + 3, text.find_first_of("\n ", at + 3) - at - 3)) +
         " (" + path + ")";
}

static bool isSpoiled(const AssembleResult &r) {
  return std::any_of(r.warnings.begin(), r.warnings.end(), [](const std::string &w) {
    return w.find("C7509") != std::string::npos || w.find("C7504") != std::string::npos;
  });
}

AssembleResult Assembler::assemble(const std::string &ptx, const std::string &arch, unsigned optLevel,
                                   const std::vector<std::string> &extra) const {
  AssembleResult r;
  switch (kind_) {
  case Kind::Library: {
    // What is known to be spoiled is not tried.
    auto has = [&](const char *instruction) { return ptx.find(instruction) != std::string::npos; };
    // What is called becomes a function of its own in the library, and behind a call that one lane makes the lanes of a warp stay apart (docs/rationale/attention.md).
    bool known =
        has("setmaxnreg") || (has("wgmma.mma_async") && (has("div.rn.f") || has("sqrt.rn.f"))) || has("call.uni");
    if (program_.empty() || !known)
      r = byLibrary(ptx, arch, optLevel, extra);
    return !program_.empty() && (known || isSpoiled(r)) ? byProgram(ptx, arch, optLevel, extra) : r;
  }
  case Kind::Program:
    return byProgram(ptx, arch, optLevel, extra);
  case Kind::None:
    break;
  }
  r.ok = true;
  return r;
}

static std::vector<std::string> optionsFor(const std::string &arch, unsigned optLevel) {
  return {"-arch=" + arch, "-O" + std::to_string(optLevel), "-lineinfo"};
}

AssembleResult Assembler::byLibrary(const std::string &ptx, const std::string &arch, unsigned optLevel,
                                    const std::vector<std::string> &extra) const {
  AssembleResult r;
  JitLink link;
  link.load(library_);
  std::vector<std::string> options = optionsFor(arch, optLevel);
  options.emplace_back("-verbose");
  for (const std::string &option : extra)
    options.push_back("-Xptxas=" + option);
  // Where there is a driver the library takes machine code that it made before from the driver's cache, and then reports neither registers nor warnings, by which
  // we choose: the second process had slower code (layer norm of 16384 columns on an H100: 2141 instead of 2790 GB/s). Libraries that do not know the word are asked without.
  options.emplace_back("-no-cache");
  JitLink::Handle handle = nullptr;
  auto create = [&] {
    std::vector<const char *> texts;
    for (const std::string &option : options)
      texts.push_back(option.c_str());
    return link.create(&handle, static_cast<uint32_t>(texts.size()), texts.data()) == 0;
  };
  bool created = create();
  if (!created) {
    options.pop_back();
    created = create();
  }
  if (!created) {
    r.error = name_ + " does not take";
    for (const std::string &option : options)
      r.error += " " + option;
    return r;
  }
  bool ok =
      link.addData(handle, kInputPtx, ptx.c_str(), ptx.size() + 1, "kernel.ptx") == 0 && link.complete(handle) == 0;
  size_t n = 0;
  if (ok && link.cubinSize(handle, &n) == 0) {
    r.cubin.resize(n);
    ok = link.cubin(handle, r.cubin.data()) == 0;
  }
  r.ok = ok;
  if (!ok)
    r.error = logOf(handle, link.errorSize, link.errorLog);
  readLog(logOf(handle, link.infoSize, link.infoLog), r);
  link.destroy(&handle);
  return r;
}

AssembleResult Assembler::byProgram(const std::string &ptx, const std::string &arch, unsigned optLevel,
                                    const std::vector<std::string> &extra) const {
  AssembleResult r;
  std::vector<std::string> options = optionsFor(arch, optLevel);
  options.insert(options.end(), extra.begin(), extra.end());
  MemoryFile in(ptx), out, log;
  if (in.fd < 0 || out.fd < 0 || log.fd < 0) {
    r.error = "no file in memory can be made for " + name_ + ": " + std::strerror(errno);
    return r;
  }
  options.insert(options.begin(), {program_, "-v"});
  options.insert(options.end(), {in.path, "-o", out.path});
  int status = run(options, log);
  std::string text = log.text();
  for (size_t at; (at = text.find(in.path)) != std::string::npos;)
    text.replace(at, in.path.size(), "kernel.ptx");
  r.ok = status == 0;
  if (!r.ok)
    r.error = status < 0 ? name_ + " could not be started" : text;
  else if (std::string cubin = out.text(); !cubin.empty())
    r.cubin.assign(cubin.begin(), cubin.end());
  readLog(text, r);
  return r;
}

std::string deviceLibraryPath() {
  std::vector<std::string> candidates;
  for (const std::string &prefix : toolkitPrefixes())
    candidates.push_back(prefix + "/nvvm/libdevice/libdevice.10.bc");
  for (const fs::path &folder : packageFolders())
    for (const char *name :
         {"nvidia/cu13/nvvm/libdevice/libdevice.10.bc", "nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc",
          "triton/backends/nvidia/lib/libdevice.10.bc"})
      candidates.push_back((folder / name).string());
  return firstExisting(candidates);
}

std::string disassembleCubin(const void *cubin, uint64_t bytes, std::string &why) {
  std::string tool = findTool("nvdisasm");
  MemoryFile in({static_cast<const char *>(cubin), bytes}), log;
  if (in.fd < 0 || log.fd < 0) {
    why = std::string("no file in memory can be made: ") + std::strerror(errno);
    return {};
  }
  int status = run({tool.empty() ? "nvdisasm" : tool, "-c", "-g", in.path}, log);
  std::string text = log.text();
  if (status == 0) {
    while (text.starts_with("nvdisasm warning")) // it also warns there: of a cubin younger than itself
      text.erase(0, text.find('\n') + 1);
    return text;
  }
  why = status < 0 || status == 127
            ? "nvdisasm was not found, neither in PATH nor beside the toolkit that this plugin looks for"
            : "nvdisasm failed: " + text;
  return {};
}

} // namespace tessera::nvidia
