// A tar in memory, and a walk over its members.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

// A member: its base name without `.json`, and its content.
struct Member {
  std::string_view id;
  std::string_view content;
};

// All bytes of a file, with what simdjson wants to be able to read behind them.
class Archive {
public:
  explicit Archive(const char *path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) {
      throw std::runtime_error(std::string("cannot open ") + path);
    }
    size_ = static_cast<size_t>(file.tellg());
    bytes_.resize(size_ + simdjson::SIMDJSON_PADDING);
    file.seekg(0);
    if (!file.read(bytes_.data(), static_cast<std::streamsize>(size_))) {
      throw std::runtime_error(std::string("cannot read ") + path);
    }
  }

  // Calls `visit` with each regular member. Only what `cargo xtask sample` writes is understood: ustar, no long names.
  template <typename Visit> void walk(Visit visit) const {
    for (size_t at = 0; at + BLOCK <= size_ && bytes_[at] != 0;) {
      const char *header = bytes_.data() + at;
      // Both say a regular file.
      if (header[TYPE] != '0' && header[TYPE] != 0) {
        throw std::runtime_error("a member that is no regular file, at byte " + std::to_string(at));
      }
      const size_t length = std::strtoull(header + LENGTH, nullptr, 8);
      const size_t start = at + BLOCK;
      if (length > size_ - start) {
        throw std::runtime_error("the archive ends within the member at byte " + std::to_string(at));
      }
      visit(Member{id({header, strnlen(header, NAME_WIDTH)}), {bytes_.data() + start, length}});
      at = start + (length + BLOCK - 1) / BLOCK * BLOCK;
    }
  }

  // How many bytes may be read from the start of `content` on.
  size_t capacity(std::string_view content) const {
    return static_cast<size_t>(bytes_.data() + bytes_.size() - content.data());
  }

private:
  // The layout of a ustar header, in bytes (POSIX.1-2017, pax).
  static constexpr size_t BLOCK = 512, NAME_WIDTH = 100, LENGTH = 124, TYPE = 156;

  static std::string_view id(std::string_view name) {
    name.remove_prefix(name.rfind('/') + 1);
    name.remove_suffix(std::string_view(".json").size());
    return name;
  }

  std::vector<char> bytes_;
  size_t size_ = 0;
};
