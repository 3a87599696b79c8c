// SPDX-License-Identifier: Apache-2.0
// Prints the JSON Schemas that are kept in src/render/schemas: a test compares the two.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/doctor_document.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "fmt/format.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/schema.h"

namespace wqprof {
namespace {

int RunSchema(const std::string& name) {
  std::vector<NamedSchema> schemas = Schemas();
  const Document doctor = DoctorDocument();
  schemas.push_back({doctor.schema, SchemaText(doctor)});
  std::vector<std::string> names;
  for (const NamedSchema& schema : schemas) names.push_back(schema.schema);
  if (name.empty()) return Fail(WriteOutput(fmt::format("{}\n", fmt::join(names, "\n"))));
  const auto it = std::find(names.begin(), names.end(), name);
  if (it != names.end()) {
    return Fail(WriteOutput(schemas[static_cast<size_t>(it - names.begin())].text));
  }
  return Fail(
      absl::InvalidArgumentError(fmt::format("there is no schema '{}'{}: write {}", name,
                                             DidYouMean(name, names), fmt::join(names, ", "))));
}

}  // namespace

void AddSchemaCommand(CommandLine& line) {
  auto names = std::make_shared<std::vector<std::string>>();
  Command command = line.Add("schema", "Print a JSON Schema of wqprof's output");
  command.Hide();
  command.AddArgument({"NAME", "", "such as wqprof.report/1 (default: list their names)"},
                      names.get());
  command.OnRun([names] { return RunSchema(names->empty() ? "" : names->front()); });
}

}  // namespace wqprof
