// Guards the assembler as a program of its own: what becomes of it when its parent dies, and of one that cannot start.
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/assemble/Assemble.h"

#include "gtest/gtest.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace tessera::nvidia;
namespace fs = std::filesystem;

namespace {

class Program : public ::testing::Test {
protected:
  Program() : folder_(fs::temp_directory_path() / ("tessera-assemble-test-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
  }
  ~Program() override { fs::remove_all(folder_); }
  // A script that says a version, and otherwise does as `body` says.
  std::string script(const std::string &body) const {
    fs::path path = folder_ / "ptxas";
    std::ofstream(path) << "#!/bin/sh\n[ \"$1\" = --version ] && { echo 'release 1.0, V1.0.1'; exit 0; }\n"
                        << body << "\n";
    fs::permissions(path, fs::perms::owner_all);
    return path.string();
  }
  fs::path folder_;
};

// Whether a process is there that has not ended.
bool runs(pid_t pid) {
  std::string word;
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  return stat >> word >> word >> word && word != "Z" && word != "X";
}

template <class F> bool within20Seconds(F &&holds) {
  for (int i = 0; i < 2000 && !holds(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return holds();
}

} // namespace

TEST_F(Program, DiesWithItsParent) {
  fs::path number = folder_ / "pid";
  std::string path = script("echo $$ > " + number.string() + ".new; mv " + number.string() + ".new " + number.string() +
                            "; exec sleep 600");
  pid_t parent = fork();
  if (parent == 0) {
    (void)Assembler(path).assemble("", "sm_90a", 3);
    _exit(0);
  }
  ASSERT_TRUE(within20Seconds([&] { return fs::exists(number); }));
  pid_t pid = 0;
  std::ifstream(number) >> pid;
  ASSERT_GT(pid, 1);
  EXPECT_TRUE(runs(pid));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  EXPECT_TRUE(within20Seconds([&] { return !runs(pid); }));
}

TEST_F(Program, LeavesNothingBehind) {
  fs::path temporary = folder_ / "tmp", number = folder_ / "pid";
  fs::create_directory(temporary);
  setenv("TMPDIR", temporary.c_str(), 1);
  std::string path = script("touch " + number.string() + "; exec sleep 600");
  pid_t parent = fork();
  if (parent == 0) {
    (void)Assembler(path).assemble("", "sm_90a", 3);
    _exit(0);
  }
  unsetenv("TMPDIR");
  ASSERT_TRUE(within20Seconds([&] { return fs::exists(number); }));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  EXPECT_TRUE(fs::is_empty(temporary));
}

TEST_F(Program, TakesTheTextAndGivesTheFile) {
  // What the program starts itself finds the files too, with nothing inherited but the standard streams.
  std::string path = script("exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; sh -c \"tr a-z A-Z < $5 > $7\"");
  AssembleResult r = Assembler(path).assemble(std::string(200000, 'x') + "end", "sm_90a", 3);
  ASSERT_TRUE(r.ok) << r.error;
  EXPECT_EQ(std::string(r.cubin.begin(), r.cubin.end()), std::string(200000, 'X') + "END");
  r = Assembler(script("echo \"ptxas $5, line 3; error\"; exit 1")).assemble("", "sm_90a", 3);
  EXPECT_EQ(r.error, "ptxas kernel.ptx, line 3; error\n");
}

TEST_F(Program, SaysWhatIsWrong) {
  AssembleResult r = Assembler(script("echo no such instruction; exit 2")).assemble("", "sm_90a", 3);
  EXPECT_FALSE(r.ok);
  EXPECT_NE(r.error.find("no such instruction"), std::string::npos) << r.error;
  Assembler gone(script("exit 0"));
  fs::remove(folder_ / "ptxas");
  r = gone.assemble("", "sm_90a", 3);
  EXPECT_FALSE(r.ok);
  EXPECT_NE(r.error.find("could not be started"), std::string::npos) << r.error;
}

TEST_F(Program, IsNoneWhereItCannotStart) { EXPECT_TRUE(Assembler("/nonexistent/ptxas").isNone()); }
