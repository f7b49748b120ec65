// CacheTest.cpp - the artifact cache: hits, damage, many processes, no rights, no room, limits
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/ArtifactCache.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace tessera::runtime;
namespace fs = std::filesystem;

static Digest keyOf(std::string_view text) {
  Sha256 h;
  h.field(text);
  return h.finish();
}
static std::vector<uint8_t> payload(size_t n, unsigned seed) {
  std::vector<uint8_t> bytes(n);
  for (size_t i = 0; i < n; ++i)
    bytes[i] = static_cast<uint8_t>(seed * 31 + i * 7 + i / 251);
  return bytes;
}

class CacheTest : public ::testing::Test {
protected:
  std::string root;
  void SetUp() override {
    char name[] = "/tmp/tessera-cache-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root = name;
  }
  void TearDown() override { fs::remove_all(root); }
  std::vector<fs::path> files() const {
    std::vector<fs::path> list;
    for (auto &f : fs::recursive_directory_iterator(root))
      if (f.is_regular_file())
        list.push_back(f.path());
    return list;
  }
};

TEST(Sha256, KnownAnswers) { // FIPS 180-4 examples
  auto hash = [](std::string_view text) {
    Sha256 h;
    h.update(text);
    return hexText(h.finish());
  };
  EXPECT_EQ(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hash(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  for (size_t n = 50; n < 140; ++n) { // every way to split around the block borders
    std::string text(n, 'x');
    Sha256 a, b;
    a.update(text);
    b.update(text.substr(0, n / 3));
    b.update(text.substr(n / 3));
    EXPECT_EQ(a.finish(), b.finish());
  }
  Sha256 a, b;
  a.field("ab"), a.field("c");
  b.field("a"), b.field("bc");
  EXPECT_NE(a.finish(), b.finish());
}

TEST_F(CacheTest, StoresAndFinds) {
  ArtifactCache cache(root + "/deep/er/");
  EXPECT_FALSE(cache.find(keyOf("a")));
  EXPECT_EQ(cache.usage().entries, 0u);
  auto bytes = payload(100000, 1);
  EXPECT_TRUE(cache.store(keyOf("a"), bytes));
  EXPECT_TRUE(cache.store(keyOf("empty"), {}));
  EXPECT_EQ(cache.find(keyOf("a")), bytes);
  EXPECT_EQ(cache.find(keyOf("empty")), std::vector<uint8_t>());
  EXPECT_EQ(ArtifactCache(root + "/deep/er").find(keyOf("a")), bytes); // another process sees it
  EXPECT_EQ(cache.usage().entries, 2u);
  EXPECT_TRUE(cache.store(keyOf("a"), payload(5, 2)));
  EXPECT_EQ(cache.find(keyOf("a")), payload(5, 2));
  EXPECT_EQ(fs::status(root + "/deep/er").permissions() & fs::perms::others_all, fs::perms::none);
  EXPECT_EQ(cache.clear(), 2u);
  EXPECT_FALSE(cache.find(keyOf("a")));
  EXPECT_TRUE(files().empty());
}

TEST_F(CacheTest, DamageIsAMissAndGoesAway) {
  ArtifactCache cache(root);
  auto bytes = payload(1000, 3);
  for (size_t cut : {0u, 1u, 7u, 40u, 55u, 56u, 500u, 1055u}) {
    ASSERT_TRUE(cache.store(keyOf("a"), bytes));
    fs::resize_file(files().at(0), cut);
    EXPECT_FALSE(cache.find(keyOf("a"))) << cut;
    EXPECT_TRUE(files().empty());
  }
  for (size_t at : {0u, 9u, 41u, 49u, 60u, 1055u}) {
    ASSERT_TRUE(cache.store(keyOf("a"), bytes));
    {
      std::fstream f(files().at(0), std::ios::in | std::ios::out | std::ios::binary);
      f.seekg(static_cast<long>(at));
      char c = static_cast<char>(f.get() ^ 0x55);
      f.seekp(static_cast<long>(at));
      f.put(c);
    }
    EXPECT_FALSE(cache.find(keyOf("a"))) << at;
  }
  // A huge length that does not fit the file must not be allocated.
  ASSERT_TRUE(cache.store(keyOf("a"), bytes));
  {
    std::fstream f(files().at(0), std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(40);
    f.write("\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
  }
  EXPECT_FALSE(cache.find(keyOf("a")));
}

TEST_F(CacheTest, OddThingsInTheFolder) {
  ArtifactCache cache(root);
  ASSERT_TRUE(cache.store(keyOf("a"), payload(10, 1)));
  fs::path entry = files().at(0);
  std::ofstream(root + "/README") << "mine";
  std::ofstream(entry.parent_path() / "notes.txt") << "mine";
  EXPECT_EQ(cache.usage().entries, 1u);
  EXPECT_EQ(cache.clear(), 1u);
  EXPECT_EQ(files().size(), 2u);
  fs::create_directories(entry); // a folder where an entry should be
  EXPECT_FALSE(cache.find(keyOf("a")));
  EXPECT_FALSE(cache.store(keyOf("a"), payload(10, 1)));
  std::ofstream(root + "/file") << "x";
  ArtifactCache below(root + "/file/cache"); // a file where a folder should be
  EXPECT_FALSE(below.store(keyOf("a"), payload(10, 1)));
  EXPECT_FALSE(below.find(keyOf("a")));
  ArtifactCache nowhere("");
  EXPECT_FALSE(nowhere.store(keyOf("a"), payload(10, 1)));
}

// Body in a process of its own; its exit code. `_exit`, so that no test of this program runs twice.
template <typename Body> static pid_t inChild(Body body) {
  pid_t pid = fork();
  if (pid == 0)
    _exit(body());
  return pid;
}
static int waitFor(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

TEST_F(CacheTest, ManyProcesses) {
  std::vector<pid_t> children;
  for (int p = 0; p < 8; ++p)
    children.push_back(inChild([&] {
      ArtifactCache cache(root, 400000); // small: they evict each other's entries all the time
      for (int round = 0; round < 150; ++round) {
        unsigned which = static_cast<unsigned>(round * 7 + p) % 13;
        auto expected = payload(5000 + 3000 * which, which);
        std::string name = std::to_string(which);
        if (auto found = cache.find(keyOf(name)); found && *found != expected)
          return 1;
        cache.store(keyOf(name), expected);
        if (round % 50 == p)
          cache.clear();
      }
      return 0;
    }));
  for (pid_t c : children)
    EXPECT_EQ(waitFor(c), 0);
  for (const fs::path &f : files())
    EXPECT_EQ(f.extension(), ".tko") << f; // nothing temporary is left
}

TEST_F(CacheTest, ManyThreads) {
  ArtifactCache cache(root);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (unsigned i = 0; i < 100; ++i) {
        auto expected = payload(3000, i % 5);
        cache.store(keyOf(std::to_string(i % 5)), expected);
        auto found = cache.find(keyOf(std::to_string(i % 5)));
        EXPECT_TRUE(found && *found == expected);
      }
    });
  for (auto &t : threads)
    t.join();
}

TEST_F(CacheTest, ReadOnlyFolder) {
  ArtifactCache cache(root);
  ASSERT_TRUE(cache.store(keyOf("a"), payload(100, 1)));
  fs::path folder = files().at(0).parent_path();
  fs::permissions(folder, fs::perms::owner_read | fs::perms::owner_exec);
  fs::permissions(root, fs::perms::owner_read | fs::perms::owner_exec);
  // Root may write anyway, so somebody without rights does it.
  EXPECT_EQ(waitFor(inChild([&] {
              if (getuid() == 0 &&
                  (chown(root.c_str(), 65534, 65534) != 0 || chown(folder.c_str(), 65534, 65534) != 0 ||
                   chown(files().at(0).c_str(), 65534, 65534) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
                return 2;
              ArtifactCache reader(root);
              if (reader.find(keyOf("a")) != payload(100, 1))
                return 3;
              if (reader.store(keyOf("a"), payload(100, 2)) || reader.store(keyOf("b"), payload(100, 2)))
                return 4;
              return reader.find(keyOf("a")) == payload(100, 1) ? 0 : 5;
            })),
            0);
  fs::permissions(root, fs::perms::owner_all);
  fs::permissions(folder, fs::perms::owner_all);
}

TEST_F(CacheTest, NoRoomOnTheDisk) {
  EXPECT_EQ(waitFor(inChild([&] {
              signal(SIGXFSZ, SIG_IGN);
              struct rlimit limit = {4096, 4096};
              if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
                return 2;
              ArtifactCache cache(root);
              if (cache.store(keyOf("big"), payload(100000, 1)) || cache.find(keyOf("big")))
                return 3;
              return cache.store(keyOf("small"), payload(100, 1)) && cache.find(keyOf("small")) ? 0 : 4;
            })),
            0);
  EXPECT_EQ(files().size(), 1u); // the part that was written is gone
}

TEST_F(CacheTest, TheOldestGoFirst) {
  ArtifactCache cache(root, 100000);
  EXPECT_FALSE(cache.store(keyOf("too big"), payload(100001, 0)));
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(cache.store(keyOf(std::to_string(i)), payload(10000, i)));
    struct timespec times[2] = {{1000 + i, 0}, {1000 + i, 0}};
    for (const fs::path &f : files())
      if (struct stat s; ::stat(f.c_str(), &s) == 0 && s.st_mtime > 2000)
        ::utimensat(AT_FDCWD, f.c_str(), times, 0);
  }
  EXPECT_TRUE(cache.find(keyOf("0"))); // a use makes it young again
  cache.trim(25000);
  EXPECT_EQ(cache.usage().entries, 2u);
  EXPECT_TRUE(cache.find(keyOf("0")));
  EXPECT_TRUE(cache.find(keyOf("7")));
  EXPECT_FALSE(cache.find(keyOf("1")));
  for (int i = 0; i < 200; ++i)
    cache.store(keyOf("n" + std::to_string(i)), payload(10000, i));
  EXPECT_LE(cache.usage().bytes, 110000u + 10100u);
  ArtifactCache off(root, 0);
  EXPECT_FALSE(off.store(keyOf("x"), payload(1, 1)));
  EXPECT_FALSE(off.find(keyOf("n199")));
}
