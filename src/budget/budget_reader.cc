// SPDX-License-Identifier: Apache-2.0
// From TOML to rules.  What is wrong is reported with its place, all of it at once.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "budget/lint.h"
#include "budget/metric.h"
#include "wqprof/arguments.h"
#include "wqprof/did_you_mean.h"

namespace wqprof {
namespace {

Place PlaceOf(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}
Place PlaceOf(const toml::node& node) { return PlaceOf(node.source()); }
Place PlaceOf(const toml::key& key) { return PlaceOf(key.source()); }

std::string Words(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string TextOf(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

constexpr std::string_view kSettingKeys[] = {"confidence",    "min_samples",     "max_lost_events",
                                             "max_unmatched", "on_inconclusive", "correction",
                                             "few_samples"};
constexpr std::string_view kRuleKeys[] = {"name",   "workqueue", "function", "pool", "cpu",
                                          "origin", "for_each",  "level",    "match"};
constexpr std::string_view kRegressionKeys[] = {"metric", "max_ratio", "min_delta", "min_runs"};

// Reads one file.
class BudgetReader {
 public:
  explicit BudgetReader(const std::string& path) { out_.budget.path = path; }

  ParsedBudget Read(std::string_view text) {
    const toml::parse_result result = toml::parse(text, std::string_view(out_.budget.path));
    if (!result) {
      const toml::parse_error& error = result.error();
      Problem(PlaceOf(error.source()), std::string(error.description()));
      return std::move(out_);
    }
    ReadRoot(result.table());
    if (out_.ok()) LintBudget(out_.budget, out_.problems);
    std::stable_sort(out_.problems.begin(), out_.problems.end(),
                     [](const auto& a, const auto& b) { return a.place.line < b.place.line; });
    return std::move(out_);
  }

 private:
  void Problem(Place place, std::string text) {
    out_.problems.push_back({place, std::move(text), false});
  }

  void UnknownKey(const toml::key& key, std::vector<std::string> known) {
    Problem(PlaceOf(key),
            fmt::format("unknown key '{}'{}", key.str(), DidYouMean(key.str(), known)));
  }

  void ReadRoot(const toml::table& root) {
    const std::vector<std::string> known = {"schema", "defaults", "budget", "regression"};
    bool schema = false;
    // Rules take the defaults, wherever these stand.
    if (const toml::node* node = root.get("defaults")) ReadDefaults(*node);
    for (auto&& [key, node] : root) {
      if (key == "schema") {
        schema = true;
        if (node.value<int64_t>() != 1)
          Problem(PlaceOf(node), "this program knows schema = 1 only");
      } else if (key == "budget" || key == "regression") {
        ReadRules(key, node);
      } else if (key != "defaults") {
        UnknownKey(key, known);
      }
    }
    if (!schema)
      Problem({1, 1}, "the file does not say which schema it has: begin with schema = 1");
    std::stable_sort(out_.budget.rules.begin(), out_.budget.rules.end(),
                     [](const Rule& a, const Rule& b) { return a.place.line < b.place.line; });
    if (out_.budget.rules.empty() && out_.problems.empty()) {
      Problem({1, 1}, "there is no rule in it: write a [[budget]] or a [[regression]]");
    }
  }

  void ReadDefaults(const toml::node& node) {
    if (!node.is_table()) return Problem(PlaceOf(node), "defaults is a table: write [defaults]");
    for (auto&& [key, value] : *node.as_table()) {
      if (key == "stall_threshold") {
        out_.budget.stall_threshold = Nanos(static_cast<int64_t>(Time(value)));
      } else if (!ReadSetting(key, value, defaults_)) {
        std::vector<std::string> known(std::begin(kSettingKeys), std::end(kSettingKeys));
        known.push_back("stall_threshold");
        UnknownKey(key, known);
      }
    }
  }

  void ReadRules(const toml::key& key, const toml::node& node) {
    if (!node.is_array_of_tables()) {
      return Problem(PlaceOf(key),
                     fmt::format("{} is a list of rules: write [[{}]]", key.str(), key.str()));
    }
    for (const toml::node& rule : *node.as_array()) {
      ReadRule(*rule.as_table(), key == "regression");
    }
  }

  void ReadRule(const toml::table& table, bool regression) {
    Rule rule;
    rule.place = PlaceOf(table);
    rule.settings = defaults_;
    if (regression) {
      rule.regression.emplace();
      // A list of everything has rare members; a comparison of those says nothing.
      rule.settings.skip_few_samples = true;
    }
    bool has_metric = false;
    for (auto&& [key, node] : table) {
      if (ReadRuleKey(key, node, rule) || ReadSetting(key, node, rule.settings)) continue;
      if (regression) {
        has_metric |= key == "metric";
        if (!ReadRegressionKey(key, node, *rule.regression)) RefuseRuleKey(key, true);
      } else if (!IsMetricHead(key.str())) {
        RefuseRuleKey(key, false);
      } else {
        ReadLimits(std::string(key.str()), PlaceOf(key), node, rule);
      }
    }
    if (rule.name.empty()) rule.name = fmt::format("rule at line {}", rule.place.line);
    if (regression && !has_metric) {
      Problem(rule.place, "a regression needs a metric, such as metric = \"latency.p99\"");
    }
    if (const toml::node* delta = table.get("min_delta"); has_metric && delta != nullptr) {
      rule.regression->min_delta = MinDelta(*delta, rule.regression->metric);
    }
    if (!regression && rule.limits.empty()) {
      Problem(rule.place, "this rule limits nothing: add a line such as latency.p99 = \"10ms\"");
    }
    std::stable_sort(rule.limits.begin(), rule.limits.end(),
                     [](const Limit& a, const Limit& b) { return a.place.line < b.place.line; });
    out_.budget.rules.push_back(std::move(rule));
  }

  static bool IsMetricHead(std::string_view key) {
    const auto names = QuantityNames();
    return std::find(names.begin(), names.end(), key) != names.end();
  }

  void RefuseRuleKey(const toml::key& key, bool regression) {
    std::vector<std::string> known(std::begin(kRuleKeys), std::end(kRuleKeys));
    known.insert(known.end(), std::begin(kSettingKeys), std::end(kSettingKeys));
    if (regression) {
      known.insert(known.end(), std::begin(kRegressionKeys), std::end(kRegressionKeys));
    } else {
      const auto names = QuantityNames();
      known.insert(known.end(), names.begin(), names.end());
    }
    UnknownKey(key, known);
  }

  bool ReadRuleKey(const toml::key& key, const toml::node& node, Rule& rule) {
    ItemSelector& s = rule.selector;
    if (key == "name") {
      rule.name = String(node);
    } else if (key == "workqueue") {
      s.workqueues = Globs(node);
      s.places.workqueues = PlaceOf(node);
    } else if (key == "function") {
      s.functions = Globs(node);
      s.places.functions = PlaceOf(node);
    } else if (key == "pool") {
      s.pools = Globs(node);
      s.places.pools = PlaceOf(node);
    } else if (key == "origin") {
      s.origins = Globs(node);
      s.places.origins = PlaceOf(node);
    } else if (key == "cpu") {
      s.cpus = Cpus(node);
    } else if (key == "for_each") {
      rule.for_each = static_cast<ForEach>(
          Choice(node, {"", "function", "workqueue", "pool", "cpu", "origin"}));
    } else if (key == "level") {
      rule.warn_only = Choice(node, {"error", "warn"}) == 1;
    } else if (key == "match") {
      rule.match_required = Choice(node, {"required", "optional"}) == 0;
    } else {
      return false;
    }
    return true;
  }

  bool ReadSetting(const toml::key& key, const toml::node& node, RuleSettings& settings) {
    if (key == "confidence") {
      settings.confidence = Number(node);
      if (!(settings.confidence >= 0.5 && settings.confidence < 1)) {
        Problem(PlaceOf(node), "a confidence lies between 0.5 and 1, such as 0.95");
      }
    } else if (key == "min_samples") {
      if (node.value<std::string_view>() == "auto") {
        settings.min_samples.reset();
      } else {
        settings.min_samples = Count(node, "\"auto\" or a number of items");
      }
    } else if (key == "max_lost_events") {
      settings.max_lost_events = Count(node, "a number of events");
    } else if (key == "max_unmatched") {
      settings.max_unmatched = Share(node);
    } else if (key == "on_inconclusive") {
      settings.on_inconclusive =
          static_cast<RuleSettings::OnInconclusive>(Choice(node, {"fail", "warn", "pass"}));
    } else if (key == "correction") {
      settings.benjamini_hochberg = Choice(node, {"holm", "bh"}) == 1;
    } else if (key == "few_samples") {
      settings.skip_few_samples = Choice(node, {"inconclusive", "skip"}) == 1;
    } else {
      return false;
    }
    return true;
  }

  bool ReadRegressionKey(const toml::key& key, const toml::node& node, RegressionTest& test) {
    if (key == "metric") {
      const std::string text = String(node);
      if (text.empty()) return true;
      auto metric = ParseMetric(text);
      if (!metric.ok()) {
        Problem(PlaceOf(node), TextOf(metric.status()));
      } else if (!IsDurationOfItems(metric->quantity)) {
        Problem(PlaceOf(node), fmt::format("{} is not compared between runs, only durations of "
                                           "items are",
                                           metric->name));
      } else {
        test.metric = *std::move(metric);
      }
    } else if (key == "max_ratio") {
      test.max_ratio = Number(node);
      if (test.max_ratio < 1) {
        Problem(PlaceOf(node), "a ratio is new over base: 1.15 lets it be 15% slower");
      }
    } else if (key == "min_delta") {
      // The metric, which may stand below, says what it is a number of.
    } else if (key == "min_runs") {
      test.min_runs = Count(node, "a number of runs");
    } else {
      return false;
    }
    return true;
  }

  double MinDelta(const toml::node& node, const Metric& metric) {
    if (metric.is_time()) return Time(node);
    const double delta = Number(node);
    if (delta < 0) Problem(PlaceOf(node), "a difference is never negative");
    return delta;
  }

  // `latency.p99 = "10ms"` arrives as tables within tables, p99.9 even as p99 of 9.
  void ReadLimits(const std::string& name, Place place, const toml::node& node, Rule& rule) {
    if (const toml::table* table = node.as_table()) {
      for (auto&& [key, below] : *table) {
        ReadLimits(fmt::format("{}.{}", name, key.str()), PlaceOf(key), below, rule);
      }
      return;
    }
    auto metric = ParseMetric(name);
    if (!metric.ok()) return Problem(place, TextOf(metric.status()));
    Limit limit{*std::move(metric), 0, place};
    if (limit.metric.is_time()) {
      limit.value = Time(node);
    } else if (limit.metric.quantity == Quantity::kBusyFraction) {
      limit.value = Share(node);
    } else {
      limit.value = Number(node);
      if (limit.value < 0) Problem(PlaceOf(node), "a limit is never negative");
    }
    rule.limits.push_back(std::move(limit));
  }

  std::string String(const toml::node& node) {
    if (const auto text = node.value<std::string>(); text && node.is_string()) return *text;
    Problem(PlaceOf(node), "this must be a text in quotes");
    return "";
  }

  std::vector<std::string> Globs(const toml::node& node) {
    std::vector<std::string> out;
    if (const toml::array* array = node.as_array()) {
      for (const toml::node& element : *array) out.push_back(String(element));
      if (array->empty()) Problem(PlaceOf(node), "an empty list selects nothing");
    } else {
      out.push_back(String(node));
    }
    return out;
  }

  std::vector<Cpu> Cpus(const toml::node& node) {
    std::vector<Cpu> out;
    const auto add = [&](const toml::node& one) {
      const auto number = one.value<int64_t>();
      const std::string text = number ? fmt::format("{}", *number) : String(one);
      const auto cpus = ParseCpuList(text);
      if (!cpus.ok()) return Problem(PlaceOf(one), TextOf(cpus.status()));
      out.insert(out.end(), cpus->begin(), cpus->end());
    };
    if (const toml::array* array = node.as_array()) {
      for (const toml::node& element : *array) add(element);
    } else {
      add(node);
    }
    return out;
  }

  size_t Choice(const toml::node& node, const std::vector<std::string>& words) {
    const auto text = node.value<std::string>();
    const auto it = text ? std::find(words.begin(), words.end(), *text) : words.end();
    if (it != words.end() && !it->empty()) return static_cast<size_t>(it - words.begin());
    std::vector<std::string> shown;
    for (const std::string& word : words) {
      if (!word.empty()) shown.push_back(word);
    }
    Problem(PlaceOf(node), fmt::format("this must be one of {}{}", Words(shown),
                                       text ? DidYouMean(*text, shown) : ""));
    return 0;
  }

  double Number(const toml::node& node) {
    if (const auto number = node.value<double>();
        number && node.is_number() && std::isfinite(*number)) {
      return *number;
    }
    Problem(PlaceOf(node), "this must be a number, without quotes and not infinite");
    return 1;
  }

  uint64_t Count(const toml::node& node, std::string_view what) {
    const auto number = node.value_exact<int64_t>();
    if (number && *number >= 0) return static_cast<uint64_t>(*number);
    Problem(PlaceOf(node), fmt::format("this must be {}", what));
    return 0;
  }

  // 0.9, or "90%".
  double Share(const toml::node& node) {
    double share = -1;
    if (node.is_number()) {
      share = *node.value<double>();
    } else if (auto text = node.value<std::string>(); text && text->ends_with('%')) {
      const char* const last = text->data() + text->size() - 1;
      const auto [end, error] = std::from_chars(text->data(), last, share);
      share = error == std::errc() && end == last ? share / 100 : -1;
    }
    if (!(share >= 0 && share <= 1)) {
      Problem(PlaceOf(node), "this must be a share between 0 and 1, or a percentage like \"90%\"");
    }
    return share;
  }

  double Time(const toml::node& node) {
    if (node.is_number()) {
      Problem(PlaceOf(node), fmt::format("a duration needs a unit and quotes, such as \"{}ms\"",
                                         node.value<double>().value_or(10)));
      return 1;
    }
    const auto time = ParseDuration(String(node));
    if (time.ok()) return static_cast<double>(time->count());
    if (node.is_string()) Problem(PlaceOf(node), TextOf(time.status()));
    return 1;
  }

  ParsedBudget out_;
  RuleSettings defaults_;
};

}  // namespace

bool ParsedBudget::ok() const {
  return std::all_of(problems.begin(), problems.end(),
                     [](const BudgetProblem& p) { return p.warning; });
}

ParsedBudget ParseBudget(std::string_view text, const std::string& path) {
  return BudgetReader(path).Read(text);
}

}  // namespace wqprof
