// Npy.cpp - the .npy format (numpy.lib.format: magic, version, header length, a dict literal, data)
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Npy.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tessera::cli {

namespace {

struct DtypeRow {
  const char *descr, *type;
  unsigned bytes;
};
constexpr DtypeRow kDtypes[] = {{"<f2", "fp16", 2}, {"<f4", "fp32", 4}, {"<f8", "fp64", 8}, {"|i1", "i8", 1},
                                {"<i2", "i16", 2},  {"<i4", "i32", 4},  {"<i8", "i64", 8},  {"|u1", "u8", 1},
                                {"<u2", "u16", 2},  {"<u4", "u32", 4},  {"<u8", "u64", 8},  {"|b1", "u1", 1}};
constexpr DtypeRow kOnlyTypes[] = {{"|b1", "i1", 1},      {"<u2", "bf16", 2},    {"|u1", "fp8e5", 1},
                                   {"|u1", "fp8e4nv", 1}, {"|u1", "fp8e4b8", 1}, {"|u1", "fp8e5b16", 1},
                                   {"|u1", "fp8e4b15", 1}};

// "'key': value" of the header's dict literal, as text; empty if missing.
std::string headerField(const std::string &header, const std::string &key) {
  size_t at = header.find("'" + key + "'");
  if (at == std::string::npos)
    at = header.find("\"" + key + "\"");
  if (at == std::string::npos)
    return {};
  at = header.find(':', at);
  if (at == std::string::npos)
    return {};
  ++at;
  while (at < header.size() && header[at] == ' ')
    ++at;
  if (at >= header.size())
    return {};
  char open = header[at];
  if (open == '\'' || open == '"') {
    size_t end = header.find(open, at + 1);
    return end == std::string::npos ? std::string() : header.substr(at + 1, end - at - 1);
  }
  if (open == '[') { // the fields of a structured dtype, which may be structured themselves
    size_t end = at;
    for (int depth = 0; end < header.size(); ++end)
      if ((depth += (header[end] == '[') - (header[end] == ']')) == 0)
        break;
    return header.substr(at, end + 1 - at);
  }
  size_t end = open == '(' ? header.find(')', at) : header.find_first_of(",}", at);
  if (end == std::string::npos)
    return {};
  return header.substr(at, open == '(' ? end - at + 1 : end - at);
}

// Empty, or what is wrong with it.
std::string parseShape(const std::string &text, std::vector<int64_t> &shape) {
  std::string malformed = "has a malformed header (descr and shape are needed)";
  std::string tooLarge = "has the shape " + text + ", which is more than 64 bits can count";
  if (text.size() < 2 || text.front() != '(' || text.back() != ')')
    return malformed;
  int64_t total = 1;
  for (size_t i = 1; i < text.size() - 1;) {
    if (text[i] == ' ' || text[i] == ',') {
      ++i;
      continue;
    }
    int64_t v = 0;
    size_t start = i;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
      if (v > (INT64_MAX - 9) / 10)
        return tooLarge;
      v = v * 10 + (text[i] - '0');
    }
    if (i == start)
      return text[i] == '-' ? "has the shape " + text + "; no side can be negative" : malformed;
    if (text[i] == 'L')
      ++i;
    if (v != 0 && total > INT64_MAX / 16 / std::max<int64_t>(v, 1))
      return tooLarge;
    total *= v;
    shape.push_back(v);
  }
  return {};
}

bool readWhole(const std::string &path, std::vector<unsigned char> &bytes, std::string &error) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    error = std::string("cannot be opened: ") + std::strerror(errno);
    return false;
  }
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    error = "is not a regular file";
    close(fd);
    return false;
  }
  bytes.resize(static_cast<size_t>(st.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t n = read(fd, bytes.data() + done, bytes.size() - done);
    if (n <= 0)
      break;
    done += static_cast<size_t>(n);
  }
  close(fd);
  bytes.resize(done);
  return true;
}

} // namespace

int64_t NpyArray::numElements() const {
  int64_t n = 1;
  for (int64_t d : shape)
    n *= d;
  return n;
}

std::string tritonTypeOfDescr(const std::string &descr) {
  for (const DtypeRow &row : kDtypes)
    if (descr.size() == 3 && descr.substr(1) == row.descr + 1 && descr[0] != '>')
      return row.type;
  return {};
}

