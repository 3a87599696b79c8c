// SPDX-License-Identifier: Apache-2.0
// Reading of protobuf messages from anybody: what protozero throws ends here, and what it only
// asserts is asked before.
#ifndef WQPROF_PFTRACE_PROTO_H_
#define WQPROF_PFTRACE_PROTO_H_

#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <string_view>

namespace wqprof {

// A field by its number and by how it is stored.  One that is stored otherwise is another field.
constexpr uint32_t AsVarint(uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::varint);
}
constexpr uint32_t AsBytes(uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::length_delimited);
}

inline std::string_view TakeBytes(protozero::pbf_reader& in) {
  const protozero::data_view view = in.get_view();
  return {view.data(), view.size()};
}

// Calls `see` at each field; it takes the value and returns true, or false for a field of no use.
// False: the message is damaged; what came before was seen.
template <typename F>
bool ForEachField(std::string_view message, F&& see) {
  try {
    protozero::pbf_reader in(message.data(), message.size());
    while (in.next()) {
      if (!see(in)) in.skip();
    }
    return true;
  } catch (const protozero::exception&) {
    return false;
  }
}

// Calls `see` with each number of a packed field.
template <typename F>
bool ForEachNumber(std::string_view packed, F&& see) {
  try {
    const char* at = packed.data();
    const char* const end = at + packed.size();
    while (at != end) see(protozero::decode_varint(&at, end));
    return true;
  } catch (const protozero::exception&) {
    return false;
  }
}

}  // namespace wqprof

#endif  // WQPROF_PFTRACE_PROTO_H_
