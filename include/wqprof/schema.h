// SPDX-License-Identifier: Apache-2.0
// The JSON Schemas of what commands print, made from the columns of their tables.
#ifndef WQPROF_SCHEMA_H_
#define WQPROF_SCHEMA_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/render.h"

namespace wqprof {

// What a command prints for programs.
struct Document {
  std::string schema;         // "wqprof.report/1"
  std::string about;          // a sentence
  std::vector<Table> tables;  // with the columns that they have at most; their rows do not count
};

// The schema of one JSON document that ToJson() makes of such tables.
std::string SchemaText(const Document& document);

// The schemas of the commands whose results this module renders, by name ("wqprof.report/1").
struct NamedSchema {
  std::string schema, text;
};
std::vector<NamedSchema> Schemas();

}  // namespace wqprof

#endif  // WQPROF_SCHEMA_H_
