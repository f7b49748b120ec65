// ElfNote.cpp - a small, distrustful reader of ELF files
// SPDX-License-Identifier: Apache-2.0
#include "plugins/loader/ElfNote.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tessera::plugin {

namespace {

// No table that is read here is anywhere near this large in a sane library.
constexpr uint64_t kMaxTable = 64u << 20;

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#endif

class ElfFile {
public:
  ~ElfFile() {
    if (fd_ >= 0)
      close(fd_);
  }

  std::string open(const std::string &path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat st{};
    if (fd_ < 0 || fstat(fd_, &st) != 0)
      return std::string("cannot be read: ") + std::strerror(errno);
    if (!S_ISREG(st.st_mode))
      return "is no regular file";
    size_ = static_cast<uint64_t>(st.st_size);
    return {};
  }

  bool read(uint64_t offset, uint64_t n, void *to) const {
    if (offset > size_ || n > size_ - offset)
      return false;
    auto *p = static_cast<char *>(to);
    while (n) {
      ssize_t got = pread(fd_, p, n, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        return false;
      p += got;
      offset += static_cast<uint64_t>(got);
      n -= static_cast<uint64_t>(got);
    }
    return true;
  }
  template <typename T> bool readTable(uint64_t offset, uint64_t count, std::vector<T> &to) const {
    if (count > kMaxTable / sizeof(T) || offset > size_ || count * sizeof(T) > size_ - offset)
      return false;
    to.resize(count);
    return read(offset, count * sizeof(T), to.data());
  }
  uint64_t size() const { return size_; }

private:
  int fd_ = -1;
  uint64_t size_ = 0;
};

std::string truncated(const ElfFile &f, const char *what) {
  return std::string("is truncated or damaged: ") + what + " is outside the file's " + std::to_string(f.size()) +
         " bytes";
}

std::string checkHeader(const ElfFile &f, Elf64_Ehdr &h) {
  if (f.size() == 0)
    return "is empty";
  if (!f.read(0, sizeof h, &h) || std::memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
    return "is no ELF file";
  if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB)
    return "is no 64-bit little-endian ELF file";
  if (h.e_machine != kMachine)
    return "is for another processor (ELF machine " + std::to_string(h.e_machine) + ", this one is " +
           std::to_string(kMachine) + ")";
  if (h.e_type != ET_DYN)
    return "is no shared library";
  if (h.e_phentsize != sizeof(Elf64_Phdr))
    return "has program headers of an unknown size";
  return {};
}

void readNotes(const std::vector<char> &bytes, LibraryFacts &out) {
  size_t at = 0;
  while (bytes.size() - at >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr n;
    std::memcpy(&n, bytes.data() + at, sizeof n);
    at += sizeof n;
    uint64_t name = (uint64_t(n.n_namesz) + 3) / 4 * 4, desc = (uint64_t(n.n_descsz) + 3) / 4 * 4;
    if (name > bytes.size() - at || desc > bytes.size() - at - name)
      return;
    const char *owner = bytes.data() + at, *body = owner + name;
    if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && !std::memcmp(owner, "GNU", 4)) {
      out.gnuBuildId.clear();
      for (uint32_t i = 0; i < n.n_descsz; ++i) {
        out.gnuBuildId += "0123456789abcdef"[static_cast<unsigned char>(body[i]) >> 4];
        out.gnuBuildId += "0123456789abcdef"[static_cast<unsigned char>(body[i]) & 15];
      }
    }
    if (n.n_type == TSR_NOTE_TYPE && n.n_namesz == sizeof(TSR_NOTE_OWNER) &&
        !std::memcmp(owner, TSR_NOTE_OWNER, sizeof(TSR_NOTE_OWNER))) {
      out.hasNote = true;
      // A shorter or longer note is judged by its own fields: take what is there.
      out.note = tsr_note{};
      std::memcpy(&out.note, body, std::min<size_t>(n.n_descsz, sizeof out.note));
      out.note.size = std::min<uint32_t>(out.note.size, n.n_descsz);
    }
    at += name + desc;
  }
}

std::string textAt(const std::vector<char> &strings, uint64_t at) {
  if (at >= strings.size())
    return {};
  return {strings.data() + at, strnlen(strings.data() + at, strings.size() - at)};
}

// The dynamic symbol table and DT_NEEDED, found through the section headers.
std::string readDynamic(const ElfFile &f, const Elf64_Ehdr &h, LibraryFacts &out) {
  std::vector<Elf64_Shdr> sections;
  if (h.e_shnum == 0)
    return "has no section headers, so its symbols cannot be checked";
  if (h.e_shentsize != sizeof(Elf64_Shdr) || !f.readTable(h.e_shoff, h.e_shnum, sections))
    return truncated(f, "the table of sections");
  for (const Elf64_Shdr &s : sections) {
    if (s.sh_type != SHT_DYNSYM && s.sh_type != SHT_DYNAMIC)
      continue;
    std::vector<char> strings;
    if (s.sh_link >= sections.size() ||
        !f.readTable(sections[s.sh_link].sh_offset, sections[s.sh_link].sh_size, strings))
      return truncated(f, "a table of strings");
    if (s.sh_type == SHT_DYNSYM) {
      std::vector<Elf64_Sym> symbols;
      if (!f.readTable(s.sh_offset, s.sh_size / sizeof(Elf64_Sym), symbols))
        return truncated(f, "the table of symbols");
      for (const Elf64_Sym &y : symbols) {
        unsigned bind = ELF64_ST_BIND(y.st_info);
        if (y.st_shndx != SHN_UNDEF && (bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE))
          out.exports.push_back(textAt(strings, y.st_name));
      }
    } else {
      std::vector<Elf64_Dyn> entries;
      if (!f.readTable(s.sh_offset, s.sh_size / sizeof(Elf64_Dyn), entries))
        return truncated(f, "the dynamic section");
      for (const Elf64_Dyn &d : entries)
        if (d.d_tag == DT_NEEDED)
          out.needed.push_back(textAt(strings, d.d_un.d_val));
    }
  }
  return {};
}

} // namespace

