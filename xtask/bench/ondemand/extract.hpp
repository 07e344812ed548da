// The columns of `flights_typed.yaml` out of one document, by simdjson's On-Demand.
//
// Members are looked up in the order in which documents have them, which is the order that On-Demand is fastest in; where
// another order comes, or a member is missing, it still finds the right ones. What is not looked up is skipped by its
// brackets alone: On-Demand does not say whether it is JSON. Strings that are taken are unescaped, numbers checked.
#pragma once

#include <cstdio>
#include <stdexcept>
#include <string>

#include <simdjson.h>

#include "archive.hpp"
#include "tables.hpp"

namespace od = simdjson::ondemand;

class Extractor {
public:
  SearchTable search{"search", SEARCH_COLUMNS};
  PricingTable pricings{"pricings", PRICING_COLUMNS};

  void document(std::string_view id, std::string_view content, size_t capacity) {
    od::document document = parser_.iterate(simdjson::padded_string_view(content.data(), content.size(), capacity));
    od::object root = document.get_object();
    search.column<S_ID>().push(id);
    od::object person = root["personalData"];
    push_int(search.column<S_PROFILE>(), person["profileId"]);
    push_int(search.column<S_COMPANY>(), person["companyID"]);
    push_bool(search.column<S_VIP>(), person["isVip"]);
    od::object route = root["routeData"];
    push_time(search.column<S_DATE>(), route["requestDate"]);
    push_string(search.column<S_ROUTE>(), route["searchRoute"]);
    search.end_row();
    for (od::object option : root["data"]["$values"].get_array()) {
      offer(id, option);
    }
  }

  size_t bytes() const { return search.bytes() + pricings.bytes(); }

  void flush(bool sum) {
    search.flush(sum);
    pricings.flush(sum);
  }

private:
  void offer(std::string_view ranker_id, od::object option) {
    const std::string_view option_id = option["id"];
    std::string_view carrier;
    const bool has_carrier = present(option["validatingCarrier"].get_string().get(carrier));
    for (od::object pricing : option["pricings"].get_array()) {
      pricings.column<P_ID>().push(ranker_id);
      pricings.column<P_OPTION>().push(option_id);
      has_carrier ? pricings.column<P_CARRIER>().push(carrier) : pricings.column<P_CARRIER>().push_null();
      price(pricing);
      pricings.end_row();
    }
  }

  void price(od::object pricing) {
    push_string(pricings.column<P_PRICING>(), pricing["id"]);
    push_float(pricings.column<P_TOTAL>(), pricing["totalPrice"]);
    push_float(pricings.column<P_TAXES>(), pricing["taxes"]);
    push_string(pricings.column<P_CURRENCY>(), pricing["currencyCode"]);
    push_int(pricings.column<P_TARIFF>(), pricing["corporateTariffCode"]);
    cancel_fee(pricing["miniRules"]);
    od::object info = pricing["pricingInfo"].at(0).get_object();
    push_bool(pricings.column<P_POLICY>(), info["isAccessTP"]);
    od::object fare = info["faresInfo"].at(0).get_object();
    push_int(pricings.column<P_CABIN>(), fare["cabinClass"]);
    push_int(pricings.column<P_SEATS>(), fare["seatsAvailable"]);
    push_int(pricings.column<P_BAGGAGE>(), fare["baggageAllowance"]["quantity"]);
  }

  // The amount of the first rule of category 31.
  void cancel_fee(simdjson::simdjson_result<od::value> found) {
    od::array rules;
    if (present(found.get_array().get(rules))) {
      for (od::object rule : rules) {
        if (rule["category"].get_int64().value() == 31) {
          return push_float(pricings.column<P_CANCEL>(), rule["monetaryAmount"]);
        }
      }
    }
    pricings.column<P_CANCEL>().push_null();
  }

  using Found = simdjson::simdjson_result<od::value>;

  static void push_string(Strings &column, Found found) {
    std::string_view text;
    present(found.get_string().get(text)) ? column.push(text) : column.push_null();
  }
  static void push_int(Int64 &column, Found found) {
    int64_t number;
    present(found.get_int64().get(number)) ? column.push(number) : column.push_null();
  }
  static void push_float(Float64 &column, Found found) {
    double number;
    present(found.get_double().get(number)) ? column.push(number) : column.push_null();
  }
  static void push_bool(Bool &column, Found found) {
    bool truth;
    present(found.get_bool().get(truth)) ? column.push(truth) : column.push_null();
  }
  static void push_time(Timestamp &column, Found found) {
    std::string_view text;
    present(found.get_string().get(text)) ? column.push(microseconds(text)) : column.push_null();
  }

  // Whether there is a value of the type that was asked for; the only other thing that may stand there is null.
  static bool present(simdjson::error_code error) {
    if (error == simdjson::SUCCESS) {
      return true;
    }
    if (error == simdjson::INCORRECT_TYPE || error == simdjson::NO_SUCH_FIELD) {
      return false;
    }
    throw simdjson::simdjson_error(error);
  }

  // `2024-11-29T19:23:00Z` in microseconds since 1970.
  static int64_t microseconds(std::string_view text) {
    int year, month, day, hour, minute, second;
    char zone = 0;
    const std::string copy(text);
    if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%c", &year, &month, &day, &hour, &minute, &second, &zone) != 7 ||
        zone != 'Z') {
      throw std::runtime_error("not a point in time as the samples write it: " + copy);
    }
    return ((days(year, month, day) * 24 + hour) * 60 + minute) * 60'000'000 + second * 1'000'000LL;
  }

  // Days since 1970-01-01 (https://howardhinnant.github.io/date_algorithms.html#days_from_civil).
  static int64_t days(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    const int64_t era = year / 400, of_era = year % 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
  }

  od::parser parser_;
};
