# SPDX-License-Identifier: Apache-2.0
# Writes OUTPUT, a source file that holds the script and the style of SOURCE and their SHA-256 in
# base64, as a Content-Security-Policy wants it.  The script is one of several files, which share
# one scope.  Indentation and lines of comment are left out.
include(${SOURCE}/script.cmake)

# `hex`, a SHA-256, in base64.
function(base64 hex result)
  set(letters ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
  set(out "")
  foreach(at RANGE 0 60 6)
    # Three bytes are four letters; the last two bytes are three, and a filler.
    string(SUBSTRING "${hex}0" ${at} 6 part)
    string(LENGTH "${part}" digits)
    if(digits LESS 6)
      string(APPEND part 0)
    endif()
    math(EXPR bits "0x${part}")
    foreach(shift 18 12 6 0)
      math(EXPR letter "(${bits} >> ${shift}) & 63")
      string(SUBSTRING ${letters} ${letter} 1 letter)
      string(APPEND out "${letter}")
    endforeach()
  endforeach()
  string(SUBSTRING "${out}" 0 43 out)
  set(${result} "${out}=" PARENT_SCOPE)
endfunction()

# Appends the definitions of `name`, which holds `text`, and its hash to `code`.
function(embed text name)
  string(REGEX REPLACE "\n[ \t]+" "\n" text "${text}")
  string(REGEX REPLACE "\n//[^\n]*" "" text "${text}")
  string(REGEX REPLACE "\n+" "\n" text "${text}")
  file(WRITE "${OUTPUT}.text" "${text}")
  file(READ "${OUTPUT}.text" bytes HEX)
  file(SHA256 "${OUTPUT}.text" hash)
  file(REMOVE "${OUTPUT}.text")
  base64("${hash}" hash)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  set(code "${code}
const unsigned char ${name}Bytes[] = {
${bytes}};
const std::string_view ${name}(reinterpret_cast<const char*>(${name}Bytes), sizeof(${name}Bytes));
const std::string_view ${name}Hash = \"${hash}\";
" PARENT_SCOPE)
endfunction()

set(code "")
set(script "\"use strict\";\n(() => {\n")
foreach(file ${page_script})
  file(READ "${SOURCE}/${file}" text)
  string(APPEND script "\n${text}")
endforeach()
embed("${script}\n})();\n" kScript)
file(READ "${SOURCE}/page.css" style)
embed("${style}" kStyle)
file(WRITE "${OUTPUT}" "// Made by embed.cmake.
#include \"page/assets.h\"

namespace wqprof::assets {
${code}
}  // namespace wqprof::assets
")
