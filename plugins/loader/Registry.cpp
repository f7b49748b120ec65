// Registry.cpp - search order, resolution of targets, loading on demand
// SPDX-License-Identifier: Apache-2.0
#include "plugins/loader/Registry.h"

#include <algorithm>
#include <dlfcn.h>
#include <filesystem>
#include <sys/auxv.h>

namespace fs = std::filesystem;

namespace tessera::plugin {

namespace {

constexpr std::string_view kSuffix = ".tessera.json";

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    size_t at = text.find(separator);
    if (at != 0)
      parts.emplace_back(text.substr(0, at));
    text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  }
  return parts;
}

bool anyMatches(const std::vector<std::string> &patterns, const std::string &name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string &p) { return globMatches(p, name); });
}

// The directories beside this code: <dir>/tessera/plugins.d for a library in lib/, <dir>/../lib/… for a program in bin/.
void addOwnDirectories(std::vector<std::string> &directories) {
  std::vector<fs::path> origins;
  Dl_info self{};
  if (dladdr(reinterpret_cast<void *>(&addOwnDirectories), &self) && self.dli_fname)
    origins.emplace_back(self.dli_fname);
  std::error_code error;
  fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error)
    origins.push_back(program);
  for (const fs::path &origin : origins) {
    fs::path folder = fs::weakly_canonical(origin, error).parent_path();
    for (const fs::path &d : {folder / "tessera/plugins.d", (folder / "../lib/tessera/plugins.d").lexically_normal()})
      if (!error && std::find(directories.begin(), directories.end(), d.string()) == directories.end())
        directories.push_back(d.string());
  }
}

bool claims(const Candidate &c, const std::string &arch) {
  return std::any_of(c.manifest.targets.begin(), c.manifest.targets.end(),
                     [&](const ManifestTarget &t) { return globMatches(t.pattern, arch); });
}

} // namespace

RegistryOptions RegistryOptions::standard(const std::function<const char *(const char *)> &lookup) {
  RegistryOptions o;
  bool privileged = getauxval(AT_SECURE) != 0;
  auto get = [&](const char *name) {
    const char *value = privileged || !lookup ? nullptr : lookup(name);
    return std::string(value ? value : "");
  };
  o.disable = split(get("TESSERA_PLUGINS_DISABLE"), ',');
  o.select = split(get("TESSERA_PLUGINS_SELECT"), ',');
  std::string replace = get("TESSERA_PLUGINS");
  if (!replace.empty()) {
    o.manifests = split(replace, ':');
    return o;
  }
  o.manifests = split(get("TESSERA_ADD_PLUGINS"), ':');
  std::string data = get("XDG_DATA_HOME"), home = get("HOME");
  if (data.empty() && !home.empty())
    data = home + "/.local/share";
  if (!data.empty())
    o.directories.push_back(data + "/tessera/plugins.d");
  o.directories.insert(o.directories.end(), {"/etc/tessera/plugins.d", "/usr/share/tessera/plugins.d"});
  addOwnDirectories(o.directories);
  return o;
}

Registry::Registry(RegistryOptions options) : options_(std::move(options)) {
  for (const std::string &m : options_.manifests)
    scan(m, true, candidates_);
  for (const std::string &d : options_.directories)
    scan(d, false, candidates_);
  markShadowed();
}

void Registry::scan(const std::string &path, bool mustExist, std::vector<std::unique_ptr<Candidate>> &into) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    if (mustExist)
      consider(path, into);
    return;
  }
  std::vector<std::string> files;
  for (auto it = fs::directory_iterator(path, error); !error && it != fs::directory_iterator(); it.increment(error)) {
    std::string name = it->path().string();
    if (name.size() > kSuffix.size() && name.compare(name.size() - kSuffix.size(), kSuffix.size(), kSuffix) == 0)
      files.push_back(name);
  }
  std::sort(files.begin(), files.end());
  for (const std::string &f : files)
    consider(f, into);
}

