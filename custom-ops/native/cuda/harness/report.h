// A table for people on stdout and the same rows as JSON lines for programs.
#pragma once
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string>

namespace bmojo::cuda::harness {

class Report {
 public:
  explicit Report(const std::string& path) : file_(path.empty() ? nullptr : std::fopen(path.c_str(), "w")) {}
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;
  ~Report() {
    if (file_) std::fclose(file_);
  }
  // `fields` is the inside of a JSON object.
  void row(const std::string& line, const std::string& fields) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    if (file_) std::fprintf(file_, "{%s}\n", fields.c_str()), std::fflush(file_);
  }

 private:
  std::FILE* file_;
};

// Whether a name is among those that --only asks for; case does not matter.
inline bool isAskedFor(const std::string& name, const std::string& part) {
  const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
  return std::search(name.begin(), name.end(), part.begin(), part.end(), same) != name.end();
}

template <class... Args>
std::string format(const char* pattern, Args... args) {
  const int length = std::snprintf(nullptr, 0, pattern, args...);
  std::string text(static_cast<size_t>(length), '\0');
  std::snprintf(text.data(), text.size() + 1, pattern, args...);
  return text;
}

}  // namespace bmojo::cuda::harness
