// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <pugixml.hpp>
#include <sstream>

#include "render/check_words.h"
#include "render/text.h"
#include "wqprof/render_verdicts.h"

namespace wqprof {
namespace {

void Set(pugi::xml_node node, const char* name, std::string_view text) {
  // XML has no way to write most control characters.
  node.append_attribute(name).set_value(Escaped(text).c_str());
}

void AppendCase(pugi::xml_node suite, const CheckResult& result, const RuleOutcome& outcome) {
  const OutcomeWords words = InWords(result, outcome);
  pugi::xml_node test = suite.append_child("testcase");
  Set(test, "classname", outcome.name);
  Set(test, "name",
      outcome.instance.empty() ? outcome.metric.name
                               : outcome.instance + " " + outcome.metric.name);
  Set(test, "time", "0");
  const std::string sentence = Sentence(words, outcome);
  const auto add = [&](const char* kind, const char* type) {
    pugi::xml_node node = test.append_child(kind);
    Set(node, "message", sentence);
    if (type != nullptr) Set(node, "type", type);
    if (type != nullptr) node.text().set(Escaped(words.place + ": " + sentence).c_str());
  };
  switch (outcome.verdict) {
    case Verdict::kPass:
      break;
    case Verdict::kFail:
      // A warning fails nothing: its text is all there is of it.
      if (!outcome.warn_only) add("failure", "budget");
      break;
    case Verdict::kInconclusive:
      if (outcome.warn_only || result.budget.rules[outcome.rule].settings.on_inconclusive !=
                                   RuleSettings::OnInconclusive::kFail) {
        add("skipped", nullptr);
      } else {
        add("error", "inconclusive");
      }
      break;
    case Verdict::kSkipped:
      add("skipped", nullptr);
      break;
  }
  // Values would be properties, but the schema that Jenkins checks knows them for suites only.
  test.append_child("system-out")
      .text()
      .set(Escaped(fmt::format("{} {}: {}", words.verdict, words.place, sentence)).c_str());
}

// A run that went wrong is none of the limits' failures.
void AppendFailedRun(pugi::xml_node suite, size_t number, const CheckResult::RunNote& run) {
  pugi::xml_node test = suite.append_child("testcase");
  Set(test, "classname", "wqprof check");
  Set(test, "name", fmt::format("run {}", number));
  Set(test, "time", "0");
  pugi::xml_node error = test.append_child("error");
  Set(error, "message", run.failure);
  Set(error, "type", "command");
  error.text().set(Escaped(fmt::format("{}: {}", run.path, run.failure)).c_str());
}

size_t Count(pugi::xml_node suite, const char* kind) {
  size_t n = 0;
  for (const pugi::xml_node test : suite.children("testcase")) n += test.child(kind) ? 1 : 0;
  return n;
}

}  // namespace

std::string CheckJunit(const CheckResult& result) {
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  pugi::xml_node suites = document.append_child("testsuites");
  pugi::xml_node suite = suites.append_child("testsuite");
  for (const RuleOutcome& outcome : result.outcomes) AppendCase(suite, result, outcome);
  for (size_t i = 0; i < result.runs.size(); ++i) {
    if (!result.runs[i].failure.empty()) AppendFailedRun(suite, i + 1, result.runs[i]);
  }
  for (pugi::xml_node node : {suites, suite}) {
    Set(node, "name", "wqprof check");
    Set(node, "tests", fmt::format("{}", result.outcomes.size() + result.failed_runs()));
    Set(node, "failures", fmt::format("{}", Count(suite, "failure")));
    Set(node, "errors", fmt::format("{}", Count(suite, "error")));
  }
  Set(suite, "skipped", fmt::format("{}", Count(suite, "skipped")));
  std::ostringstream out;
  document.save(out, "  ");
  return out.str();
}

}  // namespace wqprof
