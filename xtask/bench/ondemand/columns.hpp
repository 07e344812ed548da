// Columns as Arrow lays them out, but for validity, which takes a byte a value here, and checksums of what they hold.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

// Sums up a column in the order of its rows, nulls included: h = h * PRIME + (null ? 0 : value + 1), modulo 2^64, where the
// value is a whole number itself, the bits of a float, or a string's FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/).
class Checksum {
public:
  void null() { add(0); }
  void value(uint64_t bits) { add(bits + 1); }
  void string(std::string_view text) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const unsigned char byte : text) {
      hash = (hash ^ byte) * PRIME;
    }
    value(hash);
  }
  uint64_t get() const { return sum_; }

private:
  static constexpr uint64_t PRIME = 0x100000001b3;
  void add(uint64_t term) { sum_ = sum_ * PRIME + term; }
  uint64_t sum_ = 0;
};

// Whole numbers, floats, bools (a byte each) and points in time.
template <typename T> class Fixed {
public:
  void push(T value) {
    values_.push_back(value);
    valid_.push_back(1);
  }
  void push_null() {
    values_.push_back(T{});
    valid_.push_back(0);
  }
  size_t bytes() const { return values_.size() * sizeof(T); }

  void sum(Checksum &checksum) const {
    for (size_t row = 0; row < values_.size(); row++) {
      valid_[row] ? checksum.value(bits(values_[row])) : checksum.null();
    }
  }
  void clear() {
    values_.clear();
    valid_.clear();
  }

private:
  static uint64_t bits(int64_t value) { return static_cast<uint64_t>(value); }
  static uint64_t bits(uint8_t value) { return value; }
  static uint64_t bits(double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
  }

  std::vector<T> values_;
  std::vector<uint8_t> valid_;
};

// One buffer of bytes, and where each string ends in it.
class Strings {
public:
  void push(std::string_view text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    end(1);
  }
  void push_null() { end(0); }
  size_t bytes() const { return bytes_.size() + ends_.size() * sizeof(int32_t); }

  void sum(Checksum &checksum) const {
    size_t start = 0;
    for (size_t row = 0; row < ends_.size(); row++) {
      const size_t stop = static_cast<size_t>(ends_[row]);
      valid_[row] ? checksum.string({bytes_.data() + start, stop - start}) : checksum.null();
      start = stop;
    }
  }
  void clear() {
    bytes_.clear();
    ends_.clear();
    valid_.clear();
  }

private:
  void end(uint8_t valid) {
    ends_.push_back(static_cast<int32_t>(bytes_.size()));
    valid_.push_back(valid);
  }

  std::vector<char> bytes_;
  std::vector<int32_t> ends_;
  std::vector<uint8_t> valid_;
};