std::string readLibraryFacts(const std::string &path, LibraryFacts &out) {
  out = {};
  ElfFile f;
  Elf64_Ehdr h{};
  std::string problem = f.open(path);
  if (problem.empty())
    problem = checkHeader(f, h);
  if (!problem.empty())
    return problem;
  std::vector<Elf64_Phdr> segments;
  if (!f.readTable(h.e_phoff, h.e_phnum, segments))
    return truncated(f, "the table of segments");
  for (const Elf64_Phdr &s : segments) {
    // The dynamic loader would map past the end of the file and fault later.
    if (s.p_offset > f.size() || s.p_filesz > f.size() - s.p_offset)
      return truncated(f, "a segment");
    std::vector<char> bytes;
    if (s.p_type == PT_NOTE && s.p_filesz <= (1u << 20) && f.readTable(s.p_offset, s.p_filesz, bytes))
      readNotes(bytes, out);
  }
  return readDynamic(f, h, out);
}

std::vector<std::string> lintLibrary(const LibraryFacts &facts) {
  std::vector<std::string> problems;
  for (const char *symbol : {TSR_NOTE_SYMBOL, TSR_NEGOTIATE_SYMBOL})
    if (std::find(facts.exports.begin(), facts.exports.end(), symbol) == facts.exports.end())
      problems.push_back(std::string("does not export ") + symbol);
  size_t others = 0;
  std::string first;
  for (const std::string &e : facts.exports)
    if (e.rfind("tsr_plugin_negotiate_v", 0) != 0 && e.rfind("tsr_plugin_note_v", 0) != 0 && others++ == 0)
      first = e;
  if (others)
    problems.push_back("exports " + std::to_string(others) + " symbols beside the ABI's, " + first +
                       " for one: link with the SDK's plugin.exports");
  for (const std::string &n : facts.needed)
    for (const char *forbidden : {"libLLVM", "libMLIR", "libpython", "libclang"})
      if (n.rfind(forbidden, 0) == 0)
        problems.push_back("needs " + n + ": link LLVM and MLIR statically and hidden, and no Python");
  return problems;
}

} // namespace tessera::plugin
