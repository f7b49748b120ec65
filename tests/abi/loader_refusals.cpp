// loader_refusals.cpp - every broken plugin gets its message, and the process lives on
// SPDX-License-Identifier: Apache-2.0
#include "plugins/host/PluginCompiler.h"
#include "plugins/loader/Registry.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

using namespace tessera;
using namespace tessera::plugin;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    char name[] = "/tmp/tessera-hostile-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path); }
};

std::string libraryFor(const std::string &rule) {
  return std::string(TESSERA_HOSTILE_DIR) + "/libhostile_" + rule + ".so";
}

// The candidate of a plugin "hostile 1.0" whose library is `library`.
struct Hostile {
  Folder folder;
  std::unique_ptr<Registry> registry;
  const Candidate *candidate = nullptr;

  explicit Hostile(const std::string &library) {
    std::ofstream(folder.path / "h.tessera.json")
        << "{\"format\":1,\"name\":\"hostile\",\"version\":\"1.0\",\"compiler\":\"" << library
        << "\",\"targets\":[{\"name\":\"hostile\"}]}";
    RegistryOptions o;
    o.directories = {folder.path.string()};
    registry = std::make_unique<Registry>(o);
    candidate = registry->candidates().front();
  }
  Expected<const Library *> load() { return registry->load(*candidate, Role::Compiler); }
};

struct Case {
  const char *rule, *message;
};
void PrintTo(const Case &c, std::ostream *os) { *os << c.rule; }
std::string nameOf(const testing::TestParamInfo<Case> &info) { return info.param.rule; }

class RefusedAtLoad : public testing::TestWithParam<Case> {};
TEST_P(RefusedAtLoad, WithItsReason) {
  Hostile h(libraryFor(GetParam().rule));
  Expected<const Library *> lib = h.load();
  ASSERT_FALSE(lib);
  EXPECT_EQ(lib.failure().id, DiagId::PluginRefused);
  EXPECT_NE(lib.failure().message.find(GetParam().message), std::string::npos) << lib.failure().message;
  EXPECT_EQ(lib.failure().message.rfind("plugin hostile: ", 0), 0u) << lib.failure().message;
  // One bad plugin leaves the others alone, and asking again gives the same answer.
  EXPECT_EQ(h.load().failure().message, lib.failure().message);
  Hostile good(libraryFor("well_behaved"));
  EXPECT_TRUE(good.load());
}
INSTANTIATE_TEST_SUITE_P(
    Plugins, RefusedAtLoad,
    testing::Values(Case{"no_note", "has no note"}, Case{"wrong_magic", "wrong magic"},
                    Case{"other_major", "major 7 of the plugin ABI, this host has 0"},
                    Case{"short_note", "note of 40 bytes"}, Case{"future_bytecode", "reads bytecode 5.0 to 5.0"},
                    Case{"sanitizer", "other sanitizers"},
                    Case{"other_build", "built for plugin ABI 0.1-somebody-elses, this host has 0.1-"},
                    Case{"missing_symbol", "does not export tsr_plugin_negotiate_v0"},
                    Case{"extra_export", "exports 1 symbols beside the ABI's, tsr_plugin_negotiate for one"},
                    Case{"throws_in_negotiate", "threw a C++ exception out of tsr_plugin_negotiate_v0"},
                    Case{"refuses", "refuses this host: this plugin only talks to hosts with a blue logo (TOO_OLD)"},
                    Case{"refuses_silently", "refuses this host: no reason given"},
                    Case{"gives_nothing", "negotiated, but gave no table"}, Case{"null_text", "a NULL or endless text"},
                    Case{"other_table_name", "says hostile 1.0 in its note, but somebody 1.0"},
                    Case{"null_slots", "lacks the required functions target.describe, compiler.compile"},
                    Case{"shorter_table", "lacks the required functions compiler.cache_key"},
                    Case{"half_events", "has 3 of the 6 functions of group event"},
                    Case{"no_targets", "compiler role without a table of targets"},
                    Case{"short_plugin_table", "table of 24 bytes"},
                    Case{"init_fails", "cannot start: UNAVAILABLE: the licence server is on fire"}),
    nameOf);

class RefusedAtTarget : public testing::TestWithParam<Case> {};
TEST_P(RefusedAtTarget, WithItsReason) {
  Hostile h(libraryFor(GetParam().rule));
  Expected<const Library *> lib = h.load();
  ASSERT_TRUE(lib) << lib.failure().message;
  auto t = PluginTarget::make(**lib, "hostile");
  ASSERT_FALSE(t);
  EXPECT_NE(t.failure().message.find(GetParam().message), std::string::npos) << t.failure().message;
}
INSTANTIATE_TEST_SUITE_P(
    Plugins, RefusedAtTarget,
    testing::Values(Case{"throws_in_parse", "plugin hostile: target 'hostile': it threw a C++ exception"},
                    Case{"lies_in_describe", "impossible tables"},
                    Case{"layout_without_layouts", "says LAYOUT, but the plugin has no function for layouts"}),
    nameOf);