void Registry::consider(const std::string &file, std::vector<std::unique_ptr<Candidate>> &into) {
  auto c = std::make_unique<Candidate>();
  std::error_code error;
  fs::path real = fs::canonical(file, error);
  c->path = error ? file : real.string();
  auto same = [&](const std::unique_ptr<Candidate> &o) { return o->path == c->path; };
  // What could not be read is read again: it may be there now, and whoever asks for it again is told again why not.
  auto stands = [&](const std::unique_ptr<Candidate> &o) { return same(o) && (o->usable() || o->shadowed); };
  if (std::any_of(into.begin(), into.end(), same) || std::any_of(candidates_.begin(), candidates_.end(), stands))
    return;
  Expected<Manifest> m = readManifest(c->path);
  if (!m) {
    c->manifest.path = c->path;
    c->skipped = m.failure().message;
  } else {
    c->manifest = std::move(*m);
    if (!options_.select.empty() && !anyMatches(options_.select, c->manifest.name))
      c->skipped = "not selected by TESSERA_PLUGINS_SELECT";
    else if (anyMatches(options_.disable, c->manifest.name))
      c->skipped = "disabled by TESSERA_PLUGINS_DISABLE";
    // One of two libraries may be absent (a process that only runs kernels ships no compiler): load() says so where it matters.
    auto missing = [&](const std::string &library) { return library.empty() || !fs::exists(library, error); };
    if (c->usable() && missing(c->manifest.compiler) && missing(c->manifest.driver))
      c->skipped = "plugin " + c->manifest.name + ": its library " +
                   (c->manifest.compiler.empty() ? c->manifest.driver : c->manifest.compiler) + " is missing";
  }
  into.push_back(std::move(c));
}

void Registry::markShadowed() {
  std::map<std::string, const Candidate *> first;
  for (const std::unique_ptr<Candidate> &c : candidates_) {
    if (!c->usable())
      continue;
    auto [it, isFirst] = first.emplace(c->manifest.name, c.get());
    if (!isFirst) {
      c->skipped = "plugin " + c->manifest.name + " was found before, as " + it->second->path;
      c->shadowed = true;
    }
  }
}

