// How fast simdjson's On-Demand takes the columns of `flights_typed.yaml` out of an archive that is in memory, on one core.
//
//     g++ -std=c++17 -O3 -march=native main.cpp -o ondemand -lsimdjson     (Debian: apt install libsimdjson-dev)
//     ./ondemand ARCHIVE PASSES
//
// Prints, as one line of JSON, the rows and checksums of both tables, which the first pass adds up, and the seconds of
// processor time of each pass after it, the walk over tar headers included. Rows are dropped when they reach a mebibyte, as
// a worker sends them.

#include <cstdio>
#include <ctime>
#include <exception>

#include "extract.hpp"

static constexpr size_t FLUSH_BYTES = 1 << 20;

// The seconds that this thread has been on a processor, so that a busy machine does not change the answer much.
static double processor_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// One pass over all documents. Gives its seconds.
static double pass(const Archive &archive, Extractor &extractor, bool sum) {
  const double start = processor_time();
  archive.walk([&](const Member &member) {
    extractor.document(member.id, member.content, archive.capacity(member.content));
    if (extractor.bytes() >= FLUSH_BYTES) {
      extractor.flush(sum);
    }
  });
  extractor.flush(sum);
  return processor_time() - start;
}

int main(int count, char **arguments) try {
  if (count != 3) {
    std::fprintf(stderr, "usage: %s ARCHIVE PASSES\n", arguments[0]);
    return 2;
  }
  const Archive archive(arguments[1]);
  Extractor extractor;
  pass(archive, extractor, true);
  const std::string tables = extractor.search.json() + ", " + extractor.pricings.json();
  std::string seconds;
  for (int left = std::atoi(arguments[2]); left > 0; left--) {
    seconds += (seconds.empty() ? "" : ", ") + std::to_string(pass(archive, extractor, false));
  }
  std::printf("{\"engine\": \"simdjson On-Demand (%s)\", \"tables\": [%s], \"seconds\": [%s]}\n",
              simdjson::get_active_implementation()->name().c_str(), tables.c_str(), seconds.c_str());
  return 0;
} catch (const std::exception &error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