std::string descrOfTritonType(const std::string &type) {
  for (const DtypeRow &row : kDtypes)
    if (type == row.type)
      return row.descr;
  for (const DtypeRow &row : kOnlyTypes)
    if (type == row.type)
      return row.descr;
  return {};
}

unsigned bytesOfTritonType(const std::string &type) {
  for (const DtypeRow &row : kDtypes)
    if (type == row.type)
      return row.bytes;
  for (const DtypeRow &row : kOnlyTypes)
    if (type == row.type)
      return row.bytes;
  return 0;
}

std::optional<NpyArray> readNpy(const std::string &path, std::string &error) {
  std::vector<unsigned char> file;
  if (!readWhole(path, file, error))
    return std::nullopt;
  if (file.size() < 10 || std::memcmp(file.data(), "\x93NUMPY", 6) != 0) {
    error = "is not a .npy file: it does not start with \\x93NUMPY";
    return std::nullopt;
  }
  unsigned major = file[6];
  if (major < 1 || major > 3) {
    error = "has format version " + std::to_string(major) + "; 1, 2 and 3 can be read";
    return std::nullopt;
  }
  size_t start = major == 1 ? 10 : 12;
  if (file.size() < start) {
    error = "is truncated in its header";
    return std::nullopt;
  }
  size_t length = file[8] | file[9] << 8;
  if (major > 1)
    length |= static_cast<size_t>(file[10]) << 16 | static_cast<size_t>(file[11]) << 24;
  if (length > file.size() - start) {
    error = "is truncated in its header";
    return std::nullopt;
  }
  std::string header(reinterpret_cast<const char *>(file.data()) + start, length);
  NpyArray array;
  array.descr = headerField(header, "descr");
  error = parseShape(headerField(header, "shape"), array.shape);
  if (error.empty() && array.descr.empty())
    error = "has a malformed header (descr and shape are needed)";
  if (!error.empty())
    return std::nullopt;
  if (array.descr == "|O" || array.descr == "O") {
    error = "has Python objects for elements; convert it with astype(numpy.float32) or another number";
    return std::nullopt;
  }
  if (array.descr[0] == '[') {
    error = "has fields for elements, " + array.descr + "; save one of them, as array['name']";
    return std::nullopt;
  }
  unsigned long width = array.descr.size() < 3 ? 0 : std::strtoul(array.descr.c_str() + 2, nullptr, 10);
  if (array.descr[0] == '>' || width == 0 || width > 16) {
    error = "has elements of type '" + array.descr + "', which cannot be used; little-endian numbers can";
    return std::nullopt;
  }
  if (headerField(header, "fortran_order").substr(0, 4) == "True" && array.shape.size() > 1) {
    error = "is in Fortran order; save it with numpy.ascontiguousarray";
    return std::nullopt;
  }
  size_t want = static_cast<size_t>(array.numElements()) * width, have = file.size() - start - length;
  if (have < want) {
    error = "is truncated: its header promises " + std::to_string(want) + " bytes of data, the file has " +
            std::to_string(have);
    return std::nullopt;
  }
  array.bytes.assign(file.begin() + static_cast<ptrdiff_t>(start + length),
                     file.begin() + static_cast<ptrdiff_t>(start + length + want));
  return array;
}

bool writeNpy(OutputFiles &files, const std::string &path, const NpyArray &array, std::string &error) {
  std::string header = "{'descr': '" + array.descr + "', 'fortran_order': False, 'shape': (";
  for (int64_t d : array.shape)
    header += std::to_string(d) + ",";
  header += "), }";
  header.append(64 - (10 + header.size() + 1) % 64, ' ');
  header += '\n';
  const char start[10] = {'\x93',
                          'N',
                          'U',
                          'M',
                          'P',
                          'Y',
                          1,
                          0,
                          static_cast<char>(header.size() & 255),
                          static_cast<char>(header.size() >> 8)};
  return files.write(
      path, {{start, sizeof start}, header, {reinterpret_cast<const char *>(array.bytes.data()), array.bytes.size()}},
      error);
}

} // namespace tessera::cli
