// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_DOCTOR_DOCUMENT_H_
#define WQPROF_CLI_DOCTOR_DOCUMENT_H_

#include "wqprof/schema.h"

namespace wqprof {

// What `doctor --format json` prints, for its schema.
Document DoctorDocument();

}  // namespace wqprof

#endif  // WQPROF_CLI_DOCTOR_DOCUMENT_H_