class FailsToCompile : public testing::TestWithParam<Case> {};
TEST_P(FailsToCompile, WithItsReason) {
  Hostile h(libraryFor(GetParam().rule));
  Expected<const Library *> lib = h.load();
  ASSERT_TRUE(lib) << lib.failure().message;
  auto t = PluginTarget::make(**lib, "hostile");
  ASSERT_TRUE(t) << t.failure().message;
  auto c = PluginCompiler::make(*t);
  ASSERT_TRUE(c);
  DiagnosticList diags;
  CompileOutput out = (*c)->compile({}, diags);
  EXPECT_LT(out.status, 0);
  EXPECT_TRUE(out.artifact.empty() && out.kernels.empty()) << "no partial output";
  ASSERT_GE(diags.errorCount(), 1u);
  std::string all;
  for (const Diagnostic &d : diags.all())
    all += d.message + "\n";
  EXPECT_NE(all.find(GetParam().message), std::string::npos) << all;
  EXPECT_NE(all.find("plugin hostile"), std::string::npos) << all;
}
INSTANTIATE_TEST_SUITE_P(Plugins, FailsToCompile,
                         testing::Values(Case{"throws_in_compile", "it threw a C++ exception"},
                                         Case{"status_12345", "status 12345"},
                                         Case{"status_minus_12345", "status -12345, which the ABI does not know"},
                                         Case{"silent_failure", "no reason given (INTERNAL)"},
                                         Case{"no_artifact", "0 artifacts instead of one"},
                                         Case{"two_artifacts", "2 artifacts instead of one"},
                                         Case{"wild_arguments", "lies outside the argument block"},
                                         Case{"short_kernel", "an impossible struct"}, Case{"flood", "OOM_HOST"},
                                         Case{"null_message", "plugin hostile: a message without a text"}),
                         nameOf);

TEST(WellBehaved, LoadsAndCompiles) {
  for (const char *rule : {"well_behaved", "longer_table"}) {
    Hostile h(libraryFor(rule));
    Expected<const Library *> lib = h.load();
    ASSERT_TRUE(lib) << lib.failure().message;
    auto c = PluginCompiler::make(*PluginTarget::make(**lib, "hostile"));
    ASSERT_TRUE(c);
    DiagnosticList diags;
    CompileOutput out = (*c)->compile({}, diags);
    EXPECT_EQ(out.status, TSR_OK);
    EXPECT_EQ(out.artifact, "bytes");
    EXPECT_TRUE(diags.all().empty());
  }
}

// No prefix of a library may crash the loader; none of them loads.
TEST(DamagedFile, EveryTruncationIsRefused) {
  std::ifstream in(libraryFor("well_behaved"), std::ios::binary);
  std::string whole((std::istreambuf_iterator<char>(in)), {});
  ASSERT_GT(whole.size(), 4096u);
  Folder f;
  std::string path = (f.path / "cut.so").string();
  LibraryFacts facts;
  for (size_t size = 0; size < whole.size(); size += size < 2048 ? 7 : whole.size() / 97) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    std::string why = readLibraryFacts(path, facts);
    EXPECT_FALSE(why.empty()) << size;
    Hostile h(path);
    EXPECT_FALSE(h.load());
  }
}

TEST(DamagedFile, FlippedBytesOfTheHeadersNeverCrashTheReader) {
  std::ifstream in(libraryFor("well_behaved"), std::ios::binary);
  std::string whole((std::istreambuf_iterator<char>(in)), {});
  Folder f;
  std::string path = (f.path / "bad.so").string();
  LibraryFacts facts;
  uint32_t random = 12345;
  for (int round = 0; round < 400; ++round) {
    std::string bytes = whole;
    for (int flips = 0; flips < 4; ++flips) {
      random = random * 1664525 + 1013904223;
      // Half of the flips hit the file header and the segments, half the table of sections at the end.
      size_t at = round % 2 ? random % 1024 : bytes.size() - 1 - random % 2048;
      bytes[at] = static_cast<char>(random >> 13);
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    readLibraryFacts(path, facts);
    lintLibrary(facts);
  }
}

TEST(DamagedFile, NotALibraryAtAll) {
  Folder f;
  std::ofstream(f.path / "text.so")
      << "hello, I am a text file that is called .so and longer than an ELF header is, by far";
  std::ofstream(f.path / "empty.so").flush();
  LibraryFacts facts;
  EXPECT_NE(readLibraryFacts((f.path / "text.so").string(), facts).find("no ELF file"), std::string::npos);
  EXPECT_EQ(readLibraryFacts((f.path / "empty.so").string(), facts), "is empty");
  EXPECT_EQ(readLibraryFacts(f.path.string(), facts), "is no regular file");
  EXPECT_NE(readLibraryFacts((f.path / "none.so").string(), facts).find("cannot be read: No such file"),
            std::string::npos);
  EXPECT_EQ(readLibraryFacts("/proc/self/exe", facts), "") << "position-independent programs are shared objects";
  EXPECT_FALSE(facts.hasNote);
}

TEST(Lint, ForbiddenLibrariesAreNamed) {
  LibraryFacts facts;
  facts.exports = {TSR_NOTE_SYMBOL, TSR_NEGOTIATE_SYMBOL, "tsr_plugin_negotiate_v1"};
  facts.needed = {"libc.so.6", "libLLVM.so.19.1", "libpython3.12.so.1.0"};
  std::vector<std::string> problems = lintLibrary(facts);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_NE(problems[0].find("libLLVM.so.19.1"), std::string::npos);
}

} // namespace
