// SPDX-License-Identifier: Apache-2.0
// What libfmt holds besides its headers, for the static program: Debian has no archive of it.
#include <fmt/format-inl.h>

#if FMT_VERSION < 100000
template auto fmt::detail::thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template auto fmt::detail::decimal_point_impl<char>(locale_ref) -> char;
#endif
