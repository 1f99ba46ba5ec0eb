#include "option_groups.hpp"

#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "engine.hpp"
#include "idle_words.hpp"

namespace testbab {
namespace {

const std::map<std::string, WriterKind> kWriterKinds{{"shared", WriterKind::kShared},
                                                     {"local", WriterKind::kLocal}};

}  // namespace

void add_run_options(OptionAdder& to, Options& o) {
  to.add_text("--forward-mode", "ENGINE", "what to do (below); default loop",
              [&o](const std::string& name) {
                if (find_engine(name) == nullptr)
                  throw CLI::ValidationError(fmt::format(
                      "--forward-mode: \"{}\" is no engine; there are {}", name, engine_names()));
                o.engine = name;
              });
  to.add_number("--nb-cores", o.nb_cores, 1, 127, "worker lcores to use; main isn't one");
  to.add_flag("-a,--auto-start", o.auto_start,
              "start at once; without a prompt or a script it always does");
  to.add_number(
      "--count", o.count, 0, UINT64_MAX,
      "messages to send (rxonly, relay, echo: to receive; null: frames), then stop; 0: no end");
  to.add_text("--duration", "SEC", "stop after so many seconds; 0: no end",
              [&o](const std::string& text) {
                char* end = nullptr;
                const double v = std::strtod(text.c_str(), &end);
                if (text.empty() || *end != '\0' || !(v >= 0) || v > 1e9)
                  throw CLI::ValidationError(
                      fmt::format("--duration: \"{}\" is not a number of seconds", text));
                o.duration = v;
              });
  to.add_number("--writers", o.writers, 1, 1024,
                "flowgen: writers, dealt out over the lcores; default 2");
  to.add_text("--writer-kind", "shared|local",
              "flowgen: all on one shared writer, or one local writer each; default shared",
              [&o](const std::string& t) {
                o.writer_kind = choice_value(kWriterKinds, t, "--writer-kind");
              });
  to.add_text(
      "--idle", idle_words(), "what an lcore does between turns without work; default pause",
      [&o](const std::string& t) { o.idle = choice_value(idle_strategies(), t, "--idle"); });
  to.add_text("--replay", "FILE", "replay: the capture (pcap or pcapng) with the messages to send",
              [&o](const std::string& text) {
                if (text.empty()) throw CLI::ValidationError("--replay: it takes a file's path");
                o.replay = text;
              });
  to.add_text(
      "--speed", "X|max", "replay: times the recorded pace, or as fast as they go; default 1",
      [&o](const std::string& text) {
        char* end = nullptr;
        const double v = text == "max" ? 0 : std::strtod(text.c_str(), &end);
        if (text != "max" && (text.empty() || *end != '\0' || !(v >= 1e-6 && v <= 1e6)))
          throw CLI::ValidationError(fmt::format(
              "--speed: \"{}\" is neither max nor a number from 0.000001 to 1000000", text));
        o.speed = v;
      });
  to.add_number("--repeat", o.repeat, 0, UINT64_MAX,
                "replay: times to send the capture; 0: no end; default 1");
  to.add_flag("--keep-duplicates", o.keep_duplicates,
              "replay: send messages as often as the capture has them; else once each, by session, "
              "sequence number and bytes");
  to.add_number("--idle-exit-ms", o.idle_exit_ms, 0, 86'400'000,
                "stop when nothing came for so long; 0: never");
}

}  // namespace testbab
