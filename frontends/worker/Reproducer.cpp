// Reproducer.cpp - see Reproducer.h
// SPDX-License-Identifier: Apache-2.0
#include "frontends/worker/Reproducer.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace tessera::worker {

namespace {

std::string environment(const char *name) {
  const char *value = secure_getenv(name);
  return value ? value : "";
}

bool writeFile(const std::string &path, const std::string &bytes, mode_t mode = 0600) {
  std::string temporary = path + ".tmp" + std::to_string(getpid());
  std::FILE *out = std::fopen(temporary.c_str(), "wb");
  if (!out)
    return false;
  bool ok = std::fwrite(bytes.data(), 1, bytes.size(), out) == bytes.size();
  ok = fchmod(fileno(out), mode) == 0 && ok;
  ok = std::fclose(out) == 0 && ok;
  ok = ok && std::rename(temporary.c_str(), path.c_str()) == 0;
  if (!ok)
    std::remove(temporary.c_str());
  return ok;
}

// Every missing folder of the path. False where the last one cannot be made.
bool makeFolders(const std::string &path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
    mkdir(path.substr(0, slash).c_str(), 0700);
  return mkdir(path.c_str(), 0700) == 0 || errno == EEXIST;
}

// FNV-1a, 64 bits: names only.
uint64_t hashOf(std::initializer_list<std::string_view> parts) {
  uint64_t h = 0xcbf29ce484222325u;
  for (std::string_view part : parts)
    for (unsigned char c : part)
      h = (h ^ c) * 0x100000001b3u;
  return h;
}

std::string jsonText(const std::string &s) {
  std::string out = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string requestJson(const LowerRequest &r) {
  std::string out = "{\n  \"kernel\": " + jsonText(r.kernel) + ",\n  \"target\": " + jsonText(r.target) +
                    ",\n  \"emits\": " + jsonText(r.emits) + ",\n  \"options\": [";
  const char *separator = "\n    ";
  for (const auto &[key, value] : r.options) {
    out += separator + ("[" + jsonText(key)) + ", " + jsonText(value) + "]";
    separator = ",\n    ";
  }
  return out + (r.options.empty() ? "]\n}\n" : "\n  ]\n}\n");
}

std::string fileNamePart(const std::string &kernel) {
  std::string out;
  for (char c : kernel.substr(0, 60))
    out += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return out.empty() ? "kernel" : out;
}

} // namespace

std::string shellWord(const std::string &text) {
  constexpr const char *kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos)
    return text;
  std::string out = "'";
  for (char c : text)
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string standardReproducerFolder() {
  if (std::string own = environment("TESSERA_CACHE_DIR"); !own.empty())
    return own + "/crashes";
  if (std::string xdg = environment("XDG_CACHE_HOME"); !xdg.empty() && xdg[0] == '/')
    return xdg + "/tessera/crashes";
  std::string home = environment("HOME");
  return home.empty() ? "" : home + "/.cache/tessera/crashes";
}

Reproducer writeReproducer(const std::string &root, const LowerRequest &request, const std::string &log) {
  Reproducer r;
  std::string json = requestJson(request);
  char hash[20];
  std::snprintf(hash, sizeof hash, "%016llx", static_cast<unsigned long long>(hashOf({request.tileBytes, json})));
  r.directory = root + "/" + fileNamePart(request.kernel) + "-" + hash;
  if (root.empty() || !makeFolders(r.directory) || access(r.directory.c_str(), W_OK) != 0) {
    std::string temporary = environment("TMPDIR");
    temporary = (temporary.empty() ? "/tmp" : temporary) + "/tessera-crash-XXXXXX";
    if (!mkdtemp(temporary.data()))
      return {};
    r.directory = temporary;
  }
  if (r.directory[0] != '/')
    if (char *whole = realpath(r.directory.c_str(), nullptr)) {
      r.directory = whole;
      std::free(whole);
    }
  // Which plugins there are is part of the request, wherever it was said.
  std::string variables;
  for (const char *name :
       {"TESSERA_PLUGINS", "TESSERA_ADD_PLUGINS", "TESSERA_PLUGINS_DISABLE", "TESSERA_PLUGINS_SELECT"})
    if (std::string value = environment(name); !value.empty())
      variables += std::string(name) + "=" + shellWord(value) + " ";
  r.command = variables + "tessera compile --from-tile " + shellWord(r.directory + "/kernel.tile") + " --request " +
              shellWord(r.directory + "/request.json") + " -o " + shellWord(r.directory + "/output");
  if (!writeFile(r.directory + "/kernel.tile", request.tileBytes) || !writeFile(r.directory + "/request.json", json) ||
      !writeFile(r.directory + "/log.txt", log) ||
      !writeFile(r.directory + "/replay.sh", "#!/bin/sh\n" + r.command + "\n", 0700))
    return {};
  return r;
}

} // namespace tessera::worker