Expected<bool> Registry::add(const std::string &path) {
  std::lock_guard lock(mutex_);
  std::vector<std::unique_ptr<Candidate>> found;
  scan(path, true, found);
  for (const std::unique_ptr<Candidate> &c : found)
    if (!c->usable()) {
      Failure f{DiagId::PluginMissing, c->skipped, {}};
      f.id = c->manifest.name.empty() && fs::exists(c->path) ? DiagId::PluginRefused : DiagId::PluginMissing;
      auto same = [&](const std::unique_ptr<Candidate> &o) { return o->path == c->path; };
      if (std::none_of(candidates_.begin(), candidates_.end(), same))
        candidates_.push_back(std::make_unique<Candidate>(*c));
      return f;
    }
  // Earlier failures of the same files leave the list; the objects stay, since callers may hold them.
  for (auto &old : candidates_)
    if (std::any_of(found.begin(), found.end(), [&](const auto &c) { return c->path == old->path; }))
      replaced_.push_back(std::move(old));
  std::erase(candidates_, nullptr);
  candidates_.insert(candidates_.begin(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  markShadowed();
  return true;
}

std::vector<const Candidate *> Registry::candidates() const {
  std::lock_guard lock(mutex_);
  std::vector<const Candidate *> list;
  for (const std::unique_ptr<Candidate> &c : candidates_)
    list.push_back(c.get());
  return list;
}

const Candidate *Registry::find(std::string_view name) const {
  for (const Candidate *c : candidates())
    if (c->usable() && c->manifest.name == name)
      return c;
  return nullptr;
}

std::string Registry::places() const {
  std::string out;
  for (const auto *list : {&options_.manifests, &options_.directories})
    for (const std::string &place : *list)
      out += (out.empty() ? "" : ", ") + place;
  return out.empty() ? "nowhere" : out;
}

Failure Registry::unknownPlugin(const TargetSpec &spec) const {
  std::vector<std::string> names;
  for (const Candidate *c : candidates()) {
    if (c->manifest.name == spec.plugin)
      return {DiagId::PluginMissing, "target '" + spec.text + "': " + c->skipped, {}};
    if (c->usable())
      names.push_back(c->manifest.name);
  }
  std::string near = nearestName(spec.plugin, names);
  return {DiagId::PluginMissing, "target '" + spec.text + "': there is no plugin '" + spec.plugin + "'",
          near.empty() ? std::string() : "did you mean '" + near + "/" + spec.arch + "'?"};
}

Failure Registry::unknown(const TargetSpec &spec) const {
  std::vector<std::string> names = {"native", "host", "all"};
  std::string skipped, unread;
  for (const Candidate *c : candidates()) {
    if (c->usable())
      for (const ManifestTarget &t : c->manifest.targets)
        names.push_back(t.pattern);
    else if (claims(*c, spec.arch) && skipped.empty())
      skipped = c->skipped;
    else if (c->manifest.targets.empty()) // unreadable: it might have been the one
      unread += "; skipped: " + c->path + ": " + c->skipped;
  }
  if (!skipped.empty())
    return {DiagId::PluginMissing, "target '" + spec.text + "': " + skipped, {}};
  std::string near = nearestName(spec.arch, names);
  if (near.find_first_of("*?") != std::string::npos)
    near.clear();
  return {DiagId::UnknownTarget, "no plugin offers the target '" + spec.text + "'" + unread,
          near.empty() ? std::string()
                       : "did you mean '" + near + "'? `tessera targets` lists what the installed plugins offer"};
}

Expected<ResolvedTarget> Registry::resolveName(const TargetSpec &spec) {
  std::vector<const Candidate *> claimants;
  for (const Candidate *c : candidates())
    if (c->usable() && (spec.plugin.empty() ? claims(*c, spec.arch) : c->manifest.name == spec.plugin))
      claimants.push_back(c);
  if (claimants.empty())
    return spec.plugin.empty() ? unknown(spec) : unknownPlugin(spec);
  if (claimants.size() > 1) {
    std::string list, spellings;
    for (const Candidate *c : claimants) {
      list += (list.empty() ? "" : ", ") + c->manifest.name + " (" + c->path + ")";
      spellings += (spellings.empty() ? "" : " or ") + c->manifest.name + "/" + spec.spec;
    }
    return Failure{DiagId::AmbiguousTarget, "several plugins offer the target '" + spec.text + "': " + list,
                   "write " + spellings};
  }
  if (!claims(*claimants.front(), spec.arch)) {
    std::vector<std::string> names;
    for (const ManifestTarget &t : claimants.front()->manifest.targets)
      names.push_back(t.pattern);
    std::string near = nearestName(spec.arch, names);
    return Failure{DiagId::UnknownTarget, "plugin " + spec.plugin + " does not offer the target '" + spec.spec + "'",
                   near.empty() ? std::string() : "did you mean '" + spec.plugin + "/" + near + "'?"};
  }
  return ResolvedTarget{claimants.front(), spec.spec, spec.options};
}

// `native`: the best device of this machine; `host`: its processor. Asks drivers, in order of rank, until one has a device.
Expected<ResolvedTarget> Registry::resolveDevice(const TargetSpec &spec) {
  std::vector<const Candidate *> order;
  for (const Candidate *c : candidates())
    if (c->usable() && !c->manifest.driver.empty() && (spec.plugin.empty() || c->manifest.name == spec.plugin) &&
        (spec.arch != "host" || c->manifest.host))
      order.push_back(c);
  if (order.empty() && !spec.plugin.empty())
    return unknownPlugin(spec);
  if (candidates().empty())
    return Failure{DiagId::UnknownTarget, "target '" + spec.text + "': no plugin is installed",
                   "looked in " + places() + "; TESSERA_PLUGINS names a manifest or a folder of them"};
  // Insertion into place: stable, and there are few.
  for (size_t i = 1; i < order.size(); ++i)
    for (size_t j = i; j > 0 && order[j]->manifest.rank > order[j - 1]->manifest.rank; --j)
      std::swap(order[j], order[j - 1]);
  std::string reasons;
  for (const Candidate *c : order) {
    auto note = [&](const std::string &why) { reasons += (reasons.empty() ? "" : "; ") + why; };
    Expected<const Library *> lib = load(*c, Role::Driver);
    if (!lib) {
      note(lib.failure().message);
      continue;
    }
    const tsr_driver_api *driver = (*lib)->driver();
    uint32_t devices = 0;
    tsr_status s = contain([&] { return driver->probe(&devices); });
    if (s != TSR_OK || devices == 0) {
      note(s != TSR_OK ? (*lib)->failure("probe", s).message : "plugin " + c->manifest.name + ": no device");
      continue;
    }
    tsr_device_info info{};
    info.h.size = sizeof info;
    s = contain([&] { return driver->device_info(0, &info); });
    if (s == TSR_OK && !view(info.target).empty())
      return ResolvedTarget{c, std::string(view(info.target)), spec.options};
    note((*lib)->failure("device_info", s).message);
  }
  return Failure{DiagId::UnknownTarget,
                 "target '" + spec.text + "': no plugin has a device here" + (reasons.empty() ? "" : ": " + reasons),
                 {}};
}

Expected<std::vector<ResolvedTarget>> Registry::resolve(std::string_view targets) {
  Expected<std::vector<TargetSpec>> specs = parseTargetList(targets);
  if (!specs)
    return specs.failure();
  std::vector<ResolvedTarget> out;
  for (const TargetSpec &spec : *specs) {
    if (spec.arch == "all") {
      for (const Candidate *c : candidates())
        if (c->usable() && !c->manifest.compiler.empty() && (spec.plugin.empty() || c->manifest.name == spec.plugin))
          for (const ManifestTarget &t : c->manifest.targets)
            if (t.listed())
              out.push_back({c, t.pattern, spec.options});
      continue;
    }
    Expected<ResolvedTarget> t = spec.arch == "native" || spec.arch == "host" ? resolveDevice(spec) : resolveName(spec);
    if (!t)
      return t.failure();
    out.push_back(std::move(*t));
  }
  return out;
}

Expected<ResolvedTarget> Registry::resolveOne(std::string_view target) {
  Expected<std::vector<ResolvedTarget>> list = resolve(target);
  if (!list)
    return list.failure();
  if (list->size() != 1)
    return Failure{DiagId::UnknownTarget,
                   "'" + std::string(target) + "' means " + std::to_string(list->size()) +
                       " targets, one is wanted here",
                   {}};
  return std::move(list->front());
}

Expected<const Library *> Registry::load(const Candidate &candidate, Role role) {
  if (!candidate.usable())
    return Failure{DiagId::PluginMissing, candidate.skipped, {}};
  const std::string &path = role == Role::Compiler ? candidate.manifest.compiler : candidate.manifest.driver;
  std::lock_guard lock(mutex_);
  // One library may have both roles: it is loaded once.
  auto it = loaded_.find(path);
  if (it == loaded_.end() || path.empty())
    it = loaded_.insert_or_assign(path, Library::load(candidate.manifest, role, options_.host)).first;
  if (it->second &&
      !(role == Role::Compiler ? (*it->second)->compiler() != nullptr : (*it->second)->driver() != nullptr))
    return Failure{DiagId::PluginRefused,
                   "plugin " + candidate.manifest.name + ": " + path + " does not have the " +
                       std::string(roleName(role)) + " role that its manifest names it for",
                   {}};
  return it->second;
}

std::string Registry::inspect(const Candidate &candidate, Role role, LibraryFacts &facts) const {
  return Library::inspect(candidate.manifest, role, options_.host, facts);
}

size_t Registry::loadedCount() const {
  std::lock_guard lock(mutex_);
  return static_cast<size_t>(
      std::count_if(loaded_.begin(), loaded_.end(), [](const auto &l) { return bool(l.second); }));
}

} // namespace tessera::plugin
