// The two tables of `flights_typed.yaml`.
#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <tuple>

#include "columns.hpp"

// Some columns that grow together, with their names, and the sum of what was in them.
template <typename... Columns> class Table {
public:
  using Names = std::array<const char *, sizeof...(Columns)>;

  Table(const char *name, Names names) : name_(name), names_(names) {}

  template <size_t I> auto &column() { return std::get<I>(columns_); }
  void end_row() { rows_++; }

  size_t bytes() const {
    return std::apply([](const auto &...column) { return (column.bytes() + ...); }, columns_);
  }

  // Forgets the rows, after adding them to the checksums where `sum` says so.
  void flush(bool sum) {
    if (sum) {
      size_t at = 0;
      std::apply([&](const auto &...column) { (column.sum(checksums_[at++]), ...); }, columns_);
    }
    std::apply([](auto &...column) { (column.clear(), ...); }, columns_);
  }

  // As JSON: {"table": …, "rows": …, "checksums": {column: hexadecimal digits, …}}
  std::string json() const {
    std::string text = "{\"table\": \"" + std::string(name_) + "\", \"rows\": " + std::to_string(rows_) + ", \"checksums\": {";
    for (size_t at = 0; at < names_.size(); at++) {
      char digits[17];
      std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(checksums_[at].get()));
      text += std::string(at ? ", " : "") + "\"" + names_[at] + "\": \"" + digits + "\"";
    }
    return text + "}}";
  }

private:
  const char *name_;
  Names names_;
  std::tuple<Columns...> columns_;
  std::array<Checksum, sizeof...(Columns)> checksums_;
  size_t rows_ = 0;
};

using Int64 = Fixed<int64_t>;
using Float64 = Fixed<double>;
using Bool = Fixed<uint8_t>;
using Timestamp = Fixed<int64_t>;

enum Search { S_ID, S_ROUTE, S_DATE, S_COMPANY, S_PROFILE, S_VIP };
using SearchTable = Table<Strings, Strings, Timestamp, Int64, Int64, Bool>;
inline const SearchTable::Names SEARCH_COLUMNS = {"ranker_id",  "search_route", "request_date",
                                                  "company_id", "profile_id",   "is_vip"};

enum Pricing {
  P_ID,
  P_OPTION,
  P_PRICING,
  P_CARRIER,
  P_TOTAL,
  P_TAXES,
  P_CURRENCY,
  P_TARIFF,
  P_POLICY,
  P_CABIN,
  P_SEATS,
  P_BAGGAGE,
  P_CANCEL
};
using PricingTable = Table<Strings, Strings, Strings, Strings, Float64, Float64, Strings, //
                           Int64, Bool, Int64, Int64, Int64, Float64>;
inline const PricingTable::Names PRICING_COLUMNS = {
    "ranker_id",   "option_id",        "pricing_id", "carrier", "total_price", "taxes",     "currency",
    "tariff_code", "in_travel_policy", "cabin",      "seats",   "baggage",     "cancel_fee"};
